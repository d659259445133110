"""Attention between queries and keys of different widths.

Global style tokens are read by it: one query, the embedding of a reference,
attends to a bank of tokens. Per head, with ``W`` the three projections,

    weights = softmax(W_query(query) W_key(key)^T * scale)
    out = weights W_value(key)

Shapes: ``query (B, Q, query_dim)``, ``key (B, K, key_dim)``, ``out
(B, Q, num_units)``, ``weights (B, H, Q, K)``.

Reference
---------
Vaswani et al.: "Attention Is All You Need", NeurIPS 2017.
Wang et al.: "Style Tokens: Unsupervised Style Modeling, Control and Transfer
in End-to-End Speech Synthesis", ICML 2018.
"""

from collections.abc import Callable

import torch
from torch import nn

from sb_sma.attention.heads import merge_heads, softmax_over_valid, split_heads
from sb_sma.attention.masks import padding_of
from sb_sma.attention.public_weights import PublicWeights
from sb_sma.ops.checks import check_axes

# what the energies are multiplied with, from the widths of a head and a key
SCALES: dict[str, Callable[[int, int], float]] = {
    "head": lambda head_width, key_dim: head_width**-0.5,
    "key_dim": lambda head_width, key_dim: key_dim**-0.5,
}


class MultiHeadAttention(PublicWeights, nn.Module):
    """Softmax attention whose queries and keys have widths of their own.

    The values are projected from the keys; no projection has a bias, and
    nothing follows the heads.

    Arguments
    ---------
    query_dim : int
        Width of the queries.
    key_dim : int
        Width of the keys.
    num_units : int
        Width of the output, of all heads together.
    num_heads : int
        Number of heads H.
    scale : str
        ``head``: energies are divided by the root of a head's width.
        ``key_dim``: by the root of `key_dim`.
    legacy : bool
        Whether to give the numbers of the public code, whose scale is
        ``key_dim``.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `num_units`, or `scale` is unknown.

    Example
    -------
    >>> attention = MultiHeadAttention(
    ...     query_dim=6, key_dim=4, num_units=8, num_heads=2
    ... )
    >>> out, weights = attention(torch.rand(3, 1, 6), torch.rand(3, 10, 4))
    >>> out.shape, weights.shape
    (torch.Size([3, 1, 8]), torch.Size([3, 2, 1, 10]))
    """

    def __init__(
        self,
        query_dim: int,
        key_dim: int,
        num_units: int,
        num_heads: int,
        scale: str = "head",
        legacy: bool = False,
    ):
        super().__init__()
        if num_heads < 1 or num_units % num_heads:
            raise ValueError(
                f"num_heads ({num_heads}) must divide num_units "
                f"({num_units}). Change one of them."
            )
        if scale not in SCALES:
            raise ValueError(
                f"scale must be one of {', '.join(SCALES)}; got '{scale}'."
            )
        self.query_dim = query_dim
        self.key_dim = key_dim
        self.num_units = num_units
        self.num_heads = num_heads
        scale = "key_dim" if legacy else scale
        self.scale = SCALES[scale](num_units // num_heads, key_dim)
        self.W_query = nn.Linear(query_dim, num_units, bias=False)
        self.W_key = nn.Linear(key_dim, num_units, bias=False)
        self.W_value = nn.Linear(key_dim, num_units, bias=False)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attend to the keys.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, query_dim).
        key : torch.Tensor
            (B, K, key_dim), or (1, K, key_dim): the same for every item.
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, K) as the keys.

        Returns
        -------
        out : torch.Tensor
            (B, Q, num_units).
        weights : torch.Tensor
            Of every head, (B, H, Q, K). A query that may attend to nothing
            has zeros here and in `out`.

        Raises
        ------
        ValueError
            If `key_padding_mask` has another shape or dtype.
        """
        # one batch of keys serves all items
        check_axes(
            query=(query, f"B, Q, {self.W_query.in_features}"),
            key=(key, f"B or 1, K, {self.W_key.in_features}"),
        )
        if len(key) not in (1, len(query)):
            raise ValueError(
                f"key must be of 1 or {len(query)} items, as query is; got "
                f"{len(key)}."
            )
        queries = split_heads(self.W_query(query), self.num_heads)
        keys = split_heads(self.W_key(key), self.num_heads)
        energies = (queries * self.scale) @ keys.transpose(-1, -2)
        if key_padding_mask is None:
            weights = energies.softmax(dim=-1)
        else:
            blocked = padding_of(key_padding_mask, key)[:, None, None]
            weights = softmax_over_valid(energies, blocked)
        return self.read(weights, key), weights

    def read(self, weights: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """Return what given weights make of the keys.

        Arguments
        ---------
        weights : torch.Tensor
            Any numbers, (B, H, Q, K).
        key : torch.Tensor
            (B, K, key_dim), or (1, K, key_dim): the same for every item.

        Returns
        -------
        out : torch.Tensor
            (B, Q, num_units).
        """
        values = split_heads(self.W_value(key), self.num_heads)
        return merge_heads(weights @ values)


class StyleEmbedAttention(MultiHeadAttention):
    """The attention that reads style tokens.

    Its keys are soft tokens, i.e. already through tanh (Wang et al., 2018).

    Arguments
    ---------
    query_dim : int
        Width of the queries, i.e. of the reference embedding.
    key_dim : int
        Width of a token.
    num_units : int
        Width of the style, of all heads together.
    num_heads : int
        Number of heads H.
    scale : str
        ``head`` or ``key_dim``, as in `MultiHeadAttention`.
    legacy : bool
        As in `MultiHeadAttention`.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `num_units`, or `scale` is unknown.

    Example
    -------
    >>> attention = StyleEmbedAttention(
    ...     query_dim=6, key_dim=4, num_units=8, num_heads=2
    ... )
    >>> tokens = torch.rand(1, 10, 4).tanh()
    >>> style, weights = attention(torch.rand(3, 1, 6), tokens)
    >>> style.shape, weights.shape
    (torch.Size([3, 1, 8]), torch.Size([3, 2, 1, 10]))
    """

    def forward(
        self,
        query: torch.Tensor,
        key_soft: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attend to the tokens.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, query_dim).
        key_soft : torch.Tensor
            (B, K, key_dim), or (1, K, key_dim): the same for every item.
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, K) as the keys.

        Returns
        -------
        out : torch.Tensor
            (B, Q, num_units).
        weights : torch.Tensor
            Of every head, (B, H, Q, K).

        Raises
        ------
        ValueError
            If `key_padding_mask` has another shape or dtype.
        """
        return super().forward(query, key_soft, key_padding_mask)
