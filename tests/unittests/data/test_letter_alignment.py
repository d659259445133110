"""Words are cut where letters and phonemes belong together."""

import math
import random
from collections import Counter

import pytest

from sb_sma.data import letter_alignment
from sb_sma.data.letter_alignment import LetterAligner

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


def cuts_by_definition(words):
    """Expectation maximisation over a list of all ways to cut each word."""
    ways = [list(all_cuts(*word)) for word in words]
    shares = Counter({c: 1.0 for each in ways for cut in each for c in cut})

    def weight(cut):
        return math.prod(PRIORS[len(c[0]), len(c[1])] * shares[c] for c in cut)

    for _ in range(10):
        counts = Counter()
        for each in ways:
            weights = [weight(cut) for cut in each]
            for cut, its in zip(each, weights):
                for chunk in cut:
                    counts[chunk] += its / sum(weights)
        total = sum(counts.values())
        shares = Counter({c: count / total for c, count in counts.items()})
    return [
        min(
            (cut for cut in each if weight(cut) > (1 - 1e-9) * best),
            key=shapes_from_the_end,
        )
        if each
        else None
        for each, best in ((e, max(map(weight, e), default=0)) for e in ways)
    ]


def shapes_from_the_end(cut):
    """The order in which the same chunks are preferred."""
    shapes = [(len(letters), len(phonemes)) for letters, phonemes in cut]
    return [list(PRIORS).index(shape) for shape in reversed(shapes)]


def random_words(n_words, seed=0):
    chance = random.Random(seed)
    return [
        (
            "".join(chance.choices("abc", k=chance.randint(1, 6))),
            chance.choices(["p", "q", "r", "s"], k=chance.randint(0, 7)),
        )
        for _ in range(n_words)
    ]


def test_words_are_cut_as_by_definition():
    words = random_words(40)
    expected = cuts_by_definition(words)
    assert None in expected and len(list(filter(None, expected))) > 20
    assert LetterAligner(words).cut(words) == expected


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
