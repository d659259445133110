"""Causal self-attention, in parallel or one step at a time."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.heads import check_heads, merge_heads, split_heads
from sb_sma.attention.masks import window_mask

_GROWTH_STEPS = 256


class KeyValueCache:
    """The keys and values of the steps so far, in memory taken in blocks.

    Example
    -------
    >>> cache = KeyValueCache()
    >>> keys, values = cache.append(
    ...     torch.ones(2, 4, 1, 8), torch.ones(2, 4, 1, 8)
    ... )
    >>> keys.shape
    torch.Size([2, 4, 1, 8])
    """

    def __init__(self):
        self.length = 0
        self._keys: Optional[torch.Tensor] = None
        self._values: Optional[torch.Tensor] = None

    def append(self, key: torch.Tensor, value: torch.Tensor):
        """Add one step.

        Arguments
        ---------
        key : torch.Tensor
            (B, H, 1, D / H).
        value : torch.Tensor
            (B, H, 1, D / H).

        Returns
        -------
        keys : torch.Tensor
            All keys so far, (B, H, n, D / H).
        values : torch.Tensor
            All values so far, (B, H, n, D / H).
        """
        if self._keys is None:
            batch, heads, _, width = key.shape
            empty = key.new_empty(batch, heads, _GROWTH_STEPS, width)
            self._keys, self._values = empty, torch.empty_like(empty)
        elif self.length == self._keys.shape[2]:
            self._keys = self._doubled(self._keys)
            self._values = self._doubled(self._values)
        self._keys[:, :, self.length] = key[:, :, 0]
        self._values[:, :, self.length] = value[:, :, 0]
        self.length += 1
        return self._keys[:, :, : self.length], self._values[
            :, :, : self.length
        ]

    def select_rows(self, rows: torch.Tensor) -> "KeyValueCache":
        """Keep some items of the batch.

        Arguments
        ---------
        rows : torch.Tensor
            Their indices, int64, (R,).

        Returns
        -------
        cache : KeyValueCache
            Of these items.
        """
        selected = KeyValueCache()
        if self._keys is not None:
            selected.length = self.length
            selected._keys = self._keys[rows]
            selected._values = self._values[rows]
        return selected

    @staticmethod
    def _doubled(stored: torch.Tensor) -> torch.Tensor:
        """Twice the room, with the same start."""
        return torch.cat((stored, torch.empty_like(stored)), dim=2)


class CausalSelfAttention(nn.Module):
    """Multi-head self-attention over the steps so far.

    Arguments
    ---------
    d_model : int
        Width.
    nhead : int
        Number of heads.
    dropout : float
        Dropout on the attention weights in training.
    window : int, optional
        How many steps back a step sees, itself included. Default: all.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`, or `window` is below 1.

    Example
    -------
    >>> attention = CausalSelfAttention(d_model=8, nhead=2)
    >>> attention(torch.rand(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dropout: float = 0.0,
        window: Optional[int] = None,
    ):
        super().__init__()
        check_heads(d_model, nhead)
        if window is not None and window < 1:
            raise ValueError(
                f"window must be 1 or more, or None to see all; got {window}."
            )
        self.nhead = nhead
        self.dropout = dropout
        self.window = window
        self.in_proj = nn.Linear(d_model, 3 * d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Attend at every step at once.

        Arguments
        ---------
        features : torch.Tensor
            (B, Q, D).

        Returns
        -------
        features : torch.Tensor
            (B, Q, D).
        """
        query, key, value = self._project(features)
        blocked = window_mask(
            features.shape[1], self.window, device=features.device
        )
        out = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=~blocked,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out_proj(merge_heads(out))

    def step(
        self, features: torch.Tensor, cache: KeyValueCache
    ) -> torch.Tensor:
        """Attend at the next step.

        Arguments
        ---------
        features : torch.Tensor
            (B, 1, D).
        cache : KeyValueCache
            The steps so far; this one is added.

        Returns
        -------
        features : torch.Tensor
            (B, 1, D).
        """
        query, key, value = self._project(features)
        keys, values = cache.append(key, value)
        if self.window is not None:
            keys, values = (
                keys[:, :, -self.window :],
                values[:, :, -self.window :],
            )
        out = F.scaled_dot_product_attention(query, keys, values)
        return self.out_proj(merge_heads(out))

    def _project(self, features: torch.Tensor):
        """Query, key and value of every head, each (B, H, Q, D / H)."""
        parts = self.in_proj(features).chunk(3, dim=-1)
        return tuple(split_heads(part, self.nhead) for part in parts)
