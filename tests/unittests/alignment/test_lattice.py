"""Which states a text has, and which moves there are."""

import numpy as np
import pytest

from sb_sma.alignment.lattice import UNKNOWN_UNIT, build_lattice
from tests.unittests.alignment.conftest import walks, words_of


def test_a_path_passes_every_phoneme_in_order():
    lattice = build_lattice(words_of("ab", "c"), {"a": 2, "b": 3, "c": 4})
    paths = [path for path, _ in walks(lattice, 10)]
    assert paths
    for path in paths:
        said = [
            (s.word, s.phoneme)
            for s in map(lattice.segments.__getitem__, lattice.segment_of[path])
            if s.word is not None
        ]
        assert [*dict.fromkeys(said)] == [(0, 0), (0, 1), (1, 0)]
        assert min(said.count(each) for each in said) >= 3


def test_the_shortest_walk_makes_no_pause():
    lattice = build_lattice(words_of("ab", "c"), {})
    assert lattice.fewest_frames == 9
    assert not [*walks(lattice, 8)]
    ((path, _),) = walks(lattice, 9)
    segments = [lattice.segments[i] for i in lattice.segment_of[path]]
    assert all(segment.word is not None for segment in segments)


def test_a_pause_lasts_for_as_long_as_no_closure_does():
    lattice = build_lattice(words_of("a", "b"), {})
    inner = lattice.segment_of == 2
    assert lattice.segments[2].word is None and inner.sum() * 5 == 40


def test_turns_of_a_walk_are_probabilities():
    lattice = build_lattice(words_of("a", "b", pause=True), {})
    assert np.exp(lattice.start).sum() == pytest.approx(1)
    skipped = np.flatnonzero(np.isfinite(lattice.skip))
    for state in skipped:
        source = lattice.skip_from[state]
        entered = np.exp(lattice.enter[source + 1])
        assert entered + np.exp(lattice.skip[state]) == pytest.approx(1)


def test_marks_make_a_pause_likely():
    plain, marked = (
        build_lattice(words_of("a", "b", pause=pause), {})
        for pause in (False, True)
    )
    assert plain.enter.min() < marked.enter.min()


def test_an_unknown_unit_is_heard_as_any_sound():
    lattice = build_lattice(words_of("x"), {"a": 2})
    assert UNKNOWN_UNIT * 3 in lattice.emitters
