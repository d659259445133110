"""Words are cut where letters and phonemes belong together."""

import math
import random
from collections import Counter, defaultdict

import pytest

from sb_sma.data.lexicon import letter_alignment
from sb_sma.data.lexicon.letter_alignment import LetterAligner

PRIORS = {(1, 0): 0.1, (1, 1): 1.0, (1, 2): 0.1, (2, 1): 0.1}
# each letter has its phonemes, but sh and e at the end
SPELLING = {"sh": "ʃ", "x": "k s", "b": "b", "n": "n", "a": "æ", "i": "ɪ"}
WORDS = [
    (first + vowel + last, " ".join(map(SPELLING.get, (first, vowel, last))))
    for first in ("sh", "b", "n")
    for vowel in ("a", "i")
    for last in ("x", "b", "sh")
]
WORDS = [(word, phonemes.split()) for word, phonemes in WORDS]


def all_cuts(letters, phonemes):
    if not letters and not phonemes:
        yield []
    for n_letters, n_phonemes in PRIORS:
        if n_letters <= len(letters) and n_phonemes <= len(phonemes):
            chunk = tuple(letters[:n_letters]), tuple(phonemes[:n_phonemes])
            for rest in all_cuts(letters[n_letters:], phonemes[n_phonemes:]):
                yield [chunk, *rest]


def cuts_by_definition(words, new):
    """Expectation maximisation over a list of all ways to cut each word."""
    ways = [list(all_cuts(*word)) for word in words]
    shares = defaultdict(lambda: 1.0)

    def weight(cut):
        return math.prod(
            PRIORS[len(chunk[0]), len(chunk[1])] * max(shares[chunk], 1e-12)
            for chunk in cut
        )

    for _ in range(10):
        counts = Counter()
        for cuts in filter(None, ways):
            weights = [weight(cut) for cut in cuts]
            for cut, its in zip(cuts, weights):
                for chunk in cut:
                    counts[chunk] += its / sum(weights)
        shares = Counter({c: n / counts.total() for c, n in counts.items()})
    best = []
    for cuts in (list(all_cuts(*word)) for word in new):
        least = (1 - 1e-9) * max(map(weight, cuts), default=0.0)
        as_good = [cut for cut in cuts if weight(cut) > least]
        best.append(min(as_good, key=shapes_from_the_end, default=None))
    return best


def shapes_from_the_end(cut):
    """The order in which the same chunks are preferred."""
    shapes = [(len(letters), len(phonemes)) for letters, phonemes in cut]
    return [list(PRIORS).index(shape) for shape in reversed(shapes)]


def random_words(n_words, letters="abc", seed=0):
    chance = random.Random(seed)
    return [
        (
            "".join(chance.choices(letters, k=chance.randint(1, 6))),
            chance.choices(["p", "q", "r", "s"], k=chance.randint(0, 7)),
        )
        for _ in range(n_words)
    ]


def test_words_are_cut_as_by_definition():
    words = random_words(60)
    new = random_words(60, letters="abcd", seed=1)
    expected = cuts_by_definition(words, [*words, *new])
    assert None in expected and len(list(filter(None, expected))) > 60
    assert LetterAligner(words).cut([*words, *new]) == expected


def test_letters_stand_with_their_phonemes():
    words = [*WORDS, ("bane", ["b", "æ", "n"])]
    cuts = LetterAligner(words).cut(words)
    for (word, phonemes), cut in zip(words, cuts):
        assert "".join(c for letters, _ in cut for c in letters) == word
        assert [p for _, chunk in cut for p in chunk] == phonemes
    assert cuts[0] == [
        (("s", "h"), ("ʃ",)),
        (("a",), ("æ",)),
        (("x",), ("k", "s")),
    ]


@pytest.mark.parametrize("phonemes", ["a b a b a", "a"])
def test_words_that_cannot_be_cut(phonemes):
    letters = "ab" if len(phonemes) > 1 else "a" * 9
    words = [("ab", ["a", "b"]), (letters, phonemes.split())]
    cuts = LetterAligner(words).cut(words)
    assert cuts[0] is not None
    assert (cuts[1] is None) == (letters == "ab")


def test_words_that_were_not_learnt_are_cut():
    aligner = LetterAligner(WORDS)
    new = [("shixa", "ʃ ɪ k s æ".split()), ("bøx", "b ø k s".split())]
    assert aligner.cut(new) == [
        [
            (("s", "h"), ("ʃ",)),
            (("i",), ("ɪ",)),
            (("x",), ("k", "s")),
            (("a",), ("æ",)),
        ],
        [(("b",), ("b",)), (("ø",), ("ø",)), (("x",), ("k", "s"))],
    ]


def test_groups_of_words_change_nothing(monkeypatch):
    words = random_words(60, seed=1)
    expected = LetterAligner(words).cut(words)
    monkeypatch.setattr(letter_alignment, "_GROUP_SIZE", 3)
    assert LetterAligner(words).cut(words) == expected


def test_long_words_are_cut():
    words = [*WORDS, ("nab" * 300, ["n", "æ", "b"] * 300)]
    cut = LetterAligner(words).cut(words)[-1]
    assert cut == [(("n",), ("n",)), (("a",), ("æ",)), (("b",), ("b",))] * 300


def test_nothing_is_cut_into_nothing():
    aligner = LetterAligner([])
    assert aligner.cut([]) == []
    assert aligner.cut([("", []), ("", ["a"]), ("a", ["a"])]) == [
        [],
        None,
        [(("a",), ("a",))],
    ]
