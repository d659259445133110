"""Conformer blocks in the form of DelightfulTTS.

A block is a gated convolution that hears an embedding, half a feed-forward
layer, a convolution module, relative self-attention, and a convolution module
again, each with a residual connection. Padding changes nothing, except with
``legacy=True``, which gives the numbers of the public implementation. Public
weights load by `load_public_state_dict`.

Reference
---------
Gulati et al.: "Conformer: Convolution-augmented Transformer for Speech
Recognition", Interspeech 2020. Liu et al.: "DelightfulTTS: The Microsoft
Speech Synthesis System for Blizzard Challenge 2021", Blizzard Challenge
Workshop 2021.
"""

import torch
from torch import nn

from sb_sma.attention.masks import padding_of
from sb_sma.attention.public_weights import PublicWeights
from sb_sma.attention.relative.conformer import (
    ConformerMultiHeadedSelfAttention,
)
from sb_sma.models.encoder.conformer_parts import (
    ConformerConvModule,
    Conv1dGLU,
    FeedForward,
)
from sb_sma.models.padded_layers import check_kernel_size, no_padding

_FEED_FORWARD_KERNEL_SIZE = 3


class ConformerBlock(PublicWeights, nn.Module):
    """One block.

    Arguments
    ---------
    d_model : int
        Width.
    n_head : int
        Heads of the self-attention.
    kernel_size_conv_mod : int
        Odd, of the convolution modules and of the conditioning, in steps.
    embedding_dim : int, optional
        Width E of the embedding. None builds a block without conditioning.
    dropout : float
        Dropout everywhere.
    with_ff : bool
        Whether there is a feed-forward layer.
    legacy : bool
        Whether to give the public implementation's numbers.

    Raises
    ------
    ValueError
        If `kernel_size_conv_mod` is even, or `n_head` does not divide
        `d_model`.

    Example
    -------
    >>> block = ConformerBlock(
    ...     d_model=8, n_head=2, kernel_size_conv_mod=7, embedding_dim=4
    ... )
    >>> block(torch.rand(2, 5, 8), torch.rand(2, 1, 4)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        n_head: int,
        kernel_size_conv_mod: int = 7,
        embedding_dim: int | None = None,
        dropout: float = 0.1,
        with_ff: bool = True,
        legacy: bool = False,
    ):
        super().__init__()
        check_kernel_size("kernel_size_conv_mod", kernel_size_conv_mod)
        self.find_padding = no_padding if legacy else padding_of
        self.conditioning = None
        if embedding_dim is not None:
            self.conditioning = Conv1dGLU(
                d_model,
                kernel_size_conv_mod,
                kernel_size_conv_mod // 2,
                embedding_dim,
                legacy=legacy,
            )
        self.ff = None
        if with_ff:
            self.ff = FeedForward(
                d_model, _FEED_FORWARD_KERNEL_SIZE, dropout, legacy=legacy
            )
        self.conformer_conv_1 = ConformerConvModule(
            d_model,
            kernel_size=kernel_size_conv_mod,
            dropout=dropout,
            legacy=legacy,
        )
        self.ln = nn.LayerNorm(d_model)
        self.slf_attn = ConformerMultiHeadedSelfAttention(
            d_model, n_head, dropout, legacy=legacy
        )
        self.conformer_conv_2 = ConformerConvModule(
            d_model,
            kernel_size=kernel_size_conv_mod,
            dropout=dropout,
            legacy=legacy,
        )

    def forward(
        self,
        features: torch.Tensor,
        embeddings: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        pos_embs: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Encode a batch.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        embeddings : torch.Tensor, optional
            One for an item or for each step, (B, 1 or T, E). None leaves the
            conditioning out.
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).
        pos_embs : torch.Tensor, optional
            Embeddings of the distances from ``T - 1`` down to ``1 - T``,
            (1, 2T - 1, D); for `legacy`, of the positions from 0 to ``T - 1``
            or later, (1, T or more, D). Default: sinusoids.

        Returns
        -------
        features : torch.Tensor
            Zero on padding, except with `legacy`, (B, T, D).

        Raises
        ------
        ValueError
            If the mask, `embeddings` or `pos_embs` has another shape, or if
            there are `embeddings` but no conditioning.
        """
        padding = self.find_padding(key_padding_mask, features)
        features = features.masked_fill(padding[:, :, None], 0.0)
        if embeddings is not None:
            if self.conditioning is None:
                raise ValueError(
                    "embeddings must be None for a block without "
                    f"conditioning; got {tuple(embeddings.shape)}. Build it "
                    "with embedding_dim."
                )
            features = self.conditioning(features, embeddings, key_padding_mask)
        if self.ff is not None:
            features = features + self.ff(features, key_padding_mask)
        features = features + self.conformer_conv_1(features, key_padding_mask)
        normed = self.ln(features)
        attended, _ = self.slf_attn(
            query=normed,
            key=normed,
            value=normed,
            key_padding_mask=key_padding_mask,
            pos_embs=pos_embs,
        )
        # here, the public implementation heeds padding too
        padding = padding_of(key_padding_mask, features)
        features = (features + attended).masked_fill(padding[:, :, None], 0.0)
        return features + self.conformer_conv_2(features, key_padding_mask)


class Conformer(PublicWeights, nn.Module):
    """A stack of Conformer blocks.

    Arguments
    ---------
    dim : int
        Width D.
    n_layers : int
        Blocks.
    n_heads : int
        Heads of the self-attention.
    embedding_dim : int, optional
        Width E of the embedding. None builds blocks without conditioning.
    p_dropout : float
        Dropout everywhere.
    kernel_size_conv_mod : int
        Odd, of the convolution modules and of the conditioning, in steps.
    with_ff : bool
        Whether the blocks have a feed-forward layer.
    legacy : bool
        Whether to give the public implementation's numbers.

    Raises
    ------
    ValueError
        If `kernel_size_conv_mod` is even, or `n_heads` does not divide `dim`.

    Example
    -------
    >>> conformer = Conformer(dim=8, n_layers=2, n_heads=2, embedding_dim=4)
    >>> padding = torch.tensor([[False, False, True]])
    >>> conformer(torch.rand(1, 3, 8), padding, torch.rand(1, 1, 4)).shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self,
        dim: int,
        n_layers: int,
        n_heads: int,
        embedding_dim: int | None = None,
        p_dropout: float = 0.1,
        kernel_size_conv_mod: int = 7,
        with_ff: bool = True,
        legacy: bool = False,
    ):
        super().__init__()
        self.layer_stack = nn.ModuleList(
            ConformerBlock(
                dim,
                n_heads,
                kernel_size_conv_mod,
                embedding_dim,
                p_dropout,
                with_ff,
                legacy,
            )
            for _ in range(n_layers)
        )

    def forward(
        self,
        features: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        embeddings: torch.Tensor | None = None,
        pos_embs: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Encode a batch.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).
        embeddings : torch.Tensor, optional
            One for an item or for each step, (B, 1 or T, E). None leaves the
            conditioning out.
        pos_embs : torch.Tensor, optional
            As `ConformerBlock` takes them. Default: sinusoids.

        Returns
        -------
        features : torch.Tensor
            Zero on padding, except with `legacy`, (B, T, D).

        Raises
        ------
        ValueError
            If the mask, `embeddings` or `pos_embs` has another shape, or if
            there are `embeddings` but no conditioning.
        """
        for block in self.layer_stack:
            features = block(
                features,
                embeddings=embeddings,
                key_padding_mask=key_padding_mask,
                pos_embs=pos_embs,
            )
        return features
