"""Pronunciations weighed by analogy with the words of a lexicon.

Where a transcriber has a choice, such as ``ə`` or ``ɪ``, words that look alike
were mostly written alike. So each letter of a word is compared with the same
letter in all words of the lexicon: the more neighbours agree, on the right in
spelling, on the left in spelling and sound, the more it counts what is said
there. Letters that stand between the same two letters are enough to compare
with, if there are any. Only the alignment of letters and phonemes is learnt.

References
----------
Dedina, Nusbaum: "PRONOUNCE: a Program for Pronunciation by Analogy", Computer
Speech and Language 5, 1991.

van den Bosch, Daelemans: "Data-Oriented Methods for Grapheme-to-Phoneme
Conversion", EACL 1993.
"""

import logging
import math
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np

from sb_sma.data.lexicon.letter_alignment import Chunk, LetterAligner
from sb_sma.data.spelling import clusters, nearest_spelling
from sb_sma.inference.g2p.batches import check_candidates

logger = logging.getLogger(__name__)

# by what each neighbour in common multiplies the weight of a comparison
_WEIGHT_PER_NEIGHBOUR = 4.0
# distances of the neighbours that are looked at on each side
_STEPS = np.arange(1, 10)
# that a letter is said like none that it is compared with
_LEAST_PROBABILITY = 0.02
# of the lexicon, so that there is something to compare with
_LEAST_SHARE = 0.5

# numbers of letters and sounds begin with 1; the neighbours beyond the ends of
# words are all alike, and what the lexicon lacks is like nothing
_BEYOND, _UNKNOWN, _FIRST = 0, -1, 1


