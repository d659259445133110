"""Attention of a single query, compiled by numba, for the CPU.

With few keys, PyTorch's attention takes longer to begin than to compute.
"""

import functools

import numpy as np
import torch

from sb_sma.ops.compile import compile_kernel


# sums may be taken in any order, and so by vectors
@functools.partial(compile_kernel, fastmath={"contract", "reassoc"})
def _attend(queries, history, first, length, out):
    """Fill out (R, H, D') from queries and a history (R, 2, H, L, D')."""
    rows, heads, width = queries.shape
    number = queries.dtype.type
    scale = number(1.0 / np.sqrt(width))
    weights = np.empty(length, dtype=queries.dtype)
    for r in range(rows):
        for h in range(heads):
            query, read = queries[r, h], out[r, h]
            keys, values = history[r, 0, h], history[r, 1, h]
            largest = number(-np.inf)
            for j in range(first, length):
                key, energy = keys[j], number(0.0)
                for d in range(width):
                    energy += query[d] * key[d]
                weights[j] = energy * scale
                largest = max(largest, weights[j])
            total = number(0.0)
            for j in range(first, length):
                weights[j] = np.exp(weights[j] - largest)
                total += weights[j]
            read[:] = 0.0
            for j in range(first, length):
                value, weight = values[j], weights[j] / total
                for d in range(width):
                    read[d] += weight * value[d]


def attend_compiled(
    queries: torch.Tensor, history: torch.Tensor, first: int, length: int
) -> torch.Tensor:
    """Attend with one query of every row and head.

    Arguments
    ---------
    queries : torch.Tensor
        In float32 or float64, (R, H, D / H).
    history : torch.Tensor
        Keys and values of all steps that there is room for, of the same dtype,
        contiguous, (R, 2, H, L, D / H).
    first : int
        The first step that is seen.
    length : int
        Where the last one ends; more than `first`.

    Returns
    -------
    read : torch.Tensor
        Values, summed up by the softmax over scaled products, (R, H, D / H).

    Example
    -------
    >>> history = torch.ones(1, 2, 4, 3, 8)
    >>> attend_compiled(torch.rand(1, 4, 8), history, 0, 2).shape
    torch.Size([1, 4, 8])
    """
    queries = queries.contiguous()
    read = torch.empty_like(queries)
    _attend(queries.numpy(), history.numpy(), first, length, read.numpy())
    return read
