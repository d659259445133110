"""Causal self-attention, in parallel or one step at a time."""

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.decoding import call_layer
from sb_sma.attention.heads import check_heads, merge_heads, split_heads
from sb_sma.attention.masks import window_mask
from sb_sma.models.decoder.key_value_cache import KeyValueCache


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
        window: int | None = None,
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

    def start(self, batch_size: int, max_steps: int) -> KeyValueCache:
        """Make room for the steps to come.

        Arguments
        ---------
        batch_size : int
            Items B.
        max_steps : int
            Most steps that will be taken.

        Returns
        -------
        cache : KeyValueCache
            Without a step.
        """
        return KeyValueCache(
            batch_size,
            self.nhead,
            self.out_proj.in_features // self.nhead,
            max_steps,
            self.out_proj.weight,
            self.window,
        )

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
        # with one step, the heads lie side by side already
        projected = call_layer(self.in_proj, features)
        projected = projected.flatten(0, 1).unflatten(1, (3, self.nhead, -1))
        cache.append(projected[:, 1:])
        read = cache.attend(projected[:, 0], self.window)  # (B, H, D / H)
        return call_layer(self.out_proj, read.reshape(features.shape))

    def _project(self, features: torch.Tensor):
        """Query, key and value of every head, each (B, H, Q, D / H)."""
        parts = self.in_proj(features).chunk(3, dim=-1)
        return tuple(split_heads(part, self.nhead) for part in parts)
