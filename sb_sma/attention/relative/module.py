"""Self-attention that hears how far a key is from the query.

The energy of key ``j`` for query ``i`` is ``((q_i + u) . k_j + (q_i + v) .
r_(i-j)) / sqrt(d_head)``: what the key holds, and the embedding ``r`` of its
distance. Adding the same number to all positions changes nothing.

``legacy=True`` gives the public implementation's numbers instead, which depend
on how far a batch is padded.

Reference
---------
Dai et al.: "Transformer-XL: Attentive Language Models Beyond a Fixed-Length
Context", ACL 2019 (the energy). Gulati et al.: "Conformer: Convolution-augmented
Transformer for Speech Recognition", Interspeech 2020 (its use for speech).
"""

import math

import torch
from torch import nn

from sb_sma.attention.heads import (
    check_heads,
    merge_heads,
    softmax_over_valid,
    split_heads,
)
from sb_sma.attention.masks import padding_of
from sb_sma.attention.public_weights import PublicWeights
from sb_sma.attention.relative.positions import align, sinusoids
from sb_sma.ops.checks import check_axes
from sb_sma.ops.dropout import Dropout


class _TrueDistances:
    """One embedding for every distance from Q - 1 down to 1 - K."""

    def scale(self, d_model: int, num_heads: int) -> float:
        """Return what energies are multiplied with."""
        return 1.0 / math.sqrt(d_model // num_heads)

    def positions(self, n_queries: int, n_keys: int, device: torch.device):
        """List the positions that are embedded."""
        return torch.arange(n_queries - 1, -n_keys, -1, device=device)

    def fit(self, pos_embs: torch.Tensor, n_queries: int, n_keys: int):
        """Cut the embeddings to what is needed."""
        n_distances = n_queries + n_keys - 1
        if pos_embs.shape[1] != n_distances:
            raise ValueError(
                "pos_embs must embed each of the Q + K - 1 = "
                f"{n_distances} distances; got {pos_embs.shape[1]}. Give None "
                "to have them computed."
            )
        return pos_embs

    def weigh(self, energies: torch.Tensor, blocked: torch.Tensor):
        """Turn energies into weights."""
        return softmax_over_valid(energies, blocked)


class _PublicPositions:
    """One embedding for every key, as in the public implementation.

    `align` then makes what a key gets depend on the padded length, and gives
    keys after the query what belongs to the next one.
    """

    def scale(self, d_model: int, num_heads: int) -> float:
        """Return what energies are multiplied with."""
        return 1.0 / math.sqrt(d_model)

    def positions(self, n_queries: int, n_keys: int, device: torch.device):
        """List the positions that are embedded."""
        return torch.arange(n_keys, device=device)

    def fit(self, pos_embs: torch.Tensor, n_queries: int, n_keys: int):
        """Cut the embeddings to what is needed."""
        if pos_embs.shape[1] < n_keys:
            raise ValueError(
                f"pos_embs must embed each of the K = {n_keys} positions; got "
                f"{pos_embs.shape[1]}. Give None to have them computed."
            )
        return pos_embs[:, :n_keys]

    def weigh(self, energies: torch.Tensor, blocked: torch.Tensor):
        """Turn energies into weights."""
        return energies.masked_fill(blocked, -1e9).softmax(dim=-1)


class RelativeMultiHeadAttention(PublicWeights, nn.Module):
    """Multi-head attention over content and distance.

    Parameters are named as in the public implementation.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    num_heads : int
        Number of heads.
    dropout : float
        Dropout in training on the weights that make the output; the returned
        weights are without.
    legacy : bool
        Whether to give the public implementation's numbers.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `d_model`.

    Example
    -------
    >>> attention = RelativeMultiHeadAttention(d_model=8, num_heads=2)
    >>> features = torch.rand(3, 5, 8)
    >>> out, attn = attention(query=features, key=features, value=features)
    >>> out.shape, attn.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 2, 5, 5]))
    """

    def __init__(
        self,
        d_model: int = 512,
        num_heads: int = 16,
        dropout: float = 0.0,
        legacy: bool = False,
    ):
        super().__init__()
        check_heads(d_model, num_heads)
        self.num_heads = num_heads
        self.scoring = _PublicPositions() if legacy else _TrueDistances()
        self.scale = self.scoring.scale(d_model, num_heads)
        self.query_proj = nn.Linear(d_model, d_model)
        self.key_proj = nn.Linear(d_model, d_model, bias=False)
        self.value_proj = nn.Linear(d_model, d_model, bias=False)
        self.pos_proj = nn.Linear(d_model, d_model, bias=False)
        self.u_bias = nn.Parameter(torch.empty(num_heads, d_model // num_heads))
        self.v_bias = nn.Parameter(torch.empty(num_heads, d_model // num_heads))
        nn.init.xavier_uniform_(self.u_bias)
        nn.init.xavier_uniform_(self.v_bias)
        self.dropout = Dropout(dropout)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        return_attn_weights: bool = True,
        pos_embs: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Attend to the keys.

        Query ``i`` and key ``j`` stand at the positions ``i`` and ``j``.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            True where a query may not attend, (Q, K). One of floats is added
            to the energies.
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, K).
        return_attn_weights : bool
            Whether to return the weights too.
        pos_embs : torch.Tensor, optional
            Embeddings of the distances from ``Q - 1`` down to ``1 - K``,
            (1, Q + K - 1, D); for `legacy`, of the positions from 0 to
            ``K - 1`` or later, (1, K or more, D). Default: sinusoids.

        Returns
        -------
        out : torch.Tensor
            (B, Q, D).
        attn : torch.Tensor
            Weights of every head, (B, H, Q, K); only if asked for. A query
            that may attend to nothing has zeros here and in `out`, except
            with `legacy`.

        Raises
        ------
        ValueError
            If a mask or `pos_embs` has another shape.
        """
        check_axes(
            query=(query, f"B, Q, {self.query_proj.in_features}"),
            key=(key, f"B, K, {self.query_proj.in_features}"),
            value=(value, f"B, K, {self.query_proj.in_features}"),
        )
        positions = self._positions(query, key, pos_embs)
        queries = split_heads(self.query_proj(query), self.num_heads)
        keys = split_heads(self.key_proj(key), self.num_heads)
        values = split_heads(self.value_proj(value), self.num_heads)
        energies = self._energies(queries, keys, positions)
        blocked = padding_of(key_padding_mask, key)[:, None, None]
        if attn_mask is not None:
            energies, blocked = _apply(attn_mask, energies, blocked)
        weights = self.scoring.weigh(energies, blocked)
        attn = weights.to(values.dtype)
        out = self.out_proj(merge_heads(self.dropout(attn) @ values))
        blind = (weights[:, 0] == 0.0).all(dim=-1, keepdim=True)  # (B, Q, 1)
        out = out.masked_fill(blind, 0.0)
        return (out, attn) if return_attn_weights else out

    def _energies(
        self, queries: torch.Tensor, keys: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """Return energies of content and position together, (B, H, Q, K)."""
        # float32 or better: products may be too large for float16
        wide = torch.promote_types(queries.dtype, torch.float32)
        with torch.autocast(queries.device.type, enabled=False):
            queries = queries.to(wide) * self.scale
            keys, positions = keys.to(wide), positions.to(wide)
            to_content = queries + self.scale * self.u_bias[:, None].to(wide)
            to_position = queries + self.scale * self.v_bias[:, None].to(wide)
            by_position = to_position @ positions.transpose(-1, -2)
            energies = to_content @ keys.transpose(-1, -2)
            return energies + align(by_position, keys.shape[2])

    def _positions(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        pos_embs: torch.Tensor | None,
    ) -> torch.Tensor:
        """Projected embeddings of every head, (1, H, P, D / H)."""
        n_queries, n_keys = query.shape[1], key.shape[1]
        if pos_embs is None:
            positions = self.scoring.positions(n_queries, n_keys, key.device)
            wide = torch.promote_types(key.dtype, torch.float32)
            pos_embs = sinusoids(positions, key.shape[2], wide)
        if pos_embs.dim() != 3:
            raise ValueError(
                "pos_embs must have shape (1, positions, D); got "
                f"{tuple(pos_embs.shape)}."
            )
        pos_embs = self.scoring.fit(pos_embs, n_queries, n_keys)
        projected = self.pos_proj(pos_embs.to(key.dtype))
        return split_heads(projected, self.num_heads)


def _apply(
    attn_mask: torch.Tensor, energies: torch.Tensor, blocked: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return energies and what is blocked, with a mask heeded as well."""
    if attn_mask.shape != energies.shape[2:]:
        raise ValueError(
            f"attn_mask must have shape (Q, K) = {tuple(energies.shape[2:])}; "
            f"got {tuple(attn_mask.shape)}. Give padding as key_padding_mask."
        )
    if attn_mask.dtype == torch.bool:
        return energies, blocked | attn_mask
    return energies + attn_mask, blocked | (attn_mask == -torch.inf)
