"""How focused an alignment is.

The focus rate is that of FastSpeech (Ren et al., 2019,
https://arxiv.org/abs/1905.09263, section 3.2).
"""

import torch

from sb_sma.ops.checks import check_alignments, is_inside


def focus_rate(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Return how sharply each head reads: 1 for one token per step.

    Each valid step is normalised over the valid tokens; its maximum is
    averaged over the valid steps. A step without any mass counts as 0.

    Arguments
    ---------
    alignments : torch.Tensor
        Non-negative weights, ``(B, H, Q, K)``.
    query_lengths : torch.Tensor
        Valid decoder steps of each item, ``(B,)`` integer.
    memory_lengths : torch.Tensor
        Valid tokens of each item, ``(B,)`` integer.

    Returns
    -------
    torch.Tensor
        Focus rates in [0, 1], ``(B, H)``.

    Raises
    ------
    ValueError
        If a shape or dtype is not the one above.

    Example
    -------
    >>> sharp, flat = torch.eye(4), torch.full((4, 4), 0.25)
    >>> alignments = torch.stack([sharp, flat])[None]
    >>> focus_rate(alignments, torch.tensor([4]), torch.tensor([4]))
    tensor([[1.0000, 0.2500]])
    """
    check_alignments(alignments)
    n_queries, n_keys = alignments.shape[-2:]
    steps = is_inside("query_lengths", query_lengths, alignments, n_queries)
    keys = is_inside("memory_lengths", memory_lengths, alignments, n_keys)
    steps = steps[:, None]  # (B, 1, Q)
    valid = steps[..., None] & keys[:, None, None]  # (B, 1, Q, K)
    if alignments.dtype != torch.float64:
        alignments = alignments.float()
    weights = alignments.masked_fill(~valid, 0.0)
    mass = weights.sum(-1).clamp(min=torch.finfo(weights.dtype).tiny)
    peaks = weights.amax(-1) / mass  # (B, H, Q)
    return peaks.sum(-1) / steps.sum(-1).clamp(min=1)
