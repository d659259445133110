"""New words for a small lexicon, put together from parts of its words.

The letters and phonemes of every word are cut into chunks that belong together,
of one or two letters and up to two phonemes, by expectation maximisation over
all ways to cut them. Two words that share a chunk are then joined there: the
beginning of the one, the chunk, and the end of the other.

Reference
---------
Jiampojamarn, Kondrak, Sherif: "Applying Many-to-Many Alignments and Hidden
Markov Models to Letter-to-Phoneme Conversion", NAACL 2007.
"""

import random
import unicodedata
from collections import Counter, defaultdict
from typing import Iterator, Mapping, Sequence

from sb_sma.data.grapheme_fallback import clusters
from sb_sma.data.lexicon import LexiconEntry

Chunk = tuple[tuple[str, ...], tuple[str, ...]]
"""Letters, each with its marks, and the phonemes that they spell."""

# letters and phonemes of a chunk, and how probable such a shape is held to be:
# otherwise larger chunks win, since a word then has fewer
_SHAPES = {(1, 0): 0.1, (1, 1): 1.0, (1, 2): 0.1, (2, 1): 0.1}
_ITERATIONS = 10
_ATTEMPTS_PER_WORD = 100


def align(
    words: Sequence[tuple[Sequence[str], Sequence[str]]],
) -> list[list[Chunk] | None]:
    """Cuts words into the chunks that are most probable.

    Arguments
    ---------
    words : sequence of (sequence of str, sequence of str)
        Letters and phonemes of each.

    Returns
    -------
    list of (list of Chunk or None)
        None of a word that cannot be cut so: it has more than two phonemes for
        each letter.

    Example
    -------
    >>> words = [("sh", ["ʃ"]), ("she", ["ʃ", "i"]), ("he", ["h", "i"])]
    >>> align(words)[1]
    [(('s', 'h'), ('ʃ',)), (('e',), ('i',))]
    """
    words = [(tuple(letters), tuple(phonemes)) for letters, phonemes in words]
    probabilities: Mapping[Chunk, float] = _Priors()
    for _ in range(_ITERATIONS):
        counts: Counter[Chunk] = Counter()
        for letters, phonemes in words:
            counts.update(_expected_counts(letters, phonemes, probabilities))
        total = sum(counts.values())
        probabilities = Counter(
            {c: _prior(c) * n / total for c, n in counts.items()}
        )
    return [_best_cut(*word, probabilities) for word in words]


def splice(entries: Sequence[LexiconEntry], n_words: int) -> list[LexiconEntry]:
    """Makes new words.

    Arguments
    ---------
    entries : sequence of LexiconEntry
        Of one language; the first pronunciations are used.
    n_words : int
        How many are wanted.

    Returns
    -------
    list of LexiconEntry
        Different words that are not among the entries, the same at every call;
        fewer where hardly any words share chunks, or can be cut.

    Example
    -------
    >>> lexicon = {"bat": "b æ t", "cap": "k æ p", "tab": "t æ b"}
    >>> entries = [
    ...     LexiconEntry(w, (tuple(p.split()),)) for w, p in lexicon.items()
    ... ]
    >>> sorted(entry.word for entry in splice(entries, 3))
    ['cab', 'tap', 'tat']
    """
    # a syllable of Hangul has more phonemes than a chunk, its letters have not
    words = [
        (
            tuple(clusters(unicodedata.normalize("NFD", entry.word))),
            entry.pronunciations[0],
        )
        for entry in entries
    ]
    cuts = [cut for cut in align(words) if cut is not None]
    ends: dict[Chunk, list[list[Chunk]]] = defaultdict(list)
    for cut in cuts:
        for position, chunk in enumerate(cut):
            ends[chunk].append(cut[position:])
    longest = max(len(letters) for letters, _ in words)
    known = {unicodedata.normalize("NFC", entry.word) for entry in entries}
    new = []
    chance = random.Random(0)
    for _ in range(n_words * _ATTEMPTS_PER_WORD if cuts else 0):
        if len(new) == n_words:
            break
        start = chance.choice(cuts)
        position = chance.randrange(1, len(start)) if len(start) > 1 else 0
        chunks = start[:position] + chance.choice(ends[start[position]])
        letters = [letter for chunk, _ in chunks for letter in chunk]
        phonemes = tuple(p for _, chunk in chunks for p in chunk)
        word = unicodedata.normalize("NFC", "".join(letters))
        if phonemes and word not in known and len(letters) <= longest:
            known.add(word)
            language = entries[0].language
            new.append(LexiconEntry(word, (phonemes,), language, "spliced"))
    return new


class _Priors(dict):
    """Of chunks that were not counted yet."""

    def __missing__(self, chunk: Chunk) -> float:
        return _prior(chunk)


def _prior(chunk: Chunk) -> float:
    letters, phonemes = chunk
    return _SHAPES[len(letters), len(phonemes)]


def _steps(
    letters: tuple[str, ...], phonemes: tuple[str, ...]
) -> Iterator[tuple[int, int, int, int, Chunk]]:
    """Chunks with their ends, in letters and phonemes, from left to right."""
    for end in range(1, len(letters) + 1):
        for said in range(len(phonemes) + 1):
            for n_letters, n_phonemes in _SHAPES:
                first, before = end - n_letters, said - n_phonemes
                if first >= 0 and before >= 0:
                    chunk = letters[first:end], phonemes[before:said]
                    yield first, before, end, said, chunk


def _expected_counts(
    letters: tuple[str, ...],
    phonemes: tuple[str, ...],
    probabilities: Mapping[Chunk, float],
) -> Counter:
    """How often each chunk is expected, over all ways to cut a word."""
    steps = list(_steps(letters, phonemes))
    forward: Counter = Counter({(0, 0): 1.0})
    for first, before, end, said, chunk in steps:
        forward[end, said] += forward[first, before] * probabilities[chunk]
    last = len(letters), len(phonemes)
    backward: Counter = Counter({last: 1.0})
    for first, before, end, said, chunk in reversed(steps):
        backward[first, before] += backward[end, said] * probabilities[chunk]
    counts: Counter = Counter()
    if forward[last]:
        for first, before, end, said, chunk in steps:
            through = forward[first, before] * backward[end, said]
            counts[chunk] += through * probabilities[chunk] / forward[last]
    return counts


def _best_cut(
    letters: tuple[str, ...],
    phonemes: tuple[str, ...],
    probabilities: Mapping[Chunk, float],
) -> list[Chunk] | None:
    """The most probable way to cut a word."""
    best: dict[tuple[int, int], tuple[float, list[Chunk]]] = {(0, 0): (1.0, [])}
    for first, before, end, said, chunk in _steps(letters, phonemes):
        if (first, before) in best and probabilities[chunk]:
            probability, chunks = best[first, before]
            probability *= probabilities[chunk]
            if probability > best.get((end, said), (0.0, []))[0]:
                best[end, said] = probability, [*chunks, chunk]
    return best.get((len(letters), len(phonemes)), (0.0, None))[1]
