"""Text encoders with Conformer layers, ours and SpeechBrain's.

Reference
---------
Gulati et al.: "Conformer: Convolution-augmented Transformer for Speech
Recognition", Interspeech 2020.
"""

from typing import Annotated, Any

import torch
from speechbrain.lobes.models.transformer.Conformer import (
    ConformerEncoder,
    ConvolutionModule,
)

from sb_sma.models.encoder.conformer import Conformer
from sb_sma.models.encoder.relative import replace_relative_attention
from sb_sma.models.encoder.rotary import replace_rotary_attention
from sb_sma.models.encoder.transformer import (
    ENCODER_ATTENTION_TYPES,
    SpeechBrainTextEncoder,
    TextEncoder,
)
from sb_sma.models.padded_layers import check_kernel_size
from sb_sma.ops.dropout import replace_dropout


class ConformerTextEncoder(TextEncoder):
    """Conformer blocks in the form of DelightfulTTS.

    Arguments
    ---------
    n_tokens : int
        Size of the token table, padding (index 0) included.
    d_model : int
        Width of the output.
    nhead : int
        Heads of the self-attention.
    num_layers : int
        Blocks.
    dropout : float
        Dropout everywhere.
    prenet_layers : int
        Convolutions before the blocks.
    prenet_kernel_size : int
        Their odd kernel size, in tokens.
    kernel_size : int
        Odd, of the blocks' convolutions, in tokens.

    Raises
    ------
    ValueError
        If `kernel_size` is even, or `nhead` does not divide `d_model`.

    Example
    -------
    >>> encoder = ConformerTextEncoder(
    ...     n_tokens=10, d_model=8, nhead=2, num_layers=1
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
        dropout: float = 0.1,
        prenet_layers: int = 1,
        prenet_kernel_size: int = 3,
        kernel_size: int = 7,
    ):
        super().__init__(
            n_tokens, d_model, dropout, prenet_layers, prenet_kernel_size
        )
        self.conformer = Conformer(
            d_model,
            num_layers,
            nhead,
            p_dropout=dropout,
            kernel_size_conv_mod=kernel_size,
        )
        # a residual stream has no bounds
        self.norm = torch.nn.LayerNorm(d_model)

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
        return self.norm(self.conformer(features, padding))


class SpeechBrainConformerTextEncoder(SpeechBrainTextEncoder):
    """SpeechBrain's Conformer layers, made safe from padding.

    Arguments
    ---------
    n_tokens : int
        Size of the token table, padding (index 0) included.
    d_model : int
        Width of the output.
    nhead : int
        Heads of the self-attention.
    num_layers : int
        Conformer layers.
    d_ffn : int
        Width of the feed-forward layers.
    dropout : float
        Dropout everywhere.
    prenet_layers : int
        Convolutions before the Conformer.
    prenet_kernel_size : int
        Their odd kernel size, in tokens.
    encoder_attention_type : str
        SpeechBrain's ``regularMHA``, ``RelPosMHAXL`` or ``RoPEMHA``.
    kernel_size : int
        Odd, of the Conformer's convolutions, in tokens.

    Raises
    ------
    ValueError
        If `encoder_attention_type` is unknown, `kernel_size` is even, or
        `nhead` does not divide `d_model`.

    Example
    -------
    >>> encoder = SpeechBrainConformerTextEncoder(
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
        ] = "RelPosMHAXL",
        kernel_size: int = 7,
    ):
        check_kernel_size("kernel_size", kernel_size)
        super().__init__(
            n_tokens,
            d_model,
            nhead,
            dropout,
            prenet_layers,
            prenet_kernel_size,
            encoder_attention_type,
        )
        self.transformer = ConformerEncoder(
            num_layers=num_layers,
            d_model=d_model,
            d_ffn=d_ffn,
            nhead=nhead,
            kernel_size=kernel_size,
            dropout=dropout,
            attention_type=encoder_attention_type,
        )
        for layer in self.transformer.layers:
            layer.convolution_module = _PaddedConvolutionModule(
                d_model, kernel_size, dropout=dropout
            )
        replace_dropout(self.transformer)
        replace_relative_attention(self.transformer)
        replace_rotary_attention(self.transformer)


class _PaddedConvolutionModule(ConvolutionModule):
    """SpeechBrain's, whose convolution reads zeros on padding."""

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        dynchunktrain_config: Any = None,
    ) -> torch.Tensor:
        """Transform (B, T, D)."""
        hidden = self.bottleneck(self.layer_norm(x).transpose(1, 2))
        if mask is not None:
            hidden = hidden.masked_fill(mask.transpose(1, 2), 0.0)
        return self.after_conv(self.conv(hidden).transpose(1, 2))
