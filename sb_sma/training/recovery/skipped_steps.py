"""Optimizer steps that were left out, since something was not finite."""

import json
from pathlib import Path

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)

from sb_sma.data.json_files import read_json


@register_checkpoint_hooks
class SkippedSteps:
    """Counts them, over an epoch and in a row; a checkpoint keeps both.

    Example
    -------
    >>> steps = SkippedSteps()
    >>> steps.count(was_skipped=True)
    >>> steps.count(was_skipped=False)
    >>> steps.summarize(), steps.in_a_row
    ({'skipped_steps': 1}, 0)
    """

    def __init__(self):
        self.in_epoch = 0
        self.in_a_row = 0

    def begin_epoch(self) -> None:
        """Count those of the epoch anew; those in a row go on."""
        self.in_epoch = 0

    def count(self, was_skipped: bool) -> None:
        """Take note of a step.

        Arguments
        ---------
        was_skipped : bool
            Whether it was left out.
        """
        self.in_epoch += was_skipped
        self.in_a_row = self.in_a_row + 1 if was_skipped else 0

    def summarize(self) -> dict[str, int]:
        """Give the figure of an epoch.

        Returns
        -------
        stats : dict of str to int
            ``skipped_steps``; empty if there were none.
        """
        return {"skipped_steps": self.in_epoch} if self.in_epoch else {}

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        Path(path).write_text(json.dumps([self.in_epoch, self.in_a_row]))

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        del end_of_epoch  # needed by the checkpointer
        self.in_epoch, self.in_a_row = read_json(path)
