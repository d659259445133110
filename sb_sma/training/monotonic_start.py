"""When attention stops being softmax and begins to walk."""

from pathlib import Path

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import ddp_broadcast


@register_checkpoint_hooks
class MonotonicStart:
    """The epoch from which on monotonic attention walks.

    Once begun, the walk goes on, also in a resumed run with other arguments.

    Arguments
    ---------
    epoch : int
        The epoch, counted from 1; before it, attention is softmax.
    focus_rate : float, optional
        A validation focus rate after which the walk begins earlier, in (0, 1].
        Default: it does not.
    number_of_epochs : int, optional
        How many epochs are trained, to check `epoch`.

    Raises
    ------
    ValueError
        If `epoch` is not one of those that are trained, or `focus_rate` is out
        of range or nothing comes before `epoch`.

    Example
    -------
    >>> start = MonotonicStart(epoch=5, focus_rate=0.8)
    >>> start.begin_epoch(2)
    False
    >>> start.end_epoch(focus_rate=0.85)
    >>> start.begin_epoch(3)
    True
    """

    def __init__(
        self,
        epoch: int = 1,
        focus_rate: float | None = None,
        number_of_epochs: int | None = None,
    ):
        if epoch < 1:
            raise ValueError(
                f"monotonic_start_epoch must be 1 or more; got {epoch}."
            )
        # with 0, nothing is trained that would have to walk
        if number_of_epochs and epoch > number_of_epochs:
            raise ValueError(
                f"monotonic_start_epoch must be at most number_of_epochs = "
                f"{number_of_epochs}; got {epoch}. The exported model walks, "
                "and has to learn it: train longer or start earlier."
            )
        if focus_rate is not None and not 0 < focus_rate <= 1:
            raise ValueError(
                "monotonic_focus_rate must be in (0, 1], or null; got "
                f"{focus_rate}."
            )
        if focus_rate is not None and epoch == 1:
            raise ValueError(
                "monotonic_focus_rate lets the walk begin before "
                "monotonic_start_epoch, which is 1. Give a later epoch, the "
                "last one to begin with."
            )
        self.epoch = epoch
        self.focus_rate = focus_rate
        self.has_begun = False

    def begin_epoch(self, epoch: int) -> bool:
        """Say whether attention walks in an epoch; if so, the walk has begun.

        Arguments
        ---------
        epoch : int
            The epoch that begins, counted from 1.

        Returns
        -------
        walks : bool
            Whether it walks.
        """
        self.has_begun = self.has_begun or epoch >= self.epoch
        return self.has_begun

    def end_epoch(self, focus_rate: float) -> None:
        """Take note of an epoch that has ended, in all processes.

        They start with the same epoch, by the focus rate of the main one.

        Arguments
        ---------
        focus_rate : float
            Of the head that follows the text, in validation.
        """
        is_focused = (
            self.focus_rate is not None
            and ddp_broadcast(focus_rate) >= self.focus_rate
        )
        self.has_begun = self.has_begun or is_focused

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        Path(path).write_text(str(int(self.has_begun)))

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        del end_of_epoch  # needed by the checkpointer
        self.has_begun = bool(int(Path(path).read_text()))
