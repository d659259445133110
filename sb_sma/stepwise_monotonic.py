"""Stepwise monotonic attention, whose heads can neither skip nor go back.

Reference: He, Deng, He, "Robust Sequence-to-Sequence Acoustic Modeling with
Stepwise Monotonic Attention for Neural TTS", Interspeech 2019. In Transformers:
Liang et al., "Enhancing Monotonicity for Robust Autoregressive Transformer
TTS", Interspeech 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def expected_alignment(
    p_stay: Tensor,
    memory_lengths: Tensor,
    initial_alpha: Tensor | None = None,
    moves_per_query: int = 1,
) -> Tensor:
    """Run the recurrence over the queries, one after the other.

    ``alpha[i, j] = alpha[i-1, j] * p_stay[i, j]
    + alpha[i-1, j-1] * (1 - p_stay[i, j-1])``, where the last valid key of
    each item absorbs.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (batch, heads, queries, keys).
    memory_lengths : torch.Tensor
        Number of valid keys of each item, (batch,).
    initial_alpha : torch.Tensor, optional
        Before the first query, (batch, heads, keys). Default: on key 0.
    moves_per_query : int
        How often the recurrence runs for each query.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment, of the shape and dtype of `p_stay`.

    Example
    -------
    >>> expected_alignment(torch.zeros(1, 1, 2, 2), torch.tensor([2]))[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    state_dtype = torch.promote_types(p_stay.dtype, torch.float32)
    keys = torch.arange(p_stay.shape[-1], device=p_stay.device)
    lengths = memory_lengths.clamp(max=len(keys))[:, None, None]
    may_move = (keys < lengths - 1)[:, :, None]  # (batch, 1, 1, keys)
    stay = torch.where(may_move, p_stay.to(state_dtype), 1.0)
    move = 1.0 - stay
    if initial_alpha is None:
        initial_alpha = (keys == 0).expand(*p_stay.shape[:2], -1)
    alpha = torch.where(keys < lengths, initial_alpha.to(state_dtype), 0.0)
    rows = []
    for stay_row, move_row in zip(stay.unbind(2), move.unbind(2)):
        for _ in range(moves_per_query):
            arriving = F.pad((alpha * move_row)[..., :-1], (1, 0))
            alpha = alpha * stay_row + arriving
        rows.append(alpha)
    return torch.stack(rows, dim=2).to(p_stay.dtype)


class StepwiseMonotonicAttention(nn.Module):
    """Multi-head attention whose heads stay on a key or move to the next.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    nhead : int
        Number of heads.
    dropout : float
        Dropout on the weights that make the output, not on those returned.
    queries_per_token : float
        Mean number of queries on a key at first, e.g. frames per phoneme.
    moves_per_query : int
        How often a head stays or moves for each query.
    noise_std : float
        Standard deviation of noise on the energies in training.
    recurrence : Callable
        `expected_alignment`, or a faster form of it.

    Example
    -------
    >>> attention = StepwiseMonotonicAttention(d_model=8, nhead=2)
    >>> query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    >>> out, attn = attention(query, memory, memory)
    >>> out.shape, attn.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 5]))
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dropout: float = 0.0,
        *,
        queries_per_token: float = 2.0,
        moves_per_query: int = 1,
        noise_std: float = 0.0,
        recurrence: Callable[..., Tensor] = expected_alignment,
    ):
        super().__init__()
        if nhead < 1 or d_model % nhead:
            raise ValueError(
                f"nhead ({nhead}) must divide d_model ({d_model}). Change one."
            )
        if not queries_per_token > 0:
            raise ValueError(
                f"queries_per_token must be above 0; got {queries_per_token}."
            )
        if moves_per_query < 1:
            raise ValueError(
                f"moves_per_query must be 1 or more; got {moves_per_query}."
            )
        if noise_std < 0:
            raise ValueError(f"noise_std must be 0 or more; got {noise_std}.")
        self.nhead = nhead
        self.moves_per_query = moves_per_query
        self.noise_std = noise_std
        self.recurrence = recurrence
        self.query_proj = nn.Linear(d_model, d_model)
        self.key_proj = nn.Linear(d_model, d_model)
        self.value_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        # a head that moves on with probability p stays for 1 / p moves, of
        # which more than 50 or fewer than 1.1 would leave nothing to learn
        moves = min(max(queries_per_token * moves_per_query, 1.1), 50.0)
        bias = torch.full((nhead,), math.log(moves - 1.0))
        self.stay_bias = nn.Parameter(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        return_attn_weights: bool = True,
        pos_embs: Tensor | None = None,
    ):
        """Walk over the keys, from the first query to the last.

        Arguments
        ---------
        query : torch.Tensor
            (batch, queries, d_model).
        key : torch.Tensor
            (batch, keys, d_model).
        value : torch.Tensor
            (batch, keys, d_model).
        attn_mask : torch.Tensor, optional
            Must be None: the walk itself says where a query attends.
        key_padding_mask : torch.Tensor, optional
            True on padding, (batch, keys).
        return_attn_weights : bool
            Whether to return the alignment too.
        pos_embs : torch.Tensor, optional
            Must be None.

        Returns
        -------
        out : torch.Tensor
            (batch, queries, d_model); zeros for an item without a valid key.
        attn : torch.Tensor
            Expected alignment of every head, (batch, heads, queries, keys).
        """
        for name, given in (("attn_mask", attn_mask), ("pos_embs", pos_embs)):
            if given is not None:
                raise ValueError(
                    f"{type(self).__name__} takes no {name}; got one of shape "
                    f"{tuple(given.shape)}. Pass None."
                )
        lengths = self._count_keys(key_padding_mask, key)
        queries = self._split_heads(self.query_proj(query))
        keys = self._split_heads(self.key_proj(key))
        values = self._split_heads(self.value_proj(value))
        energies = queries @ keys.transpose(-1, -2)
        dtype = torch.promote_types(energies.dtype, torch.float32)
        energies = energies.to(dtype) * (1.0 / math.sqrt(queries.shape[-1]))
        attn = self._align(energies, lengths)
        weights = self.dropout(attn).to(values.dtype)
        out = self.out_proj((weights @ values).transpose(1, 2).flatten(-2))
        out = out.masked_fill((lengths == 0)[:, None, None], 0.0)
        return (out, attn) if return_attn_weights else out

    def _count_keys(self, mask: Tensor | None, key: Tensor) -> Tensor:
        """Count the keys of each item before its padding, (batch,)."""
        if mask is None:
            return torch.full(key.shape[:1], key.shape[1], device=key.device)
        if mask.dtype != torch.bool or mask.shape != key.shape[:2]:
            raise ValueError(
                "key_padding_mask must be a bool tensor (batch, keys), True on "
                f"padding; got {mask.dtype} of shape {tuple(mask.shape)}."
            )
        # elsewhere than on a CPU, looking would wait for the device
        if mask.is_cpu and (mask[:, :-1] & ~mask[:, 1:]).any():
            raise ValueError("key_padding_mask must mark padding on the right.")
        return (~mask).sum(dim=1)

    def _split_heads(self, features: Tensor) -> Tensor:
        """Give every head its part, (batch, heads, time, d_model / heads)."""
        return features.unflatten(-1, (self.nhead, -1)).transpose(1, 2)

    def _align(self, energies: Tensor, lengths: Tensor) -> Tensor:
        """Return the alignment, (batch, heads, queries, keys)."""
        energies = energies + self.stay_bias[:, None, None]
        if self.training and self.noise_std > 0:
            energies = energies + self.noise_std * torch.randn_like(energies)
        return self.recurrence(
            energies.sigmoid(), lengths, moves_per_query=self.moves_per_query
        )
