"""Numbers that change while training goes on."""

import math
from dataclasses import dataclass

from torch.optim import Optimizer


@dataclass(frozen=True)
class WarmupThenDecay:
    """A learning rate that rises in a straight line and falls in one, to 0.

    It is 0 when the training ends, whether epochs or minutes end it: the last
    small steps bring the weights to where the large ones only led. A pure
    function of the step and the progress, so that a resumed run goes on where
    it was.

    Reference: Bergsma et al.: "Straight to Zero: Why Linearly Decaying the
    Learning Rate to Zero Works Best for LLMs", ICLR 2025.

    Arguments
    ---------
    lr : float
        The rate that it falls from, above 0.
    warmup_steps : int
        Steps until it stops to rise, 0 or more. With 0, it falls from the
        first step on.

    Raises
    ------
    ValueError
        If a number is out of range.

    Example
    -------
    >>> schedule = WarmupThenDecay(lr=0.5, warmup_steps=2)
    >>> [schedule(step, progress=step / 4) for step in range(4)]
    [0.25, 0.375, 0.25, 0.125]
    """

    lr: float
    warmup_steps: int

    def __post_init__(self):
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr must be above 0; got {self.lr}.")
        if self.warmup_steps < 0:
            raise ValueError(
                f"warmup_steps must be 0 or more; got {self.warmup_steps}."
            )

    def __call__(self, step: int, progress: float) -> float:
        """Rate of a step.

        Arguments
        ---------
        step : int
            Optimizer steps before it.
        progress : float
            Share of the training that is over, in [0, 1].

        Returns
        -------
        rate : float
            At most `lr`.
        """
        rise = 1.0
        if self.warmup_steps:
            rise = min((step + 1) / self.warmup_steps, 1.0)
        return self.lr * rise * (1.0 - progress)

    def set_rate(
        self, optimizer: Optimizer, step: int, progress: float
    ) -> None:
        """Give an optimizer the rate of a step.

        Arguments
        ---------
        optimizer : torch.optim.Optimizer
            All of its groups get it.
        step : int
            Optimizer steps before it.
        progress : float
            Share of the training that is over, in [0, 1].
        """
        for group in optimizer.param_groups:
            group["lr"] = self(step, progress)


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
        Length of the line; with 0, the value is `end` at once.

    Raises
    ------
    ValueError
        If `steps` is below 0, or a value is not finite.

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
        for name in ("start", "end"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(
                    f"{name} must be a finite number; got "
                    f"{getattr(self, name)}."
                )
        if self.steps < 0:
            raise ValueError(f"steps must be 0 or more; got {self.steps}.")

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
        done = min(max(step, 0) / self.steps, 1.0) if self.steps else 1.0
        return self.start + (self.end - self.start) * done


@dataclass(frozen=True)
class Fading:
    """A weight that halves again and again, and is 0 after a point.

    A pure function of how far training is, so that a resumed run goes on where
    it was.

    Arguments
    ---------
    start : float
        Value at the beginning, 0 or more.
    half_life : float, optional
        After so many units it has halved. Default: it does not fall.
    off_after : float, optional
        After so many units it is 0. Default: it never is.
    unit : str
        ``epochs`` that have ended, or optimizer ``steps``.

    Raises
    ------
    ValueError
        If a number is out of range or the unit is unknown.

    Example
    -------
    >>> weight = Fading(start=1.0, half_life=2, off_after=4, unit="epochs")
    >>> [weight(epochs=epochs, steps=100 * epochs) for epochs in (0, 2, 4)]
    [1.0, 0.5, 0.0]
    """

    start: float
    half_life: float | None = None
    off_after: float | None = None
    unit: str = "epochs"

    def __post_init__(self):
        if not 0 <= self.start < math.inf:
            raise ValueError(f"start must be 0 or more; got {self.start}.")
        if self.half_life is not None and not self.half_life > 0:
            raise ValueError(
                f"half_life must be above 0, or null; got {self.half_life}."
            )
        if self.off_after is not None and not self.off_after >= 0:
            raise ValueError(
                f"off_after must be 0 or more, or null; got {self.off_after}."
            )
        if self.unit not in ("epochs", "steps"):
            raise ValueError(
                f"unit must be epochs or steps; got '{self.unit}'."
            )

    def __call__(self, *, epochs: int, steps: int) -> float:
        """Value now.

        Arguments
        ---------
        epochs : int
            Epochs that have ended.
        steps : int
            Optimizer steps so far.

        Returns
        -------
        value : float
            Between 0 and `start`.
        """
        done = {"epochs": epochs, "steps": steps}[self.unit]
        if self.off_after is not None and done >= self.off_after:
            return 0.0
        if self.half_life is None:
            return self.start
        return self.start * 0.5 ** (done / self.half_life)
