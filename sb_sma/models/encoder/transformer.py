"""Text encoders: embedding, convolutions, and layers of one kind or another."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch
from speechbrain.lobes.models.transformer.Transformer import TransformerEncoder
from speechbrain.nnet.attention import RelPosEncXL
from torch import nn

from sb_sma.attention.heads import check_heads
from sb_sma.attention.masks import padding_mask
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.models.encoder.relative import replace_relative_attention
from sb_sma.models.encoder.rotary import replace_rotary_attention
from sb_sma.models.positional import ScaledPositions
from sb_sma.models.recomputation import Recomputing
from sb_sma.ops.checks import check_axes, check_lengths
from sb_sma.ops.dropout import replace_dropout


class _Positions(NamedTuple):
    """What tells a self-attention type where its tokens stand."""

    absolute: bool
    relative: Callable[[int], nn.Module] | None


ENCODER_ATTENTION_TYPES: dict[str, _Positions] = {
    "regularMHA": _Positions(absolute=True, relative=None),
    "RelPosMHAXL": _Positions(absolute=False, relative=RelPosEncXL),
    "RoPEMHA": _Positions(absolute=False, relative=None),
}


class TextEncoder(Recomputing, nn.Module, ABC):
    """Tokens in, one vector per token out: what all text encoders share.

    Arguments
    ---------
    n_tokens : int
        Size of the token table, padding (index 0) included.
    d_model : int
        Width of the output.
    dropout : float
        Dropout after the convolutions.
    prenet_layers : int
        Convolutions before the other layers.
    prenet_kernel_size : int
        Their odd kernel size, in tokens.
    """

    def __init__(
        self,
        n_tokens: int,
        d_model: int,
        dropout: float,
        prenet_layers: int,
        prenet_kernel_size: int,
    ):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, d_model, padding_idx=0)
        self.prenet = MaskedConvStack(
            [d_model] * (prenet_layers + 1), prenet_kernel_size, dropout
        )

    def forward(
        self, tokens: torch.Tensor, token_lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode a batch of texts.

        Arguments
        ---------
        tokens : torch.Tensor
            Token indices, padded with 0, (B, T).
        token_lengths : torch.Tensor
            Counts, int64, (B,).

        Returns
        -------
        memory : torch.Tensor
            Zero on padding, (B, T, D).
        """
        check_axes(tokens=(tokens, "B, T: integer"))
        check_lengths("token_lengths", token_lengths, tokens)
        padding = padding_mask(token_lengths, tokens.shape[1])
        embedded = self.embedding(tokens)
        # the residual keeps each token's identity sharp, without which the
        # attention may stand on a neighbour as well
        features = embedded + self.prenet(embedded, padding)
        features = self.run(self.transform, features, padding)
        return features.masked_fill(padding[:, :, None], 0.0)

    @abstractmethod
    def transform(
        self, features: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """Let the tokens hear each other.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        padding : torch.Tensor
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Anything on padding, (B, T, D).
        """


class SpeechBrainTextEncoder(TextEncoder):
    """What text encoders with SpeechBrain's layers share.

    A subclass builds `transformer`, whose self-attention is of the kind
    `encoder_attention_type`.

    Arguments
    ---------
    n_tokens : int
        Size of the token table, padding (index 0) included.
    d_model : int
        Width of the output.
    nhead : int
        Heads of the self-attention.
    dropout : float
        Dropout after the convolutions.
    prenet_layers : int
        Convolutions before the other layers.
    prenet_kernel_size : int
        Their odd kernel size, in tokens.
    encoder_attention_type : str
        A name of `ENCODER_ATTENTION_TYPES`.

    Raises
    ------
    ValueError
        If `encoder_attention_type` is unknown, or `nhead` does not divide
        `d_model`.
    """

    transformer: nn.Module

    def __init__(
        self,
        n_tokens: int,
        d_model: int,
        nhead: int,
        dropout: float,
        prenet_layers: int,
        prenet_kernel_size: int,
        encoder_attention_type: Annotated[str, ENCODER_ATTENTION_TYPES],
    ):
        if encoder_attention_type not in ENCODER_ATTENTION_TYPES:
            raise ValueError(
                "encoder_attention_type must be one of "
                f"{', '.join(ENCODER_ATTENTION_TYPES)}; got "
                f"'{encoder_attention_type}'."
            )
        check_heads(d_model, nhead)
        super().__init__(
            n_tokens, d_model, dropout, prenet_layers, prenet_kernel_size
        )
        kind = ENCODER_ATTENTION_TYPES[encoder_attention_type]
        self.positions = ScaledPositions(d_model) if kind.absolute else None
        self.relative_positions = (
            kind.relative(d_model) if kind.relative else None
        )

    def transform(
        self, features: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """Let the tokens hear each other.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).
        padding : torch.Tensor
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Anything on padding, (B, T, D).
        """
        if self.positions is not None:
            features = self.positions(features)
        pos_embs = None
        if self.relative_positions is not None:
            pos_embs = self.relative_positions(features)
        features, _ = self.transformer(
            features, src_key_padding_mask=padding, pos_embs=pos_embs
        )
        return features


class TransformerTextEncoder(SpeechBrainTextEncoder):
    """SpeechBrain's Transformer layers.

    Arguments
    ---------
    n_tokens : int
        Size of the token table, padding (index 0) included.
    d_model : int
        Width of the output.
    nhead : int
        Heads of the self-attention.
    num_layers : int
        Transformer layers.
    d_ffn : int
        Width of the feed-forward layers.
    dropout : float
        Dropout everywhere.
    prenet_layers : int
        Convolutions before the Transformer.
    prenet_kernel_size : int
        Their odd kernel size, in tokens.
    encoder_attention_type : str
        SpeechBrain's ``regularMHA``, ``RelPosMHAXL`` or ``RoPEMHA``.

    Raises
    ------
    ValueError
        If `encoder_attention_type` is unknown, or `nhead` does not divide
        `d_model`.

    Example
    -------
    >>> encoder = TransformerTextEncoder(
    ...     n_tokens=10, d_model=8, nhead=2, num_layers=1, d_ffn=16
    ... )
    >>> encoder(torch.tensor([[3, 4, 0]]), torch.tensor([2])).shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self,
        n_tokens: int,
        d_model: int,
        nhead: int,
        num_layers: int,
        d_ffn: int,
        dropout: float = 0.1,
        prenet_layers: int = 1,
        prenet_kernel_size: int = 3,
        encoder_attention_type: Annotated[
            str, ENCODER_ATTENTION_TYPES
        ] = "regularMHA",
    ):
        super().__init__(
            n_tokens,
            d_model,
            nhead,
            dropout,
            prenet_layers,
            prenet_kernel_size,
            encoder_attention_type,
        )
        self.transformer = TransformerEncoder(
            num_layers=num_layers,
            nhead=nhead,
            d_ffn=d_ffn,
            d_model=d_model,
            dropout=dropout,
            normalize_before=True,
            attention_type=encoder_attention_type,
        )
        for layer in self.transformer.layers:
            layer.pos_ffn = _FeedForward(layer.pos_ffn.ffn)
        replace_dropout(self.transformer)
        replace_relative_attention(self.transformer)
        replace_rotary_attention(self.transformer)


class _FeedForward(nn.Module):
    """SpeechBrain's, without its two transpositions and in less memory."""

    def __init__(self, ffn: nn.Sequential):
        super().__init__()
        widen, _, dropout, narrow = ffn
        self.ffn = nn.Sequential(widen, nn.ReLU(inplace=True), dropout, narrow)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Transform (B, T, D)."""
        return self.ffn(features)
