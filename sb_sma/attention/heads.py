"""Splitting a width into heads and back."""

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
