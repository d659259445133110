"""The layers of a Conformer block around its attention.

Convolutions read zeros on padding, and statistics are those of the valid
steps, so that padding changes nothing. Features are (B, T, D). With
``legacy=True`` padding is taken for content, as in the public implementation;
without padding, both give the same. Parameters are named as there.

Reference
---------
Gulati et al.: "Conformer: Convolution-augmented Transformer for Speech
Recognition", Interspeech 2020. Liu et al.: "DelightfulTTS: The Microsoft
Speech Synthesis System for Blizzard Challenge 2021", Blizzard Challenge
Workshop 2021 (convolutions in the feed-forward layer).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.masks import padding_of
from sb_sma.attention.public_weights import PublicWeights
from sb_sma.models.padded_layers import (
    PaddedConvolution,
    UtteranceNorm,
    check_kernel_size,
    no_padding,
)
from sb_sma.ops.dropout import Dropout

DEFAULT_SLOPE = 0.3  # of every leaky ReLU, below 0


class _SeparableConvolution(nn.Module):
    """A convolution of one step, then one of one channel each."""

    def __init__(self, c_in: int, c_out: int, kernel_size: int):
        super().__init__()
        self.pointwise = PaddedConvolution(c_in, c_out)
        self.depthwise = PaddedConvolution(
            c_out, c_out, kernel_size, groups=c_out
        )

    def forward(
        self, features: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """Transform (B, T, D), zero on padding."""
        return self.depthwise(self.pointwise(features, padding), padding)


class FeedForward(PublicWeights, nn.Module):
    """Half of what convolutions to four times the width and back give.

    Arguments
    ---------
    d_model : int
        Width.
    kernel_size : int
        Odd, of the first convolution, in steps; the second has 1.
    dropout : float
        Dropout after the activation and on the output.
    expansion_factor : int
        Channels between the convolutions as a multiple of `d_model`.
    leaky_relu_slope : float
        Of the activation, below 0.
    legacy : bool
        Whether to take padding for content.

    Raises
    ------
    ValueError
        If `kernel_size` is even.

    Example
    -------
    >>> feed_forward = FeedForward(d_model=8, kernel_size=3, dropout=0.1)
    >>> feed_forward(torch.rand(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        kernel_size: int = 3,
        dropout: float = 0.1,
        expansion_factor: int = 4,
        leaky_relu_slope: float = DEFAULT_SLOPE,
        legacy: bool = False,
    ):
        super().__init__()
        check_kernel_size("kernel_size", kernel_size)
        self.find_padding = no_padding if legacy else padding_of
        self.leaky_relu_slope = leaky_relu_slope
        inner = expansion_factor * d_model
        self.ln = nn.LayerNorm(d_model)
        self.conv_1 = nn.Conv1d(
            d_model, inner, kernel_size, padding=kernel_size // 2
        )
        self.conv_2 = nn.Conv1d(inner, d_model, kernel_size=1)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        features: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute what a residual connection adds.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Zero on padding, except with `legacy`, (B, T, D).

        Raises
        ------
        ValueError
            If the mask has another shape or dtype.
        """
        padding = self.find_padding(key_padding_mask, features)[:, :, None]
        # a NaN there would outlive its weight of zero
        normed = self.ln(features.masked_fill(padding, 0.0))
        normed = normed.masked_fill(padding, 0.0)
        hidden = self.conv_1(normed.transpose(1, 2))
        hidden = F.leaky_relu(hidden, self.leaky_relu_slope)
        out = self.dropout(self.conv_2(self.dropout(hidden)))
        return 0.5 * out.transpose(1, 2).masked_fill(padding, 0.0)


class ConformerConvModule(PublicWeights, nn.Module):
    """Gated pointwise convolution, depthwise convolution, norm, pointwise.

    The gate is a leaky ReLU, and the norm is over channels and time.

    Arguments
    ---------
    d_model : int
        Width.
    expansion_factor : int
        Channels of the depthwise convolution as a multiple of `d_model`.
    kernel_size : int
        Odd, of the depthwise convolution, in steps.
    dropout : float
        Dropout on the output.
    leaky_relu_slope : float
        Of the gate and the activation, below 0.
    legacy : bool
        Whether to take padding for content.

    Raises
    ------
    ValueError
        If `kernel_size` is even.

    Example
    -------
    >>> convolve = ConformerConvModule(d_model=8, kernel_size=7, dropout=0.1)
    >>> convolve(torch.rand(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        expansion_factor: int = 2,
        kernel_size: int = 7,
        dropout: float = 0.1,
        leaky_relu_slope: float = DEFAULT_SLOPE,
        legacy: bool = False,
    ):
        super().__init__()
        check_kernel_size("kernel_size", kernel_size)
        self.find_padding = no_padding if legacy else padding_of
        self.leaky_relu_slope = leaky_relu_slope
        inner = expansion_factor * d_model
        self.ln_1 = nn.LayerNorm(d_model)
        self.conv_1 = PaddedConvolution(d_model, 2 * inner)
        self.depthwise = PaddedConvolution(
            inner, inner, kernel_size, groups=inner
        )
        self.ln_2 = UtteranceNorm(inner)
        self.conv_2 = PaddedConvolution(inner, d_model)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        features: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute what a residual connection adds.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Zero on padding, except with `legacy`, (B, T, D).

        Raises
        ------
        ValueError
            If the mask has another shape or dtype.
        """
        padding = self.find_padding(key_padding_mask, features)
        # a NaN there would outlive its weight of zero
        features = features.masked_fill(padding[:, :, None], 0.0)
        slope = self.leaky_relu_slope
        hidden = self.conv_1(self.ln_1(features), padding)
        content, gate = hidden.chunk(2, dim=-1)
        hidden = self.depthwise(content * F.leaky_relu(gate, slope), padding)
        hidden = F.leaky_relu(self.ln_2(hidden, padding), slope)
        out = self.dropout(self.conv_2(hidden, padding))
        return out.masked_fill(padding[:, :, None], 0.0)


class Conv1dGLU(PublicWeights, nn.Module):
    """Gated convolution that hears an embedding, such as a speaker or a style.

    Arguments
    ---------
    d_model : int
        Width.
    kernel_size : int
        Odd, in steps.
    padding : int
        Steps of zeros on both sides: half of `kernel_size`, rounded down.
    embedding_dim : int
        Width E of the embedding.
    legacy : bool
        Whether to take padding for content.

    Raises
    ------
    ValueError
        If `kernel_size` is even, or `padding` would change the length.

    Example
    -------
    >>> convolve = Conv1dGLU(
    ...     d_model=8, kernel_size=3, padding=1, embedding_dim=4
    ... )
    >>> convolve(torch.rand(2, 5, 8), torch.rand(2, 1, 4)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        kernel_size: int,
        padding: int,
        embedding_dim: int,
        legacy: bool = False,
    ):
        super().__init__()
        check_kernel_size("kernel_size", kernel_size)
        if padding != kernel_size // 2:
            raise ValueError(
                f"padding must be kernel_size // 2 = {kernel_size // 2}, which "
                f"keeps the number of steps; got {padding}."
            )
        self.find_padding = no_padding if legacy else padding_of
        # public weights hold this too
        self.register_buffer("sqrt", torch.tensor(math.sqrt(0.5)))
        self.bsconv1d = _SeparableConvolution(d_model, 2 * d_model, kernel_size)
        self.embedding_proj = nn.Linear(embedding_dim, d_model)

    def forward(
        self,
        features: torch.Tensor,
        embeddings: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Convolve, residual connection included.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        embeddings : torch.Tensor
            One for an item or for each step, (B, 1 or T, E).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Zero on padding, except with `legacy`, (B, T, D).

        Raises
        ------
        ValueError
            If the mask or `embeddings` has another shape.
        """
        steps = features.shape[1]
        if embeddings.dim() != 3 or embeddings.shape[1] not in (1, steps):
            raise ValueError(
                f"embeddings must have shape (B, 1 or T = {steps}, E); got "
                f"{tuple(embeddings.shape)}. Give an item's own one step."
            )
        padding = self.find_padding(key_padding_mask, features)
        content, gate = self.bsconv1d(features, padding).chunk(2, dim=-1)
        content = content + F.softsign(self.embedding_proj(embeddings))
        out = (features + content * gate.sigmoid()) * self.sqrt
        return out.masked_fill(padding[:, :, None], 0.0)
