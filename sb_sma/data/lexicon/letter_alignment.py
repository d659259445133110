"""Which phonemes of a word its letters spell.

Letters and phonemes are cut into chunks that belong together, of one or two
letters and up to two phonemes, by expectation maximisation over all ways to cut
them.

Reference
---------
Jiampojamarn, Kondrak, Sherif: "Applying Many-to-Many Alignments and Hidden
Markov Models to Letter-to-Phoneme Conversion", NAACL 2007.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

Word = tuple[Sequence[str], Sequence[str]]
"""Letters, each with its marks, and phonemes."""
Chunk = tuple[tuple[str, ...], tuple[str, ...]]
"""Letters and the phonemes that they spell."""

# letters and phonemes of a chunk, and how probable such a shape is held to be:
# otherwise larger chunks win, since a word then has fewer
_SHAPES = {(1, 0): 0.1, (1, 1): 1.0, (1, 2): 0.1, (2, 1): 0.1}
_ITERATIONS = 10
# of a chunk that was not learnt
_LEAST_SHARE = 1e-12
# ways whose log-probabilities differ by less are as good: the same chunks in
# another order; of those, the one that says most at the start is taken
_ROUNDING = 1e-9
# words that are worked on at a time
_GROUP_SIZE = 4096


class LetterAligner:
    """Learns which chunks words are made of, and cuts words into them.

    Arguments
    ---------
    words : sequence of (sequence of str, sequence of str)
        Letters and phonemes of each.

    Example
    -------
    >>> words = [("sh", ["ʃ"]), ("she", ["ʃ", "i"]), ("he", ["h", "i"])]
    >>> aligner = LetterAligner(words)
    >>> aligner.cut([("heesh", ["h", "i", "ʃ"])])[0][-1]
    (('s', 'h'), ('ʃ',))
    """

    def __init__(self, words: Sequence[Word]):
        # 0 is what is not known, or no part of the word
        self._letters = _number(letter for word, _ in words for letter in word)
        self._phonemes = _number(p for _, phonemes in words for p in phonemes)
        groups = list(_group(words))
        known = [
            np.unique(key) for group in groups for key in self._keys(group)
        ]
        self._known = np.unique(np.concatenate([*known, np.zeros(0, np.int64)]))
        self._log_shares = np.zeros(len(self._known) + 1)
        chunks = [self._look_up(group) for group in groups]
        for _ in range(_ITERATIONS):
            counts = np.zeros(len(self._log_shares))
            for group, looked_up in zip(groups, chunks):
                self._add_counts(counts, group, looked_up)
            shares = counts / max(counts.sum(), 1.0)
            self._log_shares = np.log(shares.clip(_LEAST_SHARE))

    def cut(self, words: Sequence[Word]) -> list[list[Chunk] | None]:
        """Cut words into the chunks that are most probable.

        Arguments
        ---------
        words : sequence of (sequence of str, sequence of str)
            Letters and phonemes of each; they may be new.

        Returns
        -------
        list of (list of Chunk or None)
            None of a word that has more than two phonemes for each letter.
        """
        cuts: list[list[Chunk] | None] = [None] * len(words)
        for group in _group(words):
            scores = self._scores(self._look_up(group))
            best = _follow(scores, group, np.maximum)
            for place, row in enumerate(group.rows):
                cuts[row] = _trace(
                    words[row], best[place], [score[place] for score in scores]
                )
        return cuts

    def _keys(self, group: "_Group") -> list[np.ndarray]:
        """Return a number for every chunk of each shape, at each place."""
        letters = _encode(group.letters, self._letters)
        phonemes = _encode(group.phonemes, self._phonemes)
        base = 1 + max(len(self._letters), len(self._phonemes))
        keys = []
        for shape, (n_letters, n_phonemes) in enumerate(_SHAPES):
            key = np.full((1, 1, 1), shape, np.int64)
            for part in _windows(letters, n_letters):
                key = key * base + part[:, :, None]
            for part in _windows(phonemes, n_phonemes):
                key = key * base + part[:, None, :]
            keys.append(key)
        return keys

    def _look_up(self, group: "_Group") -> list[np.ndarray]:
        """Where the chunks of each shape stand among those that are known."""
        places = []
        for key in self._keys(group):
            place = np.searchsorted(self._known, key)
            known = np.append(self._known, -1)[place] == key
            # what was not learnt has the last place
            place = np.where(known, place, len(self._known))
            places.append(place.astype(np.int32))
        return places

    def _scores(self, chunks: list[np.ndarray]) -> list[np.ndarray]:
        """Log-probability of the chunks of each shape."""
        return [
            self._log_shares[place] + np.log(prior)
            for place, prior in zip(chunks, _SHAPES.values())
        ]

    def _add_counts(
        self, counts: np.ndarray, group: "_Group", chunks: list[np.ndarray]
    ) -> None:
        """How often each chunk is expected, over all ways to cut the words."""
        scores = self._scores(chunks)
        forward = _follow(scores, group, np.logaddexp)
        backward = _follow_back(scores, group)
        total = forward[group.ends]
        # no way leads through a word that cannot be cut
        total = np.where(np.isfinite(total), total, 0.0)[:, None, None]
        n_ends, n_said = forward.shape[1:]
        for (a, b), place, score in zip(_SHAPES, chunks, scores):
            through = forward[:, : n_ends - a, : n_said - b] + score
            expected = np.exp(through + backward[:, a:, b:] - total)
            if not b:
                expected = expected.sum(axis=2)
            counts += np.bincount(
                place.ravel(), expected.ravel(), minlength=len(counts)
            )


class _Group(NamedTuple):
    """Words with the same number of letters.

    Arguments
    ---------
    rows : list of int
        Where they stand among all.
    letters : tuple of sequence of str
        Of each word.
    phonemes : tuple of sequence of str
        Of each word.
    """

    rows: list[int]
    letters: tuple[Sequence[str], ...]
    phonemes: tuple[Sequence[str], ...]

    @property
    def ends(self) -> tuple[np.ndarray, int, np.ndarray]:
        """Index of the ends of all words."""
        n_phonemes = np.array([len(each) for each in self.phonemes])
        return np.arange(len(self.rows)), len(self.letters[0]), n_phonemes


def _group(words: Sequence[Word]) -> Iterator[_Group]:
    """Return words that can be cut."""
    rows = defaultdict(list)
    most = max(b / a for a, b in _SHAPES)
    for row, (letters, phonemes) in enumerate(words):
        if len(phonemes) <= most * len(letters):
            rows[len(letters)].append(row)
    for alike in rows.values():
        for start in range(0, len(alike), _GROUP_SIZE):
            some = alike[start : start + _GROUP_SIZE]
            yield _Group(some, *zip(*(words[row] for row in some)))


def _number(symbols: Iterable[str]) -> dict[str, int]:
    """Return numbers from 1, in the order of first appearance."""
    return {s: number for number, s in enumerate(dict.fromkeys(symbols), 1)}


def _encode(
    words: Sequence[Sequence[str]], numbers: dict[str, int]
) -> np.ndarray:
    """Return numbers of the symbols of each word; 0 is unknown, and padding."""
    encoded = np.zeros((len(words), max(map(len, words))), np.int64)
    for row, word in enumerate(words):
        encoded[row, : len(word)] = [numbers.get(s, 0) for s in word]
    return encoded


def _windows(symbols: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Return the first symbol of each window, the second, and so on."""
    n_windows = max(symbols.shape[1] + 1 - width, 0)
    for first in range(width):
        yield symbols[:, first : first + n_windows]


