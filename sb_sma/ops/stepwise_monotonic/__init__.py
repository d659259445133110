"""The expected alignment of stepwise monotonic attention.

The definition is in ``reference.py``, the mathematics in ``README.md``.

Reference
---------
He, Deng, He: "Robust Sequence-to-Sequence Acoustic Modeling with Stepwise
Monotonic Attention for Neural TTS", Interspeech 2019.
"""

from typing import Optional

import torch

from sb_sma.ops.stepwise_monotonic.reference import reference_expectation

__all__ = ["BACKENDS", "stepwise_monotonic_expectation"]

try:
    from sb_sma.ops.stepwise_monotonic.cpu import numba_expectation
except ImportError:
    # numba has no wheel for every Python
    numba_expectation = None

BACKENDS = {"reference": reference_expectation, "numba": numba_expectation}


def stepwise_monotonic_expectation(
    p_stay: torch.Tensor,
    memory_lengths: Optional[torch.Tensor] = None,
    initial_alpha: Optional[torch.Tensor] = None,
    backend: str = "auto",
) -> torch.Tensor:
    """Expected alignment of a walk that stays on a key or moves to the next.

    ``alpha[i, j] = alpha[i-1, j] * p_stay[i, j]
    + alpha[i-1, j-1] * (1 - p_stay[i, j-1])``, where the last valid key of
    each item absorbs: there and past it ``p_stay`` is never read, and no mass
    is lost. The state is float32 or better, whatever comes in.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying on each key at each query, in [0, 1],
        (B, H, Q, K).
    memory_lengths : torch.Tensor, optional
        Number of valid keys of each item, int64, (B,). Default: K, which is
        also the most that counts. A length of 0 gives zeros.
    initial_alpha : torch.Tensor, optional
        Alignment before the first query, (B, H, K). Default: all mass on
        key 0. Mass on keys past the item's length is ignored.
    backend : str
        ``auto``, ``reference`` (plain PyTorch, any device) or ``numba``
        (CPU). ``auto`` takes numba on the CPU where it is installed.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment in the dtype of `p_stay`, (B, H, Q, K). Every row
        sums to the mass that `initial_alpha` has on valid keys.

    Raises
    ------
    ValueError
        If a shape or dtype is not as described, or `backend` is unknown,
        not installed or not for this device.

    Example
    -------
    >>> p_stay = torch.full((1, 1, 3, 3), 0.5)
    >>> stepwise_monotonic_expectation(p_stay)[0, 0]
    tensor([[0.5000, 0.5000, 0.0000],
            [0.2500, 0.5000, 0.2500],
            [0.1250, 0.3750, 0.5000]])
    """
    _check_shapes(p_stay, memory_lengths, initial_alpha)
    if backend != "auto" and backend not in BACKENDS:
        raise ValueError(
            f"backend must be one of auto, {', '.join(BACKENDS)}; "
            f"got '{backend}'."
        )
    if backend == "auto":
        on_cpu = p_stay.device.type == "cpu" and BACKENDS["numba"] is not None
        backend = "numba" if on_cpu else "reference"
    if BACKENDS[backend] is None:
        raise ValueError(
            f"backend '{backend}' is not installed. Install it with: "
            f"pip install {backend}"
        )
    batch, heads, _, keys = p_stay.shape
    if memory_lengths is None:
        memory_lengths = torch.full((batch,), keys, device=p_stay.device)
    if initial_alpha is None:
        initial_alpha = p_stay.new_zeros(batch, heads, keys)
        initial_alpha[..., 0] = 1.0
    return BACKENDS[backend](p_stay, memory_lengths, initial_alpha)


def _check_shapes(p_stay, memory_lengths, initial_alpha):
    """Raise a ValueError that names the argument whose shape is wrong."""
    if p_stay.dim() != 4:
        raise ValueError(
            "p_stay must have shape (B, H, Q, K); got "
            f"{tuple(p_stay.shape)}. Add the missing axes."
        )
    if not p_stay.is_floating_point():
        raise ValueError(
            f"p_stay must be a floating-point tensor; got {p_stay.dtype}."
        )
    batch, heads, queries, keys = p_stay.shape
    if queries == 0 or keys == 0:
        raise ValueError(
            "p_stay must have at least one query and one key; got "
            f"{tuple(p_stay.shape)}."
        )
    if memory_lengths is not None and (
        memory_lengths.shape != (batch,)
        or memory_lengths.is_floating_point()
        or memory_lengths.dtype == torch.bool
    ):
        raise ValueError(
            f"memory_lengths must be integer counts of shape ({batch},); got "
            f"{memory_lengths.dtype} of shape {tuple(memory_lengths.shape)}. "
            "Relative lengths must be multiplied by K and rounded."
        )
    if initial_alpha is not None and initial_alpha.shape != (
        batch,
        heads,
        keys,
    ):
        raise ValueError(
            f"initial_alpha must have shape (B, H, K) = "
            f"{(batch, heads, keys)}; got {tuple(initial_alpha.shape)}."
        )
