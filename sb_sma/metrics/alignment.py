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
    is_integer,
    path_agreement,
    straight_line_path,
    true_path,
)

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


def focus_rate(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Returns how sharply each head reads: 1 for one token per step.

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
    _check_alignments(alignments)
    n_queries, n_keys = alignments.shape[-2:]
    steps = _inside("query_lengths", query_lengths, alignments, n_queries)
    keys = _inside("memory_lengths", memory_lengths, alignments, n_keys)
    steps = steps[:, None]  # (B, 1, Q)
    valid = steps[..., None] & keys[:, None, None]  # (B, 1, Q, K)
    if alignments.dtype != torch.float64:
        alignments = alignments.float()
    weights = alignments.masked_fill(~valid, 0.0)
    mass = weights.sum(-1).clamp(min=torch.finfo(weights.dtype).tiny)
    peaks = weights.amax(-1) / mass  # (B, H, Q)
    return peaks.sum(-1) / steps.sum(-1).clamp(min=1)


def most_focused_head(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Returns the head with the highest focus rate, the first of equals.

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
    """Returns the token that each head reads most at each decoder step.

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
    _check_alignments(alignments)
    n_keys = alignments.shape[-1]
    keys = _inside("memory_lengths", memory_lengths, alignments, n_keys)
    outside = ~keys[:, None, None]
    return alignments.masked_fill(outside, float("-inf")).argmax(-1)


def end_mass(
    alignments: torch.Tensor,
    query_lengths: torch.Tensor,
    memory_lengths: torch.Tensor,
) -> torch.Tensor:
    """Returns how much of the last valid step lies on the last valid token.

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
    _check_alignments(alignments)
    _check_lengths("query_lengths", query_lengths, alignments)
    _check_lengths("memory_lengths", memory_lengths, alignments)
    device = alignments.device
    items = torch.arange(alignments.shape[0], device=device)
    query_lengths = query_lengths.to(device)
    memory_lengths = memory_lengths.to(device)
    last_query = (query_lengths - 1).clamp(min=0)
    last_key = (memory_lengths - 1).clamp(min=0)
    masses = alignments[items, :, last_query, last_key]  # (B, H)
    empty = (query_lengths < 1) | (memory_lengths < 1)
    return masses.masked_fill(empty[:, None], 0.0)


def _inside(
    name: str, lengths: torch.Tensor, alignments: torch.Tensor, size: int
) -> torch.Tensor:
    """Returns which of ``size`` positions lie within each item, (B, size)."""
    _check_lengths(name, lengths, alignments)
    positions = torch.arange(size, device=alignments.device)
    return positions < lengths.to(alignments.device)[:, None]


def _check_alignments(alignments: torch.Tensor) -> None:
    shape = tuple(alignments.shape)
    if alignments.ndim != 4 or 0 in shape:
        raise ValueError(
            "alignments must have shape (B, H, Q, K), no axis empty; got "
            f"{shape}. Add the missing axis, or leave empty items out."
        )
    if not alignments.is_floating_point():
        raise ValueError(
            f"alignments must be floating point; got {alignments.dtype}. "
            "Convert them with .float()."
        )


def _check_lengths(
    name: str, lengths: torch.Tensor, alignments: torch.Tensor
) -> None:
    n_items = alignments.shape[0]
    if lengths.shape != (n_items,):
        raise ValueError(
            f"{name} must have shape ({n_items},), one count per item; got "
            f"{tuple(lengths.shape)}. Pass the lengths of this batch."
        )
    if not is_integer(lengths):
        raise ValueError(
            f"{name} must be integer counts; got {lengths.dtype}. Multiply "
            "SpeechBrain's relative lengths by the longest, and round."
        )
