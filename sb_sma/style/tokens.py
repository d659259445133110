"""A bank of style tokens, and the styles that can be made of it.

A style is the tokens' values weighted, per head. The weights come from a
reference, by attention, or from a user; equal weights give equal styles.
Shapes: ``reference (B, query_width)``, ``weights (B, H, N)`` for N tokens,
``style (B, style_width)``.

Reference
---------
Wang et al.: "Style Tokens: Unsupervised Style Modeling, Control and Transfer
in End-to-End Speech Synthesis", ICML 2018, sections 3 and 5.
"""

from collections.abc import Mapping
from numbers import Real

import torch
from torch import nn

from sb_sma.attention.style import StyleEmbedAttention
from sb_sma.style.running_norm import RunningNorm

# tanh is neither linear nor saturated there
_TOKEN_STD = 0.5
# of the projections, so that references differ in their weights from the start:
# a decoder does without styles that are all the same, and they stay so
_GAIN = 2.0

TokenWeights = torch.Tensor | Mapping[str | int, float]


class StyleTokenLayer(nn.Module):
    """Learned tokens, read by the embedding of a reference or by hand.

    What the embeddings of all references share is taken out first: it would
    grow in training until it alone decided the weights, and all styles were
    the same.

    Arguments
    ---------
    n_tokens : int
        Number of tokens N.
    token_width : int
        Width of a token.
    query_width : int
        Width of the embedding of a reference.
    num_heads : int
        Number of heads H.
    style_width : int
        Width of the style.
    scale : str
        Of the attention, ``head`` or ``key_dim``; see `MultiHeadAttention`.

    Raises
    ------
    ValueError
        If there is no token, `num_heads` does not divide `style_width`, or
        `scale` is unknown.

    Example
    -------
    >>> layer = StyleTokenLayer(
    ...     n_tokens=5, token_width=4, query_width=6, style_width=8
    ... )
    >>> style, weights = layer(torch.rand(3, 6))
    >>> style.shape, weights.shape
    (torch.Size([3, 8]), torch.Size([3, 4, 5]))
    >>> torch.allclose(layer.from_weights(weights), style)
    True
    >>> layer.from_weights({"0": 0.3, "4": -0.2}).shape
    torch.Size([1, 8])
    """

    def __init__(
        self,
        n_tokens: int = 10,
        token_width: int = 64,
        query_width: int = 128,
        num_heads: int = 4,
        style_width: int = 256,
        scale: str = "head",
    ):
        super().__init__()
        if n_tokens < 1:
            raise ValueError(f"n_tokens must be at least 1; got {n_tokens}.")
        self.norm = RunningNorm(query_width)
        self.attention = StyleEmbedAttention(
            query_width, token_width, style_width, num_heads, scale
        )
        for layer in self.attention.children():
            nn.init.normal_(layer.weight, std=_GAIN * layer.in_features**-0.5)
        self.tokens = nn.Parameter(
            torch.empty(n_tokens, token_width).normal_(std=_TOKEN_STD)
        )

    @property
    def n_tokens(self) -> int:
        """Number of tokens N."""
        return len(self.tokens)

    @property
    def query_width(self) -> int:
        """Width of the embedding of a reference."""
        return self.attention.query_dim

    @property
    def style_width(self) -> int:
        """Width of the style."""
        return self.attention.num_units

    def forward(
        self, reference: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read the style of references.

        Arguments
        ---------
        reference : torch.Tensor
            One embedding per item, (B, query_width).

        Returns
        -------
        style : torch.Tensor
            (B, style_width).
        weights : torch.Tensor
            Of the tokens, 1 in sum for each head, (B, H, N).

        Raises
        ------
        ValueError
            If `reference` has another shape.
        """
        # with a further axis, as PyTorch's last state of a GRU has it, the
        # items of a batch would compete for the weights
        if reference.dim() != 2 or reference.shape[1] != self.query_width:
            raise ValueError(
                "reference must have shape (B, query_width) with query_width "
                f"= {self.query_width}; got {tuple(reference.shape)}."
            )
        query = self.norm(reference)[:, None]
        style, weights = self.attention(query, self._keys())
        return style[:, 0], weights[:, :, 0]

    def from_weights(self, weights: TokenWeights) -> torch.Tensor:
        """Make a style by hand.

        Nothing is normalised: twice the weights are twice the style.

        Arguments
        ---------
        weights : torch.Tensor or dict
            Weights of all tokens, (N,) or (B, N), the same in every head; or
            (B, H, N). Or weights by token index, a number or its digits, as
            JSON has it; tokens that are not named have 0.

        Returns
        -------
        style : torch.Tensor
            (B, style_width), with B = 1 where the weights have no batch.

        Raises
        ------
        ValueError
            If the shape is another, a token is unknown or named twice, or a
            weight is not finite.
        """
        if isinstance(weights, Mapping):
            weights = self._weights_by_index(weights)
        elif not isinstance(weights, torch.Tensor):
            raise ValueError(
                "weights must be a tensor, or a dict of token indices; got "
                f"{type(weights).__name__}."
            )
        weights = self._per_head(weights.to(self.tokens))
        return self.attention.read(weights[:, :, None], self._keys())[:, 0]

    def from_token(self, index: int, scale: float = 1.0) -> torch.Tensor:
        """Make the style of one token.

        Arguments
        ---------
        index : int
            Which token, from 0.
        scale : float
            Its weight; below 0 for the opposite.

        Returns
        -------
        style : torch.Tensor
            (1, style_width).

        Raises
        ------
        ValueError
            If the token is unknown or `scale` is not finite.
        """
        return self.from_weights({index: scale})

    def _keys(self) -> torch.Tensor:
        """Return what the attention reads, the same for every item."""
        return self.tokens.tanh()[None]

    def _weights_by_index(
        self, weights: Mapping[str | int, float]
    ) -> torch.Tensor:
        """Return the weights of all tokens, (N,)."""
        largest = torch.finfo(self.tokens.dtype).max
        by_index = {}
        for name, weight in weights.items():
            index = int(name) if str(name).isdecimal() else -1
            if not 0 <= index < self.n_tokens:
                raise ValueError(
                    f"weights must name tokens from 0 to {self.n_tokens - 1}; "
                    f"got {name!r}."
                )
            if index in by_index:
                raise ValueError(f"weights name token {index} twice.")
            is_switch = isinstance(weight, bool)  # a number to Python
            is_number = isinstance(weight, Real) and not is_switch
            # false for NaN and infinity, too
            if not (is_number and abs(weight) <= largest):
                raise ValueError(
                    f"the weight of token {index} must be a finite number; "
                    f"got {weight!r}."
                )
            by_index[index] = float(weight)
        listed = [by_index.get(index, 0.0) for index in range(self.n_tokens)]
        return torch.tensor(listed)

    def _per_head(self, weights: torch.Tensor) -> torch.Tensor:
        """Return weights with the axes that they lack, (B, H, N)."""
        n_heads = self.attention.num_heads
        given = tuple(weights.shape)
        if weights.dim() == 1:
            weights = weights[None]
        if weights.dim() == 2:
            weights = weights[:, None].expand(-1, n_heads, -1)
        if weights.dim() != 3 or weights.shape[1:] != (n_heads, self.n_tokens):
            raise ValueError(
                "weights must have shape (N,), (B, N) or (B, H, N) with H = "
                f"{n_heads} and N = {self.n_tokens}; got {given}."
            )
        finite = weights.isfinite()
        if not finite.all():
            item, head, index = finite.logical_not().nonzero()[0].tolist()
            raise ValueError(
                f"weights must be finite; token {index} of item {item} has "
                f"{float(weights[item, head, index])}."
            )
        return weights
