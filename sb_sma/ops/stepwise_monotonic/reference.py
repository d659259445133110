"""The stepwise monotonic expectation in plain PyTorch: the definition."""

import torch
import torch.nn.functional as F


def reference_expectation(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor,
    moves_per_query: int = 1,
) -> torch.Tensor:
    """Run the recurrence over queries, one after the other.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (B, H, Q, K).
    memory_lengths : torch.Tensor
        Number of valid keys of each item, int64, (B,).
    initial_alpha : torch.Tensor
        Alignment before the first query, (B, H, K).
    moves_per_query : int
        How often the recurrence runs for each query.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment in the dtype of `p_stay`, (B, H, Q, K).

    Example
    -------
    >>> alpha = reference_expectation(
    ...     torch.zeros(1, 1, 2, 2), torch.tensor([2]), torch.eye(2)[None, :1]
    ... )
    >>> alpha[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    state_dtype = torch.promote_types(p_stay.dtype, torch.float32)
    keys = torch.arange(p_stay.shape[-1], device=p_stay.device)
    lengths = memory_lengths.clamp(max=len(keys))[:, None, None]  # (B, 1, 1)
    may_move = (keys < lengths - 1)[:, :, None]  # (B, 1, 1, K)
    p_stay_valid = p_stay.to(state_dtype)
    stay = torch.where(may_move, p_stay_valid, 1.0)
    move = torch.where(may_move, 1.0 - p_stay_valid, 0.0)

    alpha = torch.where(keys < lengths, initial_alpha.to(state_dtype), 0.0)
    rows = []
    for stay_row, move_row in zip(stay.unbind(2), move.unbind(2)):
        for _ in range(moves_per_query):
            arriving = F.pad((alpha * move_row)[..., :-1], (1, 0))
            alpha = alpha * stay_row + arriving  # (B, H, K)
        rows.append(alpha)
    return torch.stack(rows, dim=2).to(p_stay.dtype)
