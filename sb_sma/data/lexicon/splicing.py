"""New words for a small lexicon, put together from parts of its words.

The letters and phonemes of every word are cut into chunks that belong together.
Two words that share a chunk are then joined there: the beginning of the one, the
chunk, and the end of the other.
"""

import random
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from sb_sma.data.lexicon.letter_alignment import Chunk, LetterAligner
from sb_sma.data.lexicon.read import LexiconEntry
from sb_sma.data.spelling import clusters

_ATTEMPTS_PER_WORD = 100


def splice(entries: Sequence[LexiconEntry], n_words: int) -> list[LexiconEntry]:
    """Make new words.

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
    cuts = [cut for cut in LetterAligner(words).cut(words) if cut is not None]
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
