"""Grapheme-to-phoneme models of different kinds, asked together.

Models of one lexicon are averaged at every phoneme (`G2P.join`). Others, which
have other letters, phonemes or hints, cannot be; they propose pronunciations,
and each weighs the proposals of all.

Reference
---------
Ostendorf et al.: "Integration of Diverse Recognition Methodologies Through
Reevaluation of N-Best Sentence Hypotheses", Speech and Natural Language
Workshop 1991.
"""

from collections import Counter
from typing import Dict, List, Optional, Sequence, Tuple, Union

from sb_sma.inference.g2p import G2P, Pronunciation

# what every model made of a word
Readings = Tuple[List[int], ...]


class CombinedG2P:
    """Asks several models for pronunciations that all hold to be probable.

    Arguments
    ---------
    models : sequence of G2P
        Two or more, of any lexicons whose phonemes are written alike.

    Raises
    ------
    ValueError
        If there are fewer than two models.
    """

    def __init__(self, models: Sequence[G2P]):
        if len(models) < 2:
            raise ValueError(
                "models must be two or more to be combined; got "
                f"{len(models)}. Ask a single one itself."
            )
        self.models = list(models)

    def __call__(
        self,
        words: Sequence[str],
        language: Optional[str] = None,
        beam_size: Optional[int] = None,
    ) -> List[List[str]]:
        """Give the best pronunciation of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        language : str, optional
            Of the words; needed if one of the models has several languages.
        beam_size : int, optional
            Pronunciations of each word that a model proposes. Default: what it
            was exported with.

        Returns
        -------
        pronunciations : list of list of str
            The phonemes of each word.

        Raises
        ------
        ValueError
            If one of the models cannot read a word.
        """
        best = self.n_best(words, 1, language, beam_size)
        return [pronunciations[0].phonemes for pronunciations in best]

    def n_best(
        self,
        words: Sequence[str],
        n: int,
        language: Optional[str] = None,
        beam_size: Optional[int] = None,
    ) -> List[List[Pronunciation]]:
        """Give the best pronunciations of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        n : int
            Pronunciations per word.
        language : str, optional
            As in `__call__`.
        beam_size : int, optional
            As in `__call__`.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word at most `n`, the best first; the log-probability is
            the mean of the models'.

        Raises
        ------
        ValueError
            If one of the models cannot read a word, or a number is below 1.
        """
        readings = zip(*(model.read(words, language) for model in self.models))
        return self.decode(list(readings), n, beam_size)

    def decode(
        self,
        graphemes: Sequence[Readings],
        n: int = 1,
        beam_size: Optional[int] = None,
    ) -> List[List[Pronunciation]]:
        """Give the best pronunciations of words that `encode` has read.

        Arguments
        ---------
        graphemes : sequence of tuple of list of int
            Indices of each word, of every model.
        n : int
            As in `n_best`.
        beam_size : int, optional
            As in `__call__`.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            As in `n_best`.

        Raises
        ------
        ValueError
            If a number is below 1.
        """
        if not graphemes:
            return []
        proposed = [
            model.decode(read, self._n_proposals(model, n, beam_size))
            for model, read in zip(self.models, zip(*graphemes))
        ]
        candidates = [_merge(proposals) for proposals in zip(*proposed)]
        weighed = [
            model.weigh(read, [list(each) for each in candidates])
            for model, read in zip(self.models, zip(*graphemes))
        ]
        penalty = self.models[0].hparams.beam_settings.length_penalty
        return [
            _rank(finished, list(zip(*each)), penalty)[:n]
            for finished, each in zip(candidates, zip(*weighed))
        ]

    @property
    def fallbacks(self) -> Counter:
        """How often each letter that a model lacks was replaced, at most."""
        counts: Counter = Counter()
        for model in self.models:
            counts |= model.fallbacks
        return counts

    def check_language(self, language: Optional[str]) -> None:
        """Refuse a language that a model lacks.

        Arguments
        ---------
        language : str, optional
            As in `__call__`.

        Raises
        ------
        ValueError
            If a model lacks it, or needs one.
        """
        for model in self.models:
            model.check_language(language)

    def encode(self, word: str, language: Optional[str] = None) -> Readings:
        """Look the letters of a word up.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As in `__call__`.

        Returns
        -------
        readings : tuple of list of int
            Of the grapheme table of every model.

        Raises
        ------
        ValueError
            If one of the models cannot read the word.
        """
        return tuple(model.encode(word, language) for model in self.models)

    @staticmethod
    def _n_proposals(model: G2P, n: int, beam_size: Optional[int]) -> int:
        return max(n, beam_size or model.hparams.beam_settings.beam_size)


def load_together(sources: Sequence[str]) -> Union[G2P, CombinedG2P]:
    """Load models that are to be asked together.

    Those that read and say words alike are joined; what is joined so is
    combined with the others, with the same weight as each of them.

    Arguments
    ---------
    sources : sequence of str
        Folders of exported models, or repositories on a hub.

    Returns
    -------
    g2p : G2P or CombinedG2P
        All of them.

    Raises
    ------
    ValueError
        If there is no source, or no model at one.
    """
    if not sources:
        raise ValueError("sources must name one model or more; got none.")
    groups: List[List[G2P]] = []
    for source in sources:
        g2p = G2P.from_hparams(source=source)
        for group in groups:
            if not group[0].differences(g2p):
                group.append(g2p)
                break
        else:
            groups.append([g2p])
    for first, *others in groups:
        if others:
            first.join(others)
    models = [group[0] for group in groups]
    return models[0] if len(models) == 1 else CombinedG2P(models)


def _merge(proposals: Sequence[List[Pronunciation]]) -> Dict:
    """Different proposals, and whether a model ended them itself."""
    merged: Dict[Tuple[str, ...], bool] = {}
    for pronunciation in (each for of_model in proposals for each in of_model):
        phonemes = tuple(pronunciation.phonemes)
        merged[phonemes] = merged.get(phonemes, False) | pronunciation.finished
    return merged


def _rank(
    finished: Dict[Tuple[str, ...], bool],
    weighed: Sequence[Tuple[float, ...]],
    length_penalty: float,
) -> List[Pronunciation]:
    """Candidates, those that all hold to be probable first."""
    ranked = []
    for (phonemes, ended), log_probabilities in zip(finished.items(), weighed):
        mean = sum(log_probabilities) / len(log_probabilities)
        worth = mean / (len(phonemes) + 1) ** length_penalty
        ranked.append(
            (ended, worth, Pronunciation(list(phonemes), mean, ended))
        )
    ranked.sort(key=lambda each: each[:2], reverse=True)
    return [pronunciation for _, _, pronunciation in ranked]
