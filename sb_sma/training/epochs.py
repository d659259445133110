"""Epochs until there have been enough, or the time is over."""

from speechbrain.utils.distributed import ddp_broadcast
from speechbrain.utils.epoch_loop import EpochCounter


class TimedEpochCounter(EpochCounter):
    """SpeechBrain's counter, which a number of minutes can end, too.

    The epoch in which they are over is the last one. All processes end with
    the same epoch, by the clock of the main one.

    Arguments
    ---------
    limit : int
        Number of epochs.
    max_minutes : float, optional
        Minutes of training, over all runs. Default: as many as it takes.

    Raises
    ------
    ValueError
        If `max_minutes` is not above 0.

    Example
    -------
    >>> counter = TimedEpochCounter(limit=100, max_minutes=20)
    >>> for epoch in counter:
    ...     counter.update(minutes=7.5 * epoch)
    >>> epoch
    3
    """

    def __init__(self, limit: int, max_minutes: float | None = None):
        if max_minutes is not None and not max_minutes > 0:
            raise ValueError(
                f"max_minutes must be above 0, or null; got {max_minutes}."
            )
        super().__init__(limit)
        self.max_minutes = max_minutes

    def update(self, minutes: float) -> None:
        """Let no epoch come after this one if the time is over.

        Arguments
        ---------
        minutes : float
            Trained so far.
        """
        if self.max_minutes is None:
            return
        if ddp_broadcast(minutes) >= self.max_minutes:
            self.limit = self.current
