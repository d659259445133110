"""Grapheme-to-phoneme models of different kinds, asked together.

Models of one lexicon are averaged at every phoneme (`G2P.join`). Others, which
have other letters or hints, or say words backwards, cannot be; each proposes
pronunciations, and all weigh what was proposed by any. The best is the most
probable by the geometric mean of their probabilities: one that a model holds to
be absurd is seldom right. Analogy with the words of a lexicon may weigh, too; it
proposes nothing.

Reference
---------
Ostendorf et al.: "Integration of Diverse Recognition Methodologies Through
Reevaluation of N-Best Sentence Hypotheses", Speech and Natural Language
Workshop 1991.
"""

import statistics
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from sb_sma.inference.arguments import check_count
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.interface import G2P, Pronunciation
from sb_sma.inference.g2p.likeness import check_notation, find_differences
from sb_sma.inference.g2p.pronouncer import Pronouncer

# none must decide alone, such as a model that lacks a phoneme
_LEAST_LOG_PROBABILITY = -20.0
# what every model made of a word, and analogy
Readings = tuple[list[int] | list[str], ...]


class CombinedG2P(Pronouncer):
    """Asks several models for pronunciations that they hold to be probable.

    Arguments
    ---------
    models : sequence of G2P
        Two or more, or one with `analogy`, of lexicons in the same notation. Of
        two pronunciations that are unlike in length, the better one is chosen
        by the length penalty of the first model.
    analogy : Analogy, optional
        With the words of a lexicon in this notation; counts as one model.

    Raises
    ------
    ValueError
        If there is nothing to combine, or phonemes are written differently.
    """

    def __init__(self, models: Sequence[G2P], analogy: Analogy | None = None):
        if len(models) < (2 if analogy is None else 1):
            raise ValueError(
                "models must be two or more to be combined, or one with "
                f"analogy; got {len(models)}. Ask a single one itself."
            )
        _check_notation(models, analogy.symbols if analogy is not None else ())
        self.models = list(models)
        self.analogy = analogy

    def decode(
        self,
        graphemes: Sequence[Readings],
        n: int = 1,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the best pronunciations of words that `encode` has read.

        Arguments
        ---------
        graphemes : sequence of tuple
            What all made of each word.
        n : int
            As of `n_best`.
        beam_size : int, optional
            As of a call.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            As of `n_best`.

        Raises
        ------
        ValueError
            If a number is below 1.
        """
        check_count("n", n)
        check_count("beam_size", beam_size, or_none=True)
        if not graphemes:
            return []
        readings = list(zip(*graphemes))
        proposed = []
        for model, words in zip(self.models, readings):
            width = model.hparams.beam_settings.beam_size
            if beam_size is not None:
                width = beam_size
            proposed.append(model.decode(words, max(n, width), beam_size))
        candidates = [_merge(proposals) for proposals in zip(*proposed)]
        weighing = [*self.models]
        if self.analogy is not None:
            weighing.append(self.analogy)
        weighed = [
            each.weigh(words, candidates)
            for each, words in zip(weighing, readings)
        ]
        penalty = self.models[0].hparams.beam_settings.length_penalty
        return [
            _rank(phonemes, list(zip(*weights)), penalty)[:n] or proposals[:1]
            for phonemes, weights, proposals in zip(
                candidates, zip(*weighed), proposed[0]
            )
        ]

    @property
    def fallbacks(self) -> Counter:
        """How often each letter that a model lacks was replaced, at most."""
        counts: Counter = Counter()
        for model in self.models:
            composed: Counter = Counter()
            for letter, count in model.fallbacks.items():
                # models that take letters apart name them so
                composed[unicodedata.normalize("NFC", letter)] += count
            counts |= composed
        return counts

    def check_language(self, language: str | None) -> None:
        """Refuse a language that a model lacks.

        Arguments
        ---------
        language : str, optional
            As of a call.

        Raises
        ------
        ValueError
            If a model lacks it, or needs one.
        """
        for model in self.models:
            model.check_language(_known_language(model, language))

    def encode(self, word: str, language: str | None = None) -> Readings:
        """Look the letters of a word up.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As of a call.

        Returns
        -------
        readings : tuple
            Indices of the grapheme table of every model, and the letters where
            there is `analogy`.

        Raises
        ------
        ValueError
            If one of the models cannot read the word.
        """
        readings: list = [
            model.encode(word, _known_language(model, language))
            for model in self.models
        ]
        if self.analogy is not None:
            readings.append(self.analogy.encode(word))
        return tuple(readings)


def load_together(
    sources: Sequence[str], trusted: bool | Collection[str] = False
) -> G2P | CombinedG2P:
    """Load models that are to be asked together.

    Those that read and say words alike are joined; what is joined so is
    combined with the others, with the same weight as each of them.

    Arguments
    ---------
    sources : sequence of str
        Folders of exported models, or repositories on a hub.
    trusted : bool or collection of str
        As `G2P.from_hparams` takes it.

    Returns
    -------
    g2p : G2P or CombinedG2P
        All of them.

    Raises
    ------
    ValueError
        If there is no source, no model at one, or some write phonemes
        differently.
    """
    if isinstance(sources, str):
        raise ValueError(
            f"sources must be a list of folders; got the string {sources!r}. "
            "Put a single folder into a list."
        )
    return put_together(
        [G2P.from_hparams(source=each, trusted=trusted) for each in sources]
    )


def put_together(models: Sequence[G2P]) -> G2P | CombinedG2P:
    """Join models that read and say words alike, and combine the others.

    Arguments
    ---------
    models : sequence of G2P
        One or more; the first of those that are alike becomes all of them.

    Returns
    -------
    g2p : G2P or CombinedG2P
        All of them.

    Raises
    ------
    ValueError
        If there is no model, or some write phonemes differently.
    """
    if not models:
        raise ValueError("there must be one model or more; got none.")
    groups: list[list[G2P]] = []
    for g2p in models:
        for group in groups:
            if not find_differences(group[0], g2p):
                group.append(g2p)
                break
        else:
            groups.append([g2p])
    for first, *others in groups:
        if others:
            first.join(others)
    firsts = [group[0] for group in groups]
    return firsts[0] if len(firsts) == 1 else CombinedG2P(firsts)


def add_analogy(
    g2p: G2P | CombinedG2P, lexicon: Mapping[str, Sequence[Sequence[str]]]
) -> CombinedG2P:
    """Let the words of a lexicon weigh, too.

    Arguments
    ---------
    g2p : G2P or CombinedG2P
        One model, or several.
    lexicon : mapping from str to sequence of sequence of str
        As of `Analogy`.

    Returns
    -------
    g2p : CombinedG2P
        The same models, with analogy.

    Raises
    ------
    ValueError
        If the lexicon writes phonemes otherwise, or is none to compare with.
    """
    models = g2p.models if isinstance(g2p, CombinedG2P) else [g2p]
    phonemes = {
        phoneme
        for pronunciations in lexicon.values()
        for pronunciation in pronunciations
        for phoneme in pronunciation
    }
    # to learn from a large lexicon takes longer than to look at it
    _check_notation(models, phonemes)
    return CombinedG2P(models, Analogy(lexicon))


def _check_notation(models: Sequence[G2P], lexicon: Collection[str]) -> None:
    """Refuse models, and phonemes of a lexicon, in different notations."""
    tables: dict[str, Collection[str]] = {
        f"model {number}": model.hparams.phonemes.symbols
        for number, model in enumerate(models, start=1)
    }
    if lexicon:
        tables["the lexicon of analogy"] = lexicon
    check_notation(tables)


def _known_language(model: G2P, language: str | None) -> str | None:
    """Return the language, for a model that knows of languages."""
    return language if model.hparams.grapheme_tokenizer.languages else None


def _merge(proposals: Sequence[list[Pronunciation]]) -> list[list[str]]:
    """Different proposals, but for those that were cut off."""
    merged = {
        tuple(pronunciation.phonemes)
        for of_model in proposals
        for pronunciation in of_model
        if pronunciation.finished
    }
    return [list(phonemes) for phonemes in sorted(merged)]


def _rank(
    candidates: Sequence[list[str]],
    weighed: Sequence[tuple[float, ...]],
    length_penalty: float,
) -> list[Pronunciation]:
    """Candidates, those with the most probability first."""
    ranked = []
    for phonemes, log_probabilities in zip(candidates, weighed):
        mean = statistics.fmean(
            max(each, _LEAST_LOG_PROBABILITY) for each in log_probabilities
        )
        worth = mean / (len(phonemes) + 1) ** length_penalty
        ranked.append((worth, Pronunciation(phonemes, mean, finished=True)))
    ranked.sort(key=lambda each: each[0], reverse=True)
    return [pronunciation for _, pronunciation in ranked]
