"""Epochs until there have been enough, or the time is over."""

import math

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

    Attributes
    ----------
    expected : int
        Number of epochs that there will be, as far as is known.

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
    >>> counter.expected
    3
    """

    def __init__(self, limit: int, max_minutes: float | None = None):
        if max_minutes is not None and not max_minutes > 0:
            raise ValueError(
                f"max_minutes must be above 0, or null; got {max_minutes}."
            )
        super().__init__(limit)
        self.max_minutes = max_minutes
        self.expected = limit

    def update(self, minutes: float, may_end: bool = True) -> None:
        """Let no epoch come after this one if the time is over.

        Call it when an epoch has ended.

        Arguments
        ---------
        minutes : float
            Trained so far.
        may_end : bool
            Whether the training can end with this epoch.
        """
        if self.max_minutes is None or not self.current:
            return
        minutes = ddp_broadcast(minutes)
        if may_end and minutes >= self.max_minutes:
            self.limit = self.current
        epochs = math.ceil(self.max_minutes / minutes * self.current)
        self.expected = min(max(epochs, self.current), self.limit)

    def minutes_left(self, minutes: float) -> float:
        """Tell how long the training will last, at the pace so far.

        Arguments
        ---------
        minutes : float
            Trained so far, until the end of an epoch.

        Returns
        -------
        minutes : float
            For the epochs that are left.

        Example
        -------
        >>> counter = TimedEpochCounter(limit=4)
        >>> next(iter(counter))
        1
        >>> counter.minutes_left(2.5)
        7.5
        """
        return minutes / self.current * (self.expected - self.current)

    def progress(self, share: float) -> float:
        """Tell how much of the training is over, within an epoch.

        Arguments
        ---------
        share : float
            Of this epoch that is over, in [0, 1].

        Returns
        -------
        progress : float
            In [0, 1].

        Example
        -------
        >>> counter = TimedEpochCounter(limit=4)
        >>> next(iter(counter)), next(counter)
        (1, 2)
        >>> counter.progress(0.5)
        0.375
        """
        return min((self.current - 1 + share) / self.expected, 1.0)
