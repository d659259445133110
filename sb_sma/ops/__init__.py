"""Functions on tensors, without parameters or state."""

from sb_sma.ops.stepwise_monotonic import stepwise_monotonic_expectation

__all__ = ["stepwise_monotonic_expectation"]
