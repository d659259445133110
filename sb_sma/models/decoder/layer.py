"""A Transformer decoder layer whose cross-attention can be any of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sb_sma.attention.decoding import (
    DecodingOptions,
    call_layer,
    start_decoding,
    step_decoding,
)
from sb_sma.models.decoder.key_value_cache import KeyValueCache
from sb_sma.models.decoder.self_attention import CausalSelfAttention
from sb_sma.ops.dropout import Dropout


@dataclass
class LayerState:
    """What a layer carries from step to step.

    Arguments
    ---------
    history : KeyValueCache
        The self-attention's steps so far.
    cross : object
        The state of the encoder-decoder attention.
    """

    history: KeyValueCache
    cross: Any


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention and feed-forward, norms first.

    Arguments
    ---------
    d_model : int
        Width.
    nhead : int
        Heads of both attentions.
    d_ffn : int
        Width of the feed-forward part.
    cross_attention : Callable
        Factory called with ``d_model``, ``nhead`` and ``dropout``.
    dropout : float
        Dropout everywhere.
    window : int, optional
        How many steps back the self-attention sees. Default: all.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> layer = DecoderLayer(8, 2, 16, RegularMHA)
    >>> padding = torch.tensor([[False, False, True]])
    >>> out, attn = layer(torch.rand(1, 5, 8), torch.rand(1, 3, 8), padding)
    >>> out.shape, attn.shape
    (torch.Size([1, 5, 8]), torch.Size([1, 2, 5, 3]))
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        d_ffn: int,
        cross_attention: Callable[..., nn.Module],
        dropout: float = 0.1,
        window: int | None = None,
    ):
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.self_attn = CausalSelfAttention(d_model, nhead, dropout, window)
        self.cross_attn = cross_attention(
            d_model=d_model, nhead=nhead, dropout=dropout
        )
        self.linear1 = nn.Linear(d_model, d_ffn)
        self.linear2 = nn.Linear(d_ffn, d_model)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        features: torch.Tensor,
        memory: torch.Tensor,
        memory_padding: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run all steps at once.

        Arguments
        ---------
        features : torch.Tensor
            (B, Q, D).
        memory : torch.Tensor
            (B, K, D).
        memory_padding : torch.Tensor
            True on padding, (B, K).

        Returns
        -------
        features : torch.Tensor
            (B, Q, D).
        alignments : torch.Tensor
            (B, H, Q, K).
        """
        attended = self.self_attn(self.norm1(features))
        features = features + self.dropout(attended)
        attended, alignments = self.cross_attn(
            query=self.norm2(features),
            key=memory,
            value=memory,
            key_padding_mask=memory_padding,
        )
        features = features + self.dropout(attended)
        fed = self.dropout(self.linear1(self.norm3(features)).relu_())
        return features + self.dropout(self.linear2(fed)), alignments

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions,
        max_steps: int,
    ) -> LayerState:
        """Make the state before the first step.

        Arguments
        ---------
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            How the cross-attention is decoded.
        max_steps : int
            Most steps that will be taken.

        Returns
        -------
        state : LayerState
            The state before the first step.
        """
        return LayerState(
            self.self_attn.start(len(memory), max_steps),
            start_decoding(self.cross_attn, memory, memory_lengths, options),
        )

    def step(
        self, features: torch.Tensor, state: LayerState
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the next step; the state is advanced.

        Arguments
        ---------
        features : torch.Tensor
            (B, 1, D).
        state : LayerState
            What the step before left.

        Returns
        -------
        features : torch.Tensor
            (B, 1, D).
        alignments : torch.Tensor
            (B, H, 1, K).
        """
        attended = self.self_attn.step(
            call_layer(self.norm1, features), state.history
        )
        features = features + attended
        attended, alignments, state.cross = step_decoding(
            self.cross_attn, call_layer(self.norm2, features), state.cross
        )
        features = features + attended
        fed = call_layer(self.linear1, call_layer(self.norm3, features))
        # fresh memory costs more than the function itself
        fed = fed.relu_()
        return features + call_layer(self.linear2, fed), alignments
