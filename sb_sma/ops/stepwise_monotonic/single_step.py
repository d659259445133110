"""A single step of the recurrence, compiled by numba, for the CPU.

It is a dozen operations on a few hundred numbers, which cost PyTorch much more
to begin than to do.
"""

import numpy as np
import torch

from sb_sma.ops.compile import compile_kernel


@compile_kernel
def _advance(
    p_stay, before, half_mass, lengths, moves, spread, catch_up, after, seen
):
    """Fill the alignment and, to catch up, what is attended, (B, H, K)."""
    batch, heads, keys = p_stay.shape
    for b in range(batch):
        last = lengths[b] - 1
        for h in range(heads):
            row, shown = after[b, h], seen[b, h]
            row[:] = before[b, h]
            for _ in range(moves):
                arriving = 0.0
                for j in range(last):
                    leaving = row[j] * (1.0 - p_stay[b, h, j])
                    row[j] += arriving - leaving
                    arriving = leaving
                if last > 0:
                    row[last] += arriving
            if not catch_up and spread >= keys:
                continue
            median, below = 0, row[0]
            while below < half_mass[b, h, 0] and median < keys - 1:
                median += 1
                below += row[median]
            for j in range(median - spread):
                row[j + 1] += row[j]
                row[j] = 0.0
            for j in range(last, median + spread, -1):
                row[j - 1] += row[j]
                row[j] = 0.0
            if not catch_up:
                continue
            shown[:] = row
            if row.argmax() != median:
                shown[:median] = 0.0
                shown[median] = below


def advance_compiled(
    p_stay: torch.Tensor,
    alpha: torch.Tensor,
    half_mass: torch.Tensor,
    lengths: torch.Tensor,
    moves_per_query: int,
    spread: int | None,
    catch_up: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Take one query's moves.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, float32 or float64, (B, H, K).
    alpha : torch.Tensor
        Alignment before, of the same dtype, (B, H, K).
    half_mass : torch.Tensor
        Half of what each head's alignment sums to, (B, H, 1).
    lengths : torch.Tensor
        Counts of keys, int64, at most K, (B,).
    moves_per_query : int
        How often the recurrence runs.
    spread : int, optional
        How far from the median key the alignment reaches. Default: any.
    catch_up : bool
        Whether what lags behind is seen on the median key, where that is not
        the largest.

    Returns
    -------
    alpha : torch.Tensor
        Alignment of this query, (B, H, K).
    seen : torch.Tensor
        What is attended, (B, H, K).

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> half, three = torch.tensor([[[0.5]]]), torch.tensor([3])
    >>> advance_compiled(0.25 + 0 * alpha, alpha, half, three, 1, None, False)[
    ...     0
    ... ]
    tensor([[[0.2500, 0.7500, 0.0000]]])
    """
    before = alpha.detach().numpy()
    after = np.empty_like(before)
    seen = np.empty_like(before) if catch_up else after
    _advance(
        p_stay.contiguous().numpy(),
        before,
        half_mass.numpy(),
        lengths.numpy(),
        moves_per_query,
        before.shape[-1] if spread is None else spread,
        catch_up,
        after,
        seen,
    )
    return torch.from_numpy(after), torch.from_numpy(seen)
