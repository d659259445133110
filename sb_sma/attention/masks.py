"""The masks of the package, all built here.

``key_padding_mask (B, K)`` is True on padding; ``attn_mask (Q, K)`` is True
where a query may not attend.
"""

import torch
from torch import nn


def padding_mask(
    lengths: torch.Tensor, max_length: int | None = None
) -> torch.Tensor:
    """Mark the padding of a right-padded batch.

    Arguments
    ---------
    lengths : torch.Tensor
        Counts, int64, (B,).
    max_length : int, optional
        Padded length. Default: the longest item.

    Returns
    -------
    mask : torch.Tensor
        True on padding, (B, max_length).

    Example
    -------
    >>> padding_mask(torch.tensor([1, 3]))
    tensor([[False,  True,  True],
            [False, False, False]])
    """
    if max_length is None:
        max_length = int(lengths.max())
    steps = torch.arange(max_length, device=lengths.device)
    return steps[None, :] >= lengths[:, None]


def padding_of(
    key_padding_mask: torch.Tensor | None, key: torch.Tensor
) -> torch.Tensor:
    """Check a padding mask, or make one where nothing is padding.

    Arguments
    ---------
    key_padding_mask : torch.Tensor, optional
        True on padding, (B, K).
    key : torch.Tensor
        The keys that the mask belongs to, (B, K, D).

    Returns
    -------
    key_padding_mask : torch.Tensor
        True on padding, (B, K).

    Raises
    ------
    ValueError
        If the mask has another shape or dtype.

    Example
    -------
    >>> padding_of(None, torch.zeros(1, 3, 8))
    tensor([[False, False, False]])
    """
    if key_padding_mask is None:
        return key.new_zeros(key.shape[:2], dtype=torch.bool)
    if key_padding_mask.dtype != torch.bool:
        raise ValueError(
            "key_padding_mask must be a bool tensor, True on padding; got "
            f"{key_padding_mask.dtype}."
        )
    if key_padding_mask.shape != key.shape[:2]:
        raise ValueError(
            f"key_padding_mask must have shape (B, K) = {tuple(key.shape[:2])}"
            f"; got {tuple(key_padding_mask.shape)}."
        )
    return key_padding_mask


def lengths_of(
    key_padding_mask: torch.Tensor | None, key: torch.Tensor
) -> torch.Tensor:
    """Count the valid keys of each item from its padding mask.

    Arguments
    ---------
    key_padding_mask : torch.Tensor, optional
        True on padding, (B, K).
    key : torch.Tensor
        The keys that the mask belongs to, (B, K, D).

    Returns
    -------
    lengths : torch.Tensor
        Counts, int64, (B,).

    Raises
    ------
    ValueError
        If the mask has another shape or dtype, or if padding stands before a
        valid key (seen on the CPU only: elsewhere the look would wait for
        the device).

    Example
    -------
    >>> mask = torch.tensor([[False, False, True]])
    >>> lengths_of(mask, torch.zeros(1, 3, 8))
    tensor([2])
    """
    if key_padding_mask is None:
        return torch.full(key.shape[:1], key.shape[1], device=key.device)
    padding = padding_of(key_padding_mask, key)
    if padding.device.type == "cpu":
        padded_before = padding[:, :-1] & ~padding[:, 1:]
        if padded_before.any():
            raise ValueError(
                "key_padding_mask must mark padding on the right only; item "
                f"{int(padded_before.any(1).nonzero()[0])} has padding "
                "before a valid key. Pad on the right."
            )
    return (~padding).sum(dim=1)


def window_mask(
    n_queries: int,
    window: int | None = None,
    device: torch.device | None = None,
) -> torch.Tensor:
    """Block the future and everything further back than the window.

    Arguments
    ---------
    n_queries : int
        Number of queries, which are also the keys, Q.
    window : int, optional
        How many steps a query sees, itself included. Default: all.
    device : torch.device, optional
        Where the mask is made.

    Returns
    -------
    attn_mask : torch.Tensor
        True where a query may not attend, (Q, Q).

    Example
    -------
    >>> window_mask(3, window=2)
    tensor([[False,  True,  True],
            [False, False,  True],
            [ True, False, False]])
    """
    step = torch.arange(n_queries, device=device)
    distance = step[:, None] - step[None, :]
    blocked = distance < 0
    if window is not None:
        blocked = blocked | (distance >= window)
    return blocked


def outside_window(
    position: torch.Tensor, back: int, ahead: int, n_keys: int
) -> torch.Tensor:
    """Block every key but a few around a position.

    Arguments
    ---------
    position : torch.Tensor
        Index of a key, int64, any shape.
    back : int
        How many keys before it stay free.
    ahead : int
        How many keys after it stay free.
    n_keys : int
        Number of keys K.

    Returns
    -------
    mask : torch.Tensor
        True outside of the window, (..., K).

    Example
    -------
    >>> outside_window(torch.tensor([0, 2]), back=1, ahead=2, n_keys=4)
    tensor([[False, False, False,  True],
            [ True, False, False, False]])
    """
    distance = torch.arange(n_keys, device=position.device)
    distance = distance - position[..., None]
    return (distance < -back) | (distance > ahead)


def require_unmasked(
    attention: nn.Module, **tensors: torch.Tensor | None
) -> None:
    """Refuse what says where to attend, beside a walk that does.

    Arguments
    ---------
    attention : nn.Module
        The module that is asked.
    **tensors : torch.Tensor, optional
        What it is given, by the name of the argument.

    Raises
    ------
    ValueError
        If one of them is not None.

    Example
    -------
    >>> require_unmasked(nn.Identity(), attn_mask=None)
    """
    for name, tensor in tensors.items():
        if tensor is not None:
            raise ValueError(
                f"{type(attention).__name__} takes no {name}; got one of "
                f"shape {tuple(tensor.shape)}. Pass None."
            )