class Analogy:
    """Says how probable pronunciations are by the words of a lexicon.

    It proposes none: `CombinedG2P` asks it about those of trained models.

    Arguments
    ---------
    lexicon : mapping from str to sequence of sequence of str
        Words of one language with their pronunciations, all of which count, as
        of `sb_sma.data.lexicon.read.read_pronunciations`.

    Attributes
    ----------
    symbols : list of str
        The phonemes of the lexicon.

    Raises
    ------
    ValueError
        If in most words the phonemes cannot be told from the letters.

    Example
    -------
    >>> analogy = Analogy({"sane": [["s", "e"]], "cane": [["k", "e"]]})
    >>> word = analogy.encode("sac")
    >>> said, unheard = analogy.weigh([word], [[["s", "e", "k"], ["e"]]])[0]
    >>> said > unheard
    True
    """

    def __init__(self, lexicon: Mapping[str, Sequence[Sequence[str]]]):
        words = [
            (_cut_into_letters(word), tuple(phonemes))
            for word, pronunciations in lexicon.items()
            for phonemes in pronunciations
        ]
        self.symbols = sorted({p for _, phonemes in words for p in phonemes})
        self._aligner = LetterAligner(words)
        cuts = list(filter(None, self._aligner.cut(words)))
        if not cuts or len(cuts) < _LEAST_SHARE * len(words):
            raise ValueError(
                "lexicon must have words whose letters spell their phonemes, "
                f"at most two each; got {len(words)} pronunciation(s), "
                f"{len(cuts)} of them such. Give another."
            )
        if len(cuts) < len(words):
            logger.warning(
                "Analogy passes over %d of %d pronunciations, of more than two "
                "phonemes for each letter.",
                len(words) - len(cuts),
                len(words),
            )
        self._letters: dict[str, int] = {}
        self._sounds: dict[tuple[str, ...], int] = {}
        spelled, said = [], []
        for cut in cuts:
            letters, sounds = zip(*_letter_by_letter(cut))
            spelled.append(
                _surround([_number(each, self._letters) for each in letters])
            )
            said.append(
                _surround([_number(each, self._sounds) for each in sounds])
            )
        # all words, one after another
        self._spelled = np.concatenate(spelled)
        self._said = np.concatenate(said)
        places = np.flatnonzero(self._spelled)
        self._alone = _group(places, self._spelled[places])
        self._between = _group(places, self._pack(self._spelled, places))

    def encode(self, word: str) -> list[str]:
        """Cut a word into letters.

        Arguments
        ---------
        word : str
            The word.

        Returns
        -------
        letters : list of str
            Each with its marks, or the nearest ones that the lexicon has;
            syllables of Hangul are cut, too.
        """
        letters: list[str] = []
        for letter in _cut_into_letters(word):
            spelling = None
            if letter not in self._letters:
                spelling = nearest_spelling(letter, self._letters)
            letters.extend([letter] if spelling is None else spelling)
        return letters

    def weigh(
        self,
        graphemes: Sequence[Sequence[str]],
        pronunciations: Sequence[Sequence[Sequence[str]]],
    ) -> list[list[float]]:
        """Compare how probable given pronunciations are.

        Arguments
        ---------
        graphemes : sequence of sequence of str
            Letters of each word, as of `encode`.
        pronunciations : sequence of sequence of sequence of str
            Phonemes, of any number of pronunciations of each word.

        Returns
        -------
        log_ratios : list of list of float
            Natural logarithms of the probabilities over that of the word's most
            probable pronunciation, which has 0.

        Raises
        ------
        ValueError
            If there are not as many lists of pronunciations as words.
        """
        check_candidates(graphemes, pronunciations)
        cuts = iter(
            self._aligner.cut(
                [
                    (letters, phonemes)
                    for letters, several in zip(graphemes, pronunciations)
                    for phonemes in several
                ]
            )
        )
        weighed = []
        for letters, several in zip(graphemes, pronunciations):
            compared = self._compare(letters) if several else []
            found = [_follow(compared, self._say(next(cuts))) for _ in several]
            most = max(found, default=0.0)
            weighed.append([each - most for each in found])
        return weighed

    def _pack(self, spelled: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return a number for letters with both of their neighbours."""
        # the last number is none of a letter, so that -1 is unlike all
        n_letters = len(self._letters) + _FIRST + 1
        left, here, right = (
            spelled[places + step].astype(np.int64) for step in (-1, 0, 1)
        )
        return (left * n_letters + here) * n_letters + right

    def _compare(self, letters: Sequence[str]) -> list["_Letter"]:
        """Find the letters of a word in the lexicon."""
        nowhere = np.zeros(0, int)
        spelled = _surround(
            [self._letters.get(letter, _UNKNOWN) for letter in letters]
        )
        word = np.flatnonzero(spelled)
        compared = []
        for here, between in zip(word, self._pack(spelled, word).tolist()):
            places = self._between.get(between)
            if places is None:
                places = self._alone.get(int(spelled[here]), nowhere)
            left, right = places[:, None] - _STEPS, places[:, None] + _STEPS
            n_right = _run(self._spelled[right] == spelled[here + _STEPS])
            compared.append(
                _Letter(
                    self._said[places],
                    self._said[left],
                    self._spelled[left] == spelled[here - _STEPS],
                    _WEIGHT_PER_NEIGHBOUR**n_right,
                )
            )
        return compared

    def _say(self, cut: list[Chunk] | None) -> np.ndarray | None:
        """Return numbers of what the letters of a word are said to be."""
        if cut is None:
            return None
        return _surround(
            [
                self._sounds.get(sound, _UNKNOWN)
                for _, sound in _letter_by_letter(cut)
            ]
        )


class _Letter:
    """A letter of a word, beside the same letter in the words of a lexicon.

    Arguments
    ---------
    sounds : np.ndarray
        What is said at each place, int (N,).
    sounds_before : np.ndarray
        What is said at its left, from there outwards, int (N, neighbours).
    is_alike_before : np.ndarray
        Whether it is spelled as in the word there, bool (N, neighbours).
    weights : np.ndarray
        Of each place, by the letters at its right, float (N,).
    """

    def __init__(
        self,
        sounds: np.ndarray,
        sounds_before: np.ndarray,
        is_alike_before: np.ndarray,
        weights: np.ndarray,
    ):
        self._sounds = sounds
        self._sounds_before = sounds_before
        self._is_alike_before = is_alike_before
        self._weights = weights
        self._shares: dict[bytes, np.ndarray] = {}

    def weigh(self, sound: int, sounds_before: np.ndarray) -> float:
        """Log-probability of a sound after others."""
        key = sounds_before.tobytes()
        if key not in self._shares:
            same = self._sounds_before == sounds_before
            n_left = _run(self._is_alike_before & same)
            weights = self._weights * _WEIGHT_PER_NEIGHBOUR**n_left
            self._shares[key] = (
                np.bincount(self._sounds, weights) / weights.sum()
            )
        shares = self._shares[key]
        share = shares[sound] if 0 <= sound < len(shares) else 0.0
        return math.log(max(share, _LEAST_PROBABILITY))


def _cut_into_letters(word: str) -> list[str]:
    return list(clusters(unicodedata.normalize("NFD", word.lower())))


def _letter_by_letter(
    cut: Sequence[Chunk],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each letter with its phonemes; those of two are the first one's."""
    for (first, *others), phonemes in cut:
        yield first, phonemes
        for other in others:
            yield other, ()


def _number(key: Hashable, numbers: dict[Hashable, int]) -> int:
    """Return the number of a key, a new one of a new key."""
    return numbers.setdefault(key, _FIRST + len(numbers))


def _surround(numbers: Sequence[int]) -> np.ndarray:
    """With as many neighbours beyond both ends as are looked at."""
    return np.pad(
        np.array(numbers, np.int32), len(_STEPS), constant_values=_BEYOND
    )


def _group(places: np.ndarray, keys: np.ndarray) -> dict[int, np.ndarray]:
    """Return places with the same key, both (N,)."""
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    groups = np.split(places[order], starts[1:])
    return dict(zip(found.tolist(), groups))


def _follow(compared: Sequence[_Letter], said: np.ndarray | None) -> float:
    """Log-probability of what the letters of a word are said to be; what they
    cannot be is said like nothing that they are compared with."""
    if said is None:
        return len(compared) * math.log(_LEAST_PROBABILITY)
    return sum(
        letter.weigh(said[here], said[here - _STEPS])
        for letter, here in zip(compared, np.flatnonzero(said))
    )


def _run(agree: np.ndarray) -> np.ndarray:
    """How many of each row agree, from the first on, bool (N, K) to (N,)."""
    end = np.zeros((len(agree), 1), bool)
    return np.argmin(np.concatenate([agree, end], axis=1), axis=1)
