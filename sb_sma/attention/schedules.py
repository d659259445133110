"""Numbers that change while training goes on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LinearAnneal:
    """A straight line from `start` to `end`, then constant.

    A pure function of the step, so that a resumed run goes on where it was.

    Arguments
    ---------
    start : float
        Value at step 0.
    end : float
        Value from step `steps` on.
    steps : int
        Length of the line, at least 1.

    Raises
    ------
    ValueError
        If `steps` is below 1.

    Example
    -------
    >>> noise = LinearAnneal(start=2.0, end=1.0, steps=100)
    >>> noise(0), noise(50), noise(1000)
    (2.0, 1.5, 1.0)
    """

    start: float
    end: float
    steps: int

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be 1 or more; got {self.steps}.")

    def __call__(self, step: int) -> float:
        """Value at a step.

        Arguments
        ---------
        step : int
            Optimizer steps so far.

        Returns
        -------
        value : float
            Between `start` and `end`.
        """
        done = min(max(step / self.steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * done
