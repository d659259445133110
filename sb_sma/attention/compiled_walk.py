"""The soft walk as one function compiled by numba, for the CPU.

A step of the walk is a dozen operations on a few hundred numbers, which cost
PyTorch much more to begin than to do.
"""

import numpy as np
import torch

from sb_sma.attention.walks import SoftWalk
from sb_sma.ops.compile import compile_kernel


@compile_kernel
def _advance(p_stay, before, half_mass, lengths, moves, catch_up, after, seen):
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
            if not catch_up:
                continue
            shown[:] = row
            median, below = 0, row[0]
            while below < half_mass[b, h, 0] and median < keys - 1:
                median += 1
                below += row[median]
            if row.argmax() != median:
                shown[:median] = 0.0
                shown[median] = below


class CompiledSoftWalk(SoftWalk):
    """A `SoftWalk` on the CPU, in float32 or float64.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = CompiledSoftWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> walk.advance(torch.full((1, 1, 3), 0.25))
    tensor([[[0.2500, 0.7500, 0.0000]]])
    """

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            Alignment of this query, (B, H, K).
        """
        if p_stay.requires_grad:
            return super().advance(p_stay)
        before = self.alpha.detach().numpy()
        after = np.empty_like(before)
        seen = np.empty_like(before) if self.catch_up else after
        _advance(
            p_stay.contiguous().numpy(),
            before,
            self.half_mass.numpy(),
            self.lengths.numpy(),
            self.moves_per_query,
            self.catch_up,
            after,
            seen,
        )
        self.alpha = torch.from_numpy(after)
        return torch.from_numpy(seen)
