"""The stepwise monotonic expectation on the CPU, compiled by numba.

One pass over memory forward and one backward, serial and without the
interpreter's lock. The equations are in ``README.md``.
"""

from typing import Callable

import numpy as np
import torch
from numba import njit


def _compiled(kernel: Callable) -> Callable:
    """Compile at the first call; keep the result where that is possible."""
    try:
        return njit(nogil=True, cache=True)(kernel)
    except RuntimeError:  # neither this folder nor the home can be written
        return njit(nogil=True)(kernel)


@_compiled
def _forward_kernel(p_stay, lengths, initial, alpha):
    """Fill alpha (N, Q, K) from p_stay (N, Q, K) and initial (N, K)."""
    rows, queries, keys = p_stay.shape
    for n in range(rows):
        last = lengths[n] - 1
        before = np.zeros(keys, dtype=alpha.dtype)
        before[: last + 1] = initial[n, : last + 1]
        for i in range(queries):
            row, p_row = alpha[n, i], p_stay[n, i]
            row[:] = 0.0
            if last == 0:
                row[0] = before[0]
            elif last > 0:
                row[0] = before[0] * p_row[0]
                for j in range(1, last):
                    row[j] = before[j] * p_row[j] + before[j - 1] * (
                        1.0 - p_row[j - 1]
                    )
                row[last] = before[last] + before[last - 1] * (
                    1.0 - p_row[last - 1]
                )
            before = row


@_compiled
def _backward_kernel(p_stay, lengths, initial, alpha, grad, d_p, d_initial):
    """Fill d_p (N, Q, K) and d_initial (N, K) from grad (N, Q, K)."""
    rows, queries, keys = p_stay.shape
    for n in range(rows):
        last = lengths[n] - 1
        d_p[n] = 0.0
        carried = np.zeros(keys, dtype=alpha.dtype)
        for i in range(queries - 1, -1, -1):
            before = alpha[n, i - 1] if i > 0 else initial[n]
            p_row, g_row, d_row = p_stay[n, i], grad[n, i], d_p[n, i]
            for j in range(last + 1):
                carried[j] += g_row[j]
            for j in range(last):
                d_row[j] = before[j] * (carried[j] - carried[j + 1])
                carried[j] = carried[j] * p_row[j] + carried[j + 1] * (
                    1.0 - p_row[j]
                )
        d_initial[n] = carried


class _Expectation(torch.autograd.Function):
    """The recurrence on contiguous (N, Q, K) tensors of one dtype."""

    @staticmethod
    def forward(ctx, p_stay, lengths, initial):
        alpha = torch.empty_like(p_stay)
        _forward_kernel(
            p_stay.numpy(), lengths.numpy(), initial.numpy(), alpha.numpy()
        )
        ctx.save_for_backward(p_stay, lengths, initial, alpha)
        return alpha

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        p_stay, lengths, initial, alpha = ctx.saved_tensors
        d_p, d_initial = torch.empty_like(p_stay), torch.empty_like(initial)
        _backward_kernel(
            p_stay.numpy(),
            lengths.numpy(),
            initial.numpy(),
            alpha.numpy(),
            grad.contiguous().numpy(),
            d_p.numpy(),
            d_initial.numpy(),
        )
        return d_p, None, d_initial


def numba_expectation(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor,
) -> torch.Tensor:
    """Run the recurrence on the CPU.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (B, H, Q, K), on the CPU.
    memory_lengths : torch.Tensor
        Number of valid keys of each item, int64, (B,).
    initial_alpha : torch.Tensor
        Alignment before the first query, (B, H, K).

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment in the dtype of `p_stay`, (B, H, Q, K).

    Raises
    ------
    ValueError
        If a tensor is not on the CPU.

    Example
    -------
    >>> alpha = numba_expectation(
    ...     torch.zeros(1, 1, 2, 2), torch.tensor([2]), torch.eye(2)[None, :1]
    ... )
    >>> alpha[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    if p_stay.device.type != "cpu":
        raise ValueError(
            f"backend 'numba' runs on the CPU only; p_stay is on "
            f"{p_stay.device}. Use backend='reference'."
        )
    shape = p_stay.shape
    dtype = torch.promote_types(p_stay.dtype, torch.float32)
    # one integer type, for which the kernels are compiled
    lengths = memory_lengths.clamp(max=shape[-1]).long()
    alpha = _Expectation.apply(
        p_stay.to(dtype).flatten(0, 1).contiguous(),
        lengths.repeat_interleave(shape[1]),
        initial_alpha.to(dtype).flatten(0, 1).contiguous(),
    )
    return alpha.unflatten(0, shape[:2]).to(p_stay.dtype)
