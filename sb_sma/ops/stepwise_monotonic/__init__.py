"""The expected alignment of stepwise monotonic attention.

The definition is in ``sb_sma/stepwise_monotonic.py``, the mathematics in ``README.md``.

Reference
---------
He, Deng, He: "Robust Sequence-to-Sequence Acoustic Modeling with Stepwise
Monotonic Attention for Neural TTS", Interspeech 2019.
"""

import importlib.util
import os
from collections.abc import Callable

import torch

from sb_sma.stepwise_monotonic import expected_alignment

__all__ = ["BACKENDS", "stepwise_monotonic_expectation"]

try:
    from sb_sma.ops.stepwise_monotonic.cpu import numba_expectation
except ImportError:
    # numba has no wheel for every Python
    numba_expectation = None


def _triton_expectation(*arguments):
    """Import triton when it is first needed: it takes a second to load."""
    from sb_sma.ops.stepwise_monotonic.triton_kernels import _expectation

    return _expectation(*arguments)


_HAS_TRITON = importlib.util.find_spec("triton") is not None

BACKENDS: dict[str, Callable | None] = {
    "reference": expected_alignment,
    "numba": numba_expectation,
    "triton": _triton_expectation if _HAS_TRITON else None,
}
"""None where the backend is not installed."""

_FASTEST = {"cpu": "numba", "cuda": "triton"}
_TRITON_MAX_KEYS = 4096


def stepwise_monotonic_expectation(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor | None = None,
    initial_alpha: torch.Tensor | None = None,
    backend: str = "auto",
    *,
    moves_per_query: int = 1,
) -> torch.Tensor:
    """Compute the expected alignment of a walk that stays or moves on.

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
        ``auto``, ``reference`` (plain PyTorch, any device), ``numba`` (CPU)
        or ``triton`` (CUDA, up to 4,096 keys). ``auto`` takes the fastest
        that is installed for the device of `p_stay`.
    moves_per_query : int
        How often the recurrence runs for each query, with the same `p_stay`.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment in the dtype of `p_stay`, (B, H, Q, K). Every row
        sums to the mass that `initial_alpha` has on valid keys.

    Raises
    ------
    ValueError
        If a shape, dtype or number is not as described, or `backend` is
        unknown, not installed or not for this device or so many keys.

    Example
    -------
    >>> p_stay = torch.full((1, 1, 3, 3), 0.5)
    >>> stepwise_monotonic_expectation(p_stay)[0, 0]
    tensor([[0.5000, 0.5000, 0.0000],
            [0.2500, 0.5000, 0.2500],
            [0.1250, 0.3750, 0.5000]])
    """
    _check_shapes(p_stay, memory_lengths, initial_alpha)
    if moves_per_query < 1:
        raise ValueError(
            f"moves_per_query must be 1 or more; got {moves_per_query}."
        )
    if backend == "auto":
        backend = _fastest_backend(p_stay)
    else:
        _check_backend(backend, p_stay)
    batch, heads, _, keys = p_stay.shape
    state_dtype = torch.promote_types(p_stay.dtype, torch.float32)
    if memory_lengths is None:
        memory_lengths = torch.full((batch,), keys, device=p_stay.device)
    if initial_alpha is None:
        initial_alpha = p_stay.new_zeros(
            (batch, heads, keys), dtype=state_dtype
        )
        initial_alpha[..., 0] = 1.0
    return BACKENDS[backend](
        p_stay,
        memory_lengths.long(),
        initial_alpha.to(state_dtype),
        moves_per_query,
    )


def _fastest_backend(p_stay: torch.Tensor) -> str:
    """Return the backend that `auto` stands for."""
    backend = _FASTEST.get(p_stay.device.type, "reference")
    if BACKENDS[backend] is None:
        return "reference"
    if backend == "triton" and p_stay.shape[-1] > _TRITON_MAX_KEYS:
        return "reference"
    return backend


def _check_backend(backend: str, p_stay: torch.Tensor) -> None:
    """Raise a ValueError that says why a backend cannot run."""
    if backend not in BACKENDS:
        raise ValueError(
            f"backend must be one of auto, {', '.join(BACKENDS)}; "
            f"got '{backend}'."
        )
    if BACKENDS[backend] is None:
        raise ValueError(
            f"backend '{backend}' is not installed. Install it with: "
            f"pip install {backend}"
        )
    device = p_stay.device.type
    if backend == "numba" and device != "cpu":
        raise ValueError(
            f"backend 'numba' runs on the CPU only; p_stay is on "
            f"{p_stay.device}. Use backend='auto'."
        )
    if backend != "triton":
        return
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    if device != "cuda" and not (device == "cpu" and interpreted):
        raise ValueError(
            "backend 'triton' runs on CUDA devices only (or, with "
            "TRITON_INTERPRET=1, slowly on the CPU); p_stay is on "
            f"{p_stay.device}. Use backend='auto'."
        )
    if p_stay.shape[-1] > _TRITON_MAX_KEYS:
        raise ValueError(
            f"backend 'triton' takes at most {_TRITON_MAX_KEYS} keys; p_stay "
            f"has {p_stay.shape[-1]}. Use backend='reference'."
        )


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