def _follow(
    scores: list[np.ndarray], group: _Group, combine: np.ufunc
) -> np.ndarray:
    """Log-probability of the ways from the start of a word to each place,
    (B, letters + 1, phonemes + 1)."""
    _, n_letters, n_phonemes = group.ends
    reached = np.full(
        (len(n_phonemes), n_letters + 1, n_phonemes.max() + 1), -np.inf
    )
    reached[:, 0, 0] = 0.0
    for end in range(1, n_letters + 1):
        for (a, b), score in zip(_SHAPES, scores):
            if end >= a:
                before = reached[:, end - a, : reached.shape[2] - b]
                into = reached[:, end, b:]
                combine(into, before + score[:, end - a], out=into)
    return reached


def _follow_back(scores: list[np.ndarray], group: _Group) -> np.ndarray:
    """Log-probability of all ways from each place to the end of a word,
    (B, letters + 1, phonemes + 1)."""
    _, n_letters, n_phonemes = group.ends
    left = np.full(
        (len(n_phonemes), n_letters + 1, n_phonemes.max() + 1), -np.inf
    )
    left[group.ends] = 0.0
    for end in range(n_letters, 0, -1):
        for (a, b), score in zip(_SHAPES, scores):
            if end >= a:
                into = left[:, end - a, : left.shape[2] - b]
                after = left[:, end, b:]
                np.logaddexp(into, after + score[:, end - a], out=into)
    return left


def _trace(
    word: Word, best: np.ndarray, scores: list[np.ndarray]
) -> list[Chunk] | None:
    """Return the chunks on the best way to the end of a word."""
    letters, phonemes = map(tuple, word)
    end, said = len(letters), len(phonemes)
    if not np.isfinite(best[end, said]):
        return None
    chunks: list[Chunk] = []
    while end:
        for (a, b), score in zip(_SHAPES, scores):
            if a <= end and b <= said:
                first, before = end - a, said - b
                step = score[first, before if b else 0]
                if best[first, before] + step > best[end, said] - _ROUNDING:
                    break
        chunks.append((letters[first:end], phonemes[before:said]))
        end, said = first, before
    return chunks[::-1]
