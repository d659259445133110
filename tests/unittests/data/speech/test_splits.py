"""Every utterance gets a split, and the seed alone decides which."""

from pathlib import Path

import pytest

from sb_sma.data.speech.manifest.read import Entry
from sb_sma.data.speech.splits import HoldOut, assign_splits

SPLITS = ("train", "valid", "test")


def test_one_per_cent_of_a_large_corpus_is_held_out():
    splits = HoldOut()(range(13100))
    assert [splits.count(s) for s in SPLITS] == [13100 - 262, 131, 131]
    assert splits.index("valid") < 1000


def test_two_and_two_of_a_small_corpus_are_held_out():
    splits = HoldOut()(range(99))
    assert [splits.count(s) for s in SPLITS] == [95, 2, 2]
    assert splits == HoldOut()(range(99)) != HoldOut(seed=2)(range(99))


@pytest.mark.parametrize("count", [8, 98, 99, 100, 149, 249, 1000])
@pytest.mark.parametrize("at", ["front", "end"])
def test_an_added_recording_moves_one_other_at_most(count, at):
    names = [f"u{i}" for i in range(count)]
    before = dict(zip(names, HoldOut()(names)))
    for i in range(20):
        more = [f"new {i}", *names] if at == "front" else [*names, f"new {i}"]
        after = dict(zip(more, HoldOut()(more)))
        left = [n for n in names if before[n] != "train" == after[n]]
        moved = [
            n
            for n in names
            if before[n] != after[n] and "train" not in (before[n], after[n])
        ]
        assert len(left) <= 1 and moved == []
        # whose place the new one has taken
        assert not left or after[f"new {i}"] == before[left[0]]


def test_the_order_of_a_manifest_does_not_matter():
    names = [f"u{i}" for i in range(300)]
    splits = dict(zip(names, HoldOut()(names)))
    assert HoldOut()(names[::-1]) == [splits[name] for name in names[::-1]]


@pytest.mark.parametrize(
    "n_valid, n_test, message",
    [(3, 3, "got 3 and 3 of 6"), (0, None, "got 0 and 2 of 6")],
)
def test_every_split_gets_an_utterance(n_valid, n_test, message):
    with pytest.raises(
        ValueError, match=f"{message} utterances. Add recordings"
    ):
        HoldOut(n_valid, n_test)(range(6))


def entries_of(splits):
    return [
        Entry(f"a.csv, line {i}", f"u{i}", Path("a.wav"), "A", split=split)
        for i, split in enumerate(splits, start=2)
    ]


def test_the_splits_of_a_manifest_come_before_those_drawn():
    given = ["test", "train", "valid", "train"]
    assert assign_splits(entries_of(given), HoldOut()) == given
    entries = entries_of([None] * 9)
    drawn = assign_splits(entries, HoldOut(seed=4))
    assert drawn == HoldOut(seed=4)([entry.name for entry in entries])


@pytest.mark.parametrize(
    "given, missing",
    [
        (["train", "valid"], "test"),
        (["train", "test"], "valid"),
        (["valid", "test"], "train"),
        (["train"], "valid, test"),
    ],
)
def test_a_column_without_one_of_the_splits_is_refused(given, missing):
    with pytest.raises(
        ValueError,
        match=f"each of train, valid, test; got none of {missing}. Change",
    ):
        assign_splits(entries_of(given), HoldOut())
