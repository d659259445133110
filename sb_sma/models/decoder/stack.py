"""Decoder layers one after the other, for any kind of output."""

from collections.abc import Callable

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.masks import padding_mask
from sb_sma.models.decoder.layer import DecoderLayer, LayerState
from sb_sma.models.recomputation import Recomputing


class DecoderStack(Recomputing, nn.ModuleList):
    """A list of decoder layers that are run together.

    Arguments
    ---------
    d_model : int
        Width.
    nhead : int
        Heads of both attentions.
    num_layers : int
        How many layers.
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
    >>> stack = DecoderStack(8, 2, 3, 16, RegularMHA)
    >>> features, alignments = stack(
    ...     torch.rand(1, 5, 8), torch.rand(1, 4, 8), torch.tensor([4])
    ... )
    >>> features.shape, len(alignments), alignments[0].shape
    (torch.Size([1, 5, 8]), 3, torch.Size([1, 2, 5, 4]))
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        d_ffn: int,
        cross_attention: Callable[..., nn.Module],
        dropout: float = 0.1,
        window: int | None = None,
    ):
        super().__init__(
            DecoderLayer(
                d_model, nhead, d_ffn, cross_attention, dropout, window
            )
            for _ in range(num_layers)
        )

    def forward(
        self,
        features: torch.Tensor,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Run all steps at once.

        Arguments
        ---------
        features : torch.Tensor
            (B, Q, D).
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).

        Returns
        -------
        features : torch.Tensor
            (B, Q, D).
        alignments : list of torch.Tensor
            One (B, H, Q, K) per layer.
        """
        padding = padding_mask(memory_lengths, memory.shape[1])
        alignments = []
        for layer in self:
            features, alignment = self.run(layer, features, memory, padding)
            alignments.append(alignment)
        return features, alignments

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions,
        max_steps: int,
    ) -> list[LayerState]:
        """Make the states before the first step.

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
        states : list of LayerState
            One per layer.
        """
        return [
            layer.start(memory, memory_lengths, options, max_steps)
            for layer in self
        ]

    def step(
        self, features: torch.Tensor, states: list[LayerState]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Run the next step; the states are advanced.

        Arguments
        ---------
        features : torch.Tensor
            (B, 1, D).
        states : list of LayerState
            What the step before left.

        Returns
        -------
        features : torch.Tensor
            (B, 1, D).
        alignments : list of torch.Tensor
            One (B, H, K) per layer.
        """
        alignments = []
        for layer, state in zip(self, states):
            features, alignment = layer.step(features, state)
            alignments.append(alignment[:, :, 0])
        return features, alignments

    def check_decoding(self, options: DecodingOptions) -> None:
        """Refuse what the cross-attentions cannot do.

        Arguments
        ---------
        options : DecodingOptions
            How they are to be decoded.

        Raises
        ------
        ValueError
            If one cannot be decoded like that.
        """
        weight = self[0].norm1.weight
        one_key = weight.new_zeros(1, 1, len(weight))
        length = torch.ones(1, dtype=torch.int64, device=weight.device)
        self.start(one_key, length, options, max_steps=1)
