"""The autoregressive decoder whose output are tokens, such as phonemes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.decoding import DecodingOptions, call_layer, select_rows
from sb_sma.models.decoder.layer import LayerState
from sb_sma.models.decoder.stack import DecoderStack
from sb_sma.models.positional import ScaledPositions
from sb_sma.ops.checks import check_axes, check_lengths
from sb_sma.ops.dropout import Dropout


@dataclass
class TokenDecoderState:
    """What the decoder carries from step to step.

    Arguments
    ---------
    layers : list of LayerState
        One per layer.
    positions : torch.Tensor
        Of all steps, (max_steps, D).
    n_steps : int
        Steps so far.
    """

    layers: list[LayerState]
    positions: torch.Tensor
    n_steps: int = 0

    def select_rows(self, rows: torch.Tensor) -> "TokenDecoderState":
        """Keep some items of the batch, each as often as it is named.

        Arguments
        ---------
        rows : torch.Tensor
            As ``sb_sma.attention.decoding.select_rows`` takes them.

        Returns
        -------
        state : TokenDecoderState
            Of these items.
        """
        return replace(self, layers=select_rows(self.layers, rows))


class TokenDecoder(nn.Module):
    """Transformer decoder from a memory to tokens.

    What it hears and what it predicts share one table of vectors (Press,
    Wolf: "Using the Output Embedding to Improve Language Models", EACL 2017).

    Arguments
    ---------
    n_tokens : int
        Size of the token table V; index 0 is padding, and is heard first.
    d_model : int
        Width.
    nhead : int
        Heads of both attentions.
    num_layers : int
        Decoder layers.
    d_ffn : int
        Width of the feed-forward parts.
    cross_attention : Callable
        Factory called with ``d_model``, ``nhead`` and ``dropout``.
    dropout : float
        Dropout everywhere.
    window : int, optional
        How many steps back the self-attention sees. Default: all.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> decoder = TokenDecoder(10, 8, 2, 1, 16, RegularMHA)
    >>> logits, alignments = decoder(
    ...     torch.rand(1, 3, 8), torch.tensor([3]), torch.tensor([[4, 5, 1]])
    ... )
    >>> logits.shape, alignments[0].shape
    (torch.Size([1, 3, 10]), torch.Size([1, 2, 3, 3]))
    """

    def __init__(
        self,
        n_tokens: int,
        d_model: int,
        nhead: int,
        num_layers: int,
        d_ffn: int,
        cross_attention: Callable[..., nn.Module],
        dropout: float = 0.1,
        window: int | None = None,
    ):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, d_model)
        # of length 1 as an output, and of the positions' size as an input
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
        self.embedding_scale = math.sqrt(d_model)
        self.positions = ScaledPositions(d_model)
        self.dropout = Dropout(dropout)
        self.layers = DecoderStack(
            d_model, nhead, num_layers, d_ffn, cross_attention, dropout, window
        )
        self.norm = nn.LayerNorm(d_model)
        self.bias = nn.Parameter(torch.zeros(n_tokens))

    def forward(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        tokens: torch.Tensor,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Predict every token from the tokens before it.

        Arguments
        ---------
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        tokens : torch.Tensor
            The true tokens, padded with 0, (B, Q).

        Returns
        -------
        logits : torch.Tensor
            (B, Q, V).
        alignments : list of torch.Tensor
            One (B, H, Q, K) per layer.
        """
        check_axes(memory=(memory, "B, K, D"), tokens=(tokens, "B, Q: integer"))
        check_lengths("memory_lengths", memory_lengths, memory)
        heard = F.pad(tokens[:, :-1], (1, 0))
        features = self.embedding(heard) * self.embedding_scale
        features = self.dropout(self.positions(features))
        features, alignments = self.layers(features, memory, memory_lengths)
        return self._read_out(features), alignments

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions,
        max_steps: int,
    ) -> TokenDecoderState:
        """Make the state before the first step.

        Arguments
        ---------
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            How the cross-attentions are decoded.
        max_steps : int
            Most steps that will be taken.

        Returns
        -------
        state : TokenDecoderState
            The state before the first step.
        """
        return TokenDecoderState(
            self.layers.start(memory, memory_lengths, options, max_steps),
            self.positions.table(0, max_steps).to(memory.dtype),
        )

    def step(
        self, tokens: torch.Tensor, state: TokenDecoderState
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Predict the next token; the state is advanced.

        Arguments
        ---------
        tokens : torch.Tensor
            The token before, 0 at the start, int64, (B,).
        state : TokenDecoderState
            What the step before left.

        Returns
        -------
        logits : torch.Tensor
            (B, V).
        alignments : list of torch.Tensor
            One (B, H, K) per layer.
        """
        features = call_layer(self.embedding, tokens) * self.embedding_scale
        features = features + state.positions[state.n_steps]
        state.n_steps += 1
        features, alignments = self.layers.step(features[:, None], state.layers)
        return self._read_out(features)[:, 0], alignments

    def _read_out(self, features: torch.Tensor) -> torch.Tensor:
        """Logits, (B, Q, V)."""
        features = call_layer(self.norm, features)
        return F.linear(features, self.embedding.weight, self.bias)
