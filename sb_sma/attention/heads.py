"""Splitting a width into heads and back, their energies and their softmax."""

import math

import torch


def check_heads(d_model: int, nhead: int) -> None:
    """Refuse a width that cannot be split.

    Arguments
    ---------
    d_model : int
        The width.
    nhead : int
        Number of heads.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`.

    Example
    -------
    >>> check_heads(d_model=8, nhead=2)
    """
    if nhead < 1 or d_model % nhead:
        raise ValueError(
            f"nhead ({nhead}) must divide d_model ({d_model}). "
            "Change one of them."
        )


def split_heads(features: torch.Tensor, nhead: int) -> torch.Tensor:
    """Give every head its part of the width.

    Arguments
    ---------
    features : torch.Tensor
        (B, T, D).
    nhead : int
        Number of heads H, which divides D.

    Returns
    -------
    heads : torch.Tensor
        (B, H, T, D / H).

    Example
    -------
    >>> split_heads(torch.zeros(2, 5, 8), nhead=4).shape
    torch.Size([2, 4, 5, 2])
    """
    return features.unflatten(-1, (nhead, -1)).transpose(1, 2)


def merge_heads(heads: torch.Tensor) -> torch.Tensor:
    """Put the parts of the heads side by side again.

    Arguments
    ---------
    heads : torch.Tensor
        (B, H, T, D / H).

    Returns
    -------
    features : torch.Tensor
        (B, T, D).

    Example
    -------
    >>> merge_heads(torch.zeros(2, 4, 5, 2)).shape
    torch.Size([2, 5, 8])
    """
    return heads.transpose(1, 2).flatten(-2)


def scaled_energies(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Return products of queries and keys, in float32 or better.

    Arguments
    ---------
    queries : torch.Tensor
        (B, H, Q, D / H).
    keys : torch.Tensor
        (B, H, K, D / H).

    Returns
    -------
    energies : torch.Tensor
        Divided by the square root of the width of a head, (B, H, Q, K).

    Example
    -------
    >>> scaled_energies(torch.ones(1, 1, 2, 4), torch.ones(1, 1, 1, 4))
    tensor([[[[2.],
              [2.]]]])
    """
    energies = queries @ keys.transpose(-1, -2)
    energies = energies.to(torch.promote_types(energies.dtype, torch.float32))
    scale = 1.0 / math.sqrt(queries.shape[-1])
    return energies * scale


def softmax_over_valid(
    energies: torch.Tensor, blocked: torch.Tensor
) -> torch.Tensor:
    """Softmax over the keys that are not blocked.

    Arguments
    ---------
    energies : torch.Tensor
        Any shape whose last axis are the keys, (..., K).
    blocked : torch.Tensor
        True where there is nothing to attend to; of a shape that fits.

    Returns
    -------
    weights : torch.Tensor
        Zero where blocked; all zeros where every key is.

    Example
    -------
    >>> blocked = torch.tensor([[False, False, True], [True, True, True]])
    >>> softmax_over_valid(torch.zeros(2, 3), blocked)
    tensor([[0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    # -inf everywhere would be NaN
    lowest = torch.finfo(energies.dtype).min
    weights = energies.masked_fill(blocked, lowest).softmax(dim=-1)
    return weights.masked_fill(blocked, 0.0)
