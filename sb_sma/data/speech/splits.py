"""Which utterances are for training, for validation and for the test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sb_sma.data.corpus.build_once import SPLITS
from sb_sma.data.corpus.draw import position
from sb_sma.data.speech.manifest.read import Entry

SMALL_CORPUS = 100
_FEWEST_HELD_OUT = 2
_HELD_OUT_SHARE = 0.01


@dataclass(frozen=True)
class HoldOut:
    """Holds utterances out at random.

    Each utterance is drawn by its name: one that is added takes the place of one
    that was held out, or is for training, and the others stay where they were.

    Arguments
    ---------
    n_valid : int, optional
        Utterances for validation; by default 1 % of the corpus, at least 2.
    n_test : int, optional
        Utterances for the test; the same default.
    seed : int
        Chooses the utterances.

    Example
    -------
    >>> sorted(HoldOut(n_valid=1, n_test=1)(["a", "b", "c"]))
    ['test', 'train', 'valid']
    """

    n_valid: int | None = None
    n_test: int | None = None
    seed: int = 1

    def __call__(self, names: Sequence[str]) -> list[str]:
        """Give each utterance its split.

        Arguments
        ---------
        names : sequence of str
            The ids of the utterances.

        Returns
        -------
        list of str
            train, valid or test for each.

        Raises
        ------
        ValueError
            If nothing is left for one of the splits.
        """
        count = len(names)
        held_out = max(_FEWEST_HELD_OUT, round(_HELD_OUT_SHARE * count))
        n_valid = held_out if self.n_valid is None else self.n_valid
        n_test = held_out if self.n_test is None else self.n_test
        if min(n_valid, n_test) < 1 or count <= n_valid + n_test:
            raise ValueError(
                "n_valid and n_test must be at least 1 and leave an utterance "
                f"for training; got {n_valid} and {n_test} of {count} "
                "utterances. Add recordings, or give a manifest with a column "
                "split."
            )
        # from both ends: nothing that is added moves one set into the other
        drawn = np.fromiter(
            (position(name, self.seed) for name in names), float
        )
        order = drawn.argsort(kind="stable").tolist()
        splits = ["train"] * count
        for i in order[:n_valid]:
            splits[i] = "valid"
        for i in order[-n_test:]:
            splits[i] = "test"
        return splits


def assign_splits(entries: Sequence[Entry], hold_out: HoldOut) -> list[str]:
    """Give each utterance the split of its manifest, or else a drawn one.

    Arguments
    ---------
    entries : sequence of Entry
        All utterances of a manifest.
    hold_out : HoldOut
        Draws splits where the manifest has none.

    Returns
    -------
    list of str
        train, valid or test for each.

    Raises
    ------
    ValueError
        If nothing is left for one of the splits.

    Example
    -------
    >>> from pathlib import Path
    >>> entry = Entry("a.csv, line 2", "a", Path("a.wav"), "A", split="train")
    >>> assign_splits([entry], HoldOut())
    Traceback (most recent call last):
    ...
    ValueError: the column split must give an utterance to each of train, valid, test; got none of valid, test. Change the split of some utterances, or remove the column to have some held out.
    """
    given = [entry.split for entry in entries]
    if not given or None in given:
        return hold_out([entry.name for entry in entries])
    missing = [split for split in SPLITS if split not in given]
    if missing:
        raise ValueError(
            "the column split must give an utterance to each of "
            f"{', '.join(SPLITS)}; got none of {', '.join(missing)}. Change "
            "the split of some utterances, or remove the column to have some "
            "held out."
        )
    return given
