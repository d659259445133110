"""How often pronunciations are wrong, and where: error rates of words and of
phonemes against one or more reference pronunciations.

Rates are in percent, as in the literature and in SpeechBrain:

* WER, the word error rate: the words whose hypothesis equals none of their
  references, over all words.
* PER, the phoneme error rate: the edit distances (substitutions, deletions and
  insertions) to the nearest reference, summed over the words, over the summed
  lengths of these references. Of several equally near references the longest
  counts, of several equally long ones the first given: the order of the
  references changes no rate.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sb_sma.data.notation import strip_stress
from sb_sma.metrics.pronunciation import find_nearest, list_edits

# lengths in letters: 1-2, 3-4, ... and from here on all in one range
_RANGE_WIDTH = 2
_LAST_RANGE = 15


@dataclass(frozen=True)
class WordScore:
    """One hypothesis and the reference that it is measured against.

    Arguments
    ---------
    word : str
        As it is spelt.
    language : str
        Empty where none was given.
    hypothesis : tuple of str
        Phonemes of the model's best hypothesis.
    reference : tuple of str
        Phonemes of the nearest reference.
    distance : int
        Edit distance between the two.
    """

    word: str
    language: str
    hypothesis: tuple[str, ...]
    reference: tuple[str, ...]
    distance: int


class PhonemeErrorRates:
    """Collects the scores of words, and sums them up.

    Attributes
    ----------
    scores : list of WordScore
        One per word, in the order in which they came.

    Example
    -------
    >>> rates = PhonemeErrorRates()
    >>> rates.append(
    ...     ["cat", "tomato"],
    ...     ["K AA1 T".split(), "T AH0 M AA1 T OW2".split()],
    ...     [
    ...         ["K AE1 T".split()],
    ...         ["T AH0 M EY1 T OW2".split(), "T AH0 M AA1 T OW2".split()],
    ...     ],
    ... )
    >>> rates.summarize()["wer"], round(rates.summarize()["per"], 1)
    (50.0, 11.1)
    >>> rates.confusions(1)
    [('AE1', 'AA1', 1)]
    """

    def __init__(self):
        self.scores: list[WordScore] = []
        self._unstressed: list[WordScore] = []
        self._has_stress = False

    def append(
        self,
        words: Sequence[str],
        hypotheses: Sequence[Sequence[str]],
        references: Sequence[Sequence[Sequence[str]]],
        languages: Sequence[str] | None = None,
    ) -> None:
        """Score some words.

        Arguments
        ---------
        words : sequence of str
            As they are spelt.
        hypotheses : sequence of sequences of str
            Phonemes of the best hypothesis for each word; may be empty.
        references : sequence of sequences of sequences of str
            Pronunciations of each word, at least one.
        languages : sequence of str, optional
            Language of each word. Give it always or never.

        Raises
        ------
        ValueError
            If the lists differ in length, a word has no reference, a reference
            no phoneme, or a pronunciation is not a sequence of phonemes; then
            none of the words is counted.
        """
        _check_lengths(words, hypotheses, references, languages)
        labels = [""] * len(words) if languages is None else languages
        self._check_languages(labels)
        scores, unstressed, has_stress = [], [], self._has_stress
        for word, hypothesis, pronunciations, language in zip(
            words, hypotheses, references, labels
        ):
            _check_word(word, hypothesis, pronunciations)
            given = [tuple(p) for p in (hypothesis, *pronunciations)]
            bare = [strip_stress(p) for p in given]
            score = _score(word, language, given)
            scores.append(score)
            unstressed.append(
                score if bare == given else _score(word, language, bare)
            )
            has_stress = has_stress or bare[1:] != given[1:]
        self.scores += scores
        self._unstressed += unstressed
        self._has_stress = has_stress

    def summarize(self) -> dict[str, float]:
        """Sum up all words.

        Returns
        -------
        dict of str to float
            ``wer`` and ``per`` in percent, and ``n_words``; ``wer_no_stress``
            and ``per_no_stress`` if a reference has stress; ``wer_LANGUAGE``
            and ``per_LANGUAGE`` of each of several languages, and their means,
            ``wer_macro`` and ``per_macro``.

        Raises
        ------
        ValueError
            If no word was appended.
        """
        if not self.scores:
            raise ValueError(
                "error rates need at least one word; got none. Append the "
                "words of the test set first."
            )
        wer, per = _error_rates(self.scores)
        summary = {"wer": wer, "per": per, "n_words": len(self.scores)}
        if self._has_stress:
            wer, per = _error_rates(self._unstressed)
            summary |= {"wer_no_stress": wer, "per_no_stress": per}
        rows = self.by_language()
        for language, _, wer, per in rows:
            summary |= {f"wer_{language}": wer, f"per_{language}": per}
        if rows:
            _, _, wers, pers = zip(*rows)
            summary["wer_macro"] = sum(wers) / len(rows)
            summary["per_macro"] = sum(pers) / len(rows)
        return summary

    def confusions(self, n: int | None = None) -> list[tuple[str, str, int]]:
        """List the most frequent errors.

        Arguments
        ---------
        n : int, optional
            Most errors to list. Default: all.

        Returns
        -------
        list of tuple of str, str and int
            Phoneme of the reference, of the hypothesis, and how often, the
            most frequent first. ``""`` stands for no phoneme: of the reference
            in an insertion, of the hypothesis in a deletion.
        """
        counts = Counter(
            edit
            for score in self.scores
            if score.distance
            for edit in list_edits(score.reference, score.hypothesis)
        )
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(*edit, count) for edit, count in ranked[:n]]

    def by_length(self) -> list[tuple[str, int, float, float]]:
        """Sum up the words of similar length.

        Returns
        -------
        list of tuple of str, int, float and float
            Letters of the words, such as ``"5-6"``, number of words, WER and
            PER, the shortest words first. Ranges without a word are left out.
        """
        groups: dict[int, list[WordScore]] = {}
        for score in self.scores:
            # an accent is no letter of its own
            n_letters = len(unicodedata.normalize("NFC", score.word))
            number = (max(min(n_letters, _LAST_RANGE), 1) - 1) // _RANGE_WIDTH
            groups.setdefault(number, []).append(score)
        rows = []
        for number, scores in sorted(groups.items()):
            first = number * _RANGE_WIDTH + 1
            is_last = first == _LAST_RANGE
            end = "+" if is_last else f"-{first + _RANGE_WIDTH - 1}"
            rows.append((f"{first}{end}", len(scores), *_error_rates(scores)))
        return rows

    def by_language(self) -> list[tuple[str, int, float, float]]:
        """Sum up the words of each language.

        Returns
        -------
        list of tuple of str, int, float and float
            Language, number of words, WER and PER, by name. Empty unless there
            are several languages.
        """
        groups: dict[str, list[WordScore]] = {}
        for score in self.scores:
            groups.setdefault(score.language, []).append(score)
        if len(groups) < 2:
            return []
        return [
            (language, len(scores), *_error_rates(scores))
            for language, scores in sorted(groups.items())
        ]

    def worst(self, n: int) -> list[WordScore]:
        """List the words with the largest distances.

        Arguments
        ---------
        n : int
            Most words to list.

        Returns
        -------
        list of WordScore
            Words that are wrong, the largest distance first; of equal ones
            those that came first.
        """
        wrong = [score for score in self.scores if score.distance]
        # sorted() keeps the order of equal ones
        return sorted(wrong, key=lambda score: -score.distance)[:n]

    def sample_wrong(self, n: int) -> list[WordScore]:
        """Pick words that are wrong, evenly spread over all of these.

        Arguments
        ---------
        n : int
            Most words to pick.

        Returns
        -------
        list of WordScore
            The same words at every call, in the order in which they came.
        """
        wrong = [score for score in self.scores if score.distance]
        n = min(n, len(wrong))
        return [wrong[number * len(wrong) // n] for number in range(n)]

    def _check_languages(self, labels: Sequence[str]) -> None:
        given = {bool(label) for label in labels}
        given |= {bool(score.language) for score in self.scores[:1]}
        if len(given) > 1:
            raise ValueError(
                "languages must be given for every word or for none; got both. "
                "Pass languages to every append, without empty ones."
            )


def _score(
    word: str, language: str, pronunciations: Sequence[tuple[str, ...]]
) -> WordScore:
    """Score of the first pronunciation beside all others."""
    hypothesis, *references = pronunciations
    nearest = find_nearest(hypothesis, references)
    return WordScore(word, language, hypothesis, *nearest)


def _error_rates(scores: Sequence[WordScore]) -> tuple[float, float]:
    n_wrong = sum(score.distance > 0 for score in scores)
    n_edits = sum(score.distance for score in scores)
    n_phonemes = sum(len(score.reference) for score in scores)
    return 100 * n_wrong / len(scores), 100 * n_edits / n_phonemes


def _check_lengths(words, hypotheses, references, languages) -> None:
    lengths = [len(words), len(hypotheses), len(references)]
    if languages is not None:
        lengths.append(len(languages))
    if len(set(lengths)) > 1:
        raise ValueError(
            "words, hypotheses, references and languages must be equally "
            f"long; got {', '.join(map(str, lengths))}. Pass one of each per "
            "word."
        )


def _check_word(word, hypothesis, references) -> None:
    if isinstance(references, str) or not references:
        raise ValueError(
            f"references of {word!r} must be a list of at least one "
            f"pronunciation; got {references!r}. Leave words without a "
            "reference out, and put a single pronunciation into a list."
        )
    for name, phonemes in (
        ("hypothesis", hypothesis),
        *(("reference", reference) for reference in references),
    ):
        if isinstance(phonemes, str) or not all(
            isinstance(phoneme, str) for phoneme in phonemes
        ):
            raise ValueError(
                f"{name} of {word!r} must be a sequence of phonemes, each a "
                f"string; got {phonemes!r}. Split a string at its spaces; of "
                "several hypotheses pass the best one."
            )
        if name == "reference" and not strip_stress(phonemes):
            raise ValueError(
                f"reference of {word!r} must have at least one phoneme; got "
                f"{phonemes!r}. Leave empty pronunciations out."
            )
