"""How focused a batch of alignments is, where each head reads, and whether it
arrives.

Axes: ``B`` batch, ``H`` heads, ``Q`` queries (decoder steps), ``K`` keys (text
tokens). Alignments are ``(B, H, Q, K)``, ``*_lengths`` are ``(B,)`` integer
counts. Whatever lies past the lengths, NaN included, never changes a result.
The functions of one path are those of :mod:`sb_sma.metrics.path`.

The focus rate is that of FastSpeech (Ren et al., 2019,
https://arxiv.org/abs/1905.09263, section 3.2).
"""

import torch

from sb_sma.metrics.path import (
    PathCounts,
    count_path,
    coverage,
    path_agreement,
    straight_line_path,
    true_path,
)
from sb_sma.ops.checks import check_alignments, check_lengths, is_inside
from sb_sma.ops.focus_rate import focus_rate

__all__ = [
    "PathCounts",
    "alignment_path",
    "count_path",
    "coverage",
    "end_mass",
    "focus_rate",
    "most_focused_head",
    "path_agreement",
    "straight_line_path",
    "true_path",
]


def most_focused_head(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Return the head with the highest focus rate, the first of equals.

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
        Index of a head for each item, ``(B,)`` int64.

    Example
    -------
    >>> sharp, flat = torch.eye(4), torch.full((4, 4), 0.25)
    >>> alignments = torch.stack([flat, sharp])[None]
    >>> most_focused_head(alignments, torch.tensor([4]), torch.tensor([4]))
    tensor([1])
    """
    return focus_rate(alignments, query_lengths, memory_lengths).argmax(-1)


def alignment_path(
    alignments: torch.Tensor, memory_lengths: torch.Tensor
) -> torch.Tensor:
    """Return the token that each head reads most at each decoder step.

    Arguments
    ---------
    alignments : torch.Tensor
        Weights, ``(B, H, Q, K)``.
    memory_lengths : torch.Tensor
        Valid tokens of each item, ``(B,)`` integer.

    Returns
    -------
    torch.Tensor
        Token indices, ``(B, H, Q)`` int64, the first of equals.

    Raises
    ------
    ValueError
        If a shape or dtype is not the one above.

    Example
    -------
    >>> alignments = torch.tensor([[[[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]]]])
    >>> alignment_path(alignments, torch.tensor([3]))
    tensor([[[0, 2]]])
    >>> alignment_path(alignments, torch.tensor([2]))
    tensor([[[0, 1]]])
    """
    check_alignments(alignments)
    n_keys = alignments.shape[-1]
    keys = is_inside("memory_lengths", memory_lengths, alignments, n_keys)
    outside = ~keys[:, None, None]
    return alignments.masked_fill(outside, float("-inf")).argmax(-1)


def end_mass(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Return how much of the last valid step lies on the last valid token.

    A model that has read its whole text ends near 1.

    Arguments
    ---------
    alignments : torch.Tensor
        Weights, ``(B, H, Q, K)``.
    query_lengths : torch.Tensor
        Valid decoder steps of each item, ``(B,)`` integer.
    memory_lengths : torch.Tensor
        Valid tokens of each item, ``(B,)`` integer.

    Returns
    -------
    torch.Tensor
        Masses, ``(B, H)``; 0 for an item without steps or tokens.

    Raises
    ------
    ValueError
        If a shape or dtype is not the one above.

    Example
    -------
    >>> alignments = torch.tensor([[[[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]]]])
    >>> end_mass(alignments, torch.tensor([2]), torch.tensor([3]))
    tensor([[0.5000]])
    """
    check_alignments(alignments)
    check_lengths("query_lengths", query_lengths, alignments)
    check_lengths("memory_lengths", memory_lengths, alignments)
    device = alignments.device
    items = torch.arange(alignments.shape[0], device=device)
    query_lengths = query_lengths.to(device)
    memory_lengths = memory_lengths.to(device)
    last_query = (query_lengths - 1).clamp(min=0)
    last_key = (memory_lengths - 1).clamp(min=0)
    masses = alignments[items, :, last_query, last_key]  # (B, H)
    empty = (query_lengths < 1) | (memory_lengths < 1)
    return masses.masked_fill(empty[:, None], 0.0)
