"""How stepwise monotonic attention walks over the keys while decoding.

A walk holds one position, or one distribution over positions, per item and
head, and moves it by at most `moves_per_query` keys per query.
"""

import torch
import torch.nn.functional as F

from sb_sma.ops import stepwise_monotonic_expectation


class SoftWalk:
    """Carries the expected alignment, as in training.

    Arguments
    ---------
    alpha : torch.Tensor
        Alignment before the first query, (B, H, K).
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    moves_per_query : int
        How often the recurrence runs per query.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = SoftWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> walk.advance(torch.full((1, 1, 3), 0.25))
    tensor([[[0.2500, 0.7500, 0.0000]]])
    """

    def __init__(
        self,
        alpha: torch.Tensor,
        memory_lengths: torch.Tensor,
        moves_per_query: int,
    ):
        self.alpha = alpha
        self.memory_lengths = memory_lengths
        self.moves_per_query = moves_per_query

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
        moves = p_stay[:, :, None].expand(-1, -1, self.moves_per_query, -1)
        rows = stepwise_monotonic_expectation(
            moves, self.memory_lengths, self.alpha
        )
        self.alpha = rows[:, :, -1]
        return self.alpha


class HardWalk:
    """Stands on one key and moves on when it has probably left it.

    The time spent on a key is random under `p_stay`; the walk moves as soon
    as the probability of still being there falls below one half, that is,
    after the median time. Where `p_stay` is 0 or 1, this is the plain rule
    "stay or move".

    Arguments
    ---------
    alpha : torch.Tensor
        Alignment before the first query, (B, H, K); its largest entry is
        where the walk starts.
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    moves_per_query : int
        Most keys passed in one query.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = HardWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> p_stay = torch.full((1, 1, 3), 0.6)
    >>> walk.advance(p_stay).argmax(-1), walk.advance(p_stay).argmax(-1)
    (tensor([[0]]), tensor([[1]]))
    """

    def __init__(
        self,
        alpha: torch.Tensor,
        memory_lengths: torch.Tensor,
        moves_per_query: int,
    ):
        self.position = alpha.argmax(dim=-1)  # (B, H)
        self.still_here = torch.ones_like(alpha[..., 0])
        self.last_key = memory_lengths[:, None] - 1
        self.moves_per_query = moves_per_query

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            One where the walk stands, else zero, (B, H, K).
        """
        for _ in range(self.moves_per_query):
            p_here = p_stay.gather(-1, self.position[..., None])[..., 0]
            self.still_here = self.still_here * p_here
            move = (self.still_here < 0.5) & (self.position < self.last_key)
            self.position = self.position + move
            self.still_here = torch.where(move, 1.0, self.still_here)
        alpha = F.one_hot(self.position, p_stay.shape[-1]).to(p_stay.dtype)
        return alpha * (self.last_key >= 0)[..., None]


WALKS = {"soft": SoftWalk, "hard": HardWalk}
