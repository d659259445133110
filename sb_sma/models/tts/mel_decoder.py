"""The autoregressive mel decoder.

Each decoder step makes `reduction_factor` mel frames from the last frame of
the step before.

Reference
---------
Li et al.: "Neural Speech Synthesis with Transformer Network", AAAI 2019.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.decoding import DecodingOptions, call_layer, select_rows
from sb_sma.models.decoder.layer import LayerState
from sb_sma.models.decoder.stack import DecoderStack
from sb_sma.models.positional import ScaledPositions
from sb_sma.ops.checks import check_axes, check_lengths
from sb_sma.ops.dropout import dropout

# steps for which what depends on nothing heard is made at once
_BLOCK_STEPS = 64


class Prenet(nn.Module):
    """Two layers with dropout that stays on, also when speaking.

    The dropout keeps the decoder from copying the frame before, without
    which it would not listen to the text (Shen et al., ICASSP 2018).

    Arguments
    ---------
    n_mels : int
        Mel channels C.
    width : int
        Width of both layers.
    dropout : float
        Always on.

    Example
    -------
    >>> prenet = Prenet(n_mels=80, width=16)
    >>> prenet(torch.rand(2, 5, 80)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(self, n_mels: int, width: int, dropout: float = 0.5):
        super().__init__()
        self.layers = nn.ModuleList(
            (nn.Linear(n_mels, width), nn.Linear(width, width))
        )
        self.dropout = dropout

    def forward(
        self,
        frames: torch.Tensor,
        masks: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Transform the frames that the decoder hears of itself.

        Arguments
        ---------
        frames : torch.Tensor
            (B, Q, C).
        masks : torch.Tensor, optional
            What each layer's values are multiplied with, for all items and
            steps, (2, width). Default: dropout of its own for every value.

        Returns
        -------
        features : torch.Tensor
            (B, Q, width).
        """
        for index, layer in enumerate(self.layers):
            frames = call_layer(layer, frames).relu()
            if masks is None:
                frames = dropout(frames, self.dropout)
            else:
                frames = frames * masks[index]
        return frames

    def draw_masks(
        self, n_steps: int, generator: torch.Generator
    ) -> torch.Tensor:
        """Draw dropout for all items alike: one sounds the same in any batch.

        Arguments
        ---------
        n_steps : int
            Decoder steps.
        generator : torch.Generator
            On the CPU, so that a seed is the same on every device.

        Returns
        -------
        masks : torch.Tensor
            Zero or 1 / (1 - dropout), (n_steps, 2, width).
        """
        weight = self.layers[-1].weight
        drawn = torch.rand(
            n_steps, len(self.layers), len(weight), generator=generator
        )
        return (drawn >= self.dropout).to(weight) / (1.0 - self.dropout)


class DecoderStep(NamedTuple):
    """What one decoder step makes.

    Arguments
    ---------
    frames : torch.Tensor
        Mel frames, standardised, (B, reduction_factor, C).
    stop_logits : torch.Tensor
        (B,).
    alignments : list of torch.Tensor
        One (B, H, K) per layer.
    """

    frames: torch.Tensor
    stop_logits: torch.Tensor
    alignments: list[torch.Tensor]


@dataclass
class DecoderState:
    """What the decoder carries from step to step.

    Arguments
    ---------
    layers : list of LayerState
        One per layer.
    generator : torch.Generator
        Of the prenet's dropout, on the CPU.
    n_steps : int
        Steps so far.
    masks : sequence of torch.Tensor
        The prenet's dropout in each step of this block, (2, D).
    positions : sequence of torch.Tensor
        The position of each step of this block, (D,).
    """

    layers: list[LayerState]
    generator: torch.Generator
    n_steps: int = 0
    masks: Sequence[torch.Tensor] = ()
    positions: Sequence[torch.Tensor] = ()

    def select_rows(self, rows: torch.Tensor) -> "DecoderState":
        """Keep some items of the batch.

        Arguments
        ---------
        rows : torch.Tensor
            Their indices, int64, (R,).

        Returns
        -------
        state : DecoderState
            Of these items.
        """
        return replace(self, layers=select_rows(self.layers, rows))


class MelDecoder(nn.Module):
    """Transformer decoder from text memory to mel frames.

    Arguments
    ---------
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
    n_mels : int
        Mel channels C.
    reduction_factor : int
        Frames per decoder step, 1 to 8.
    dropout : float
        Dropout in the layers.
    prenet_dropout : float
        Dropout of the prenet, always on.
    window : int, optional
        How many steps back the self-attention sees. Default: all.

    Raises
    ------
    ValueError
        If `reduction_factor` is not 1 to 8.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> decoder = MelDecoder(8, 2, 1, 16, RegularMHA, reduction_factor=2)
    >>> mels, stop_logits, alignments = decoder(
    ...     torch.rand(1, 3, 8), torch.tensor([3]), torch.rand(1, 10, 80)
    ... )
    >>> mels.shape, stop_logits.shape, alignments[0].shape
    (torch.Size([1, 10, 80]), torch.Size([1, 5]), torch.Size([1, 2, 5, 3]))
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        d_ffn: int,
        cross_attention: Callable[..., nn.Module],
        n_mels: int = 80,
        reduction_factor: int = 4,
        dropout: float = 0.1,
        prenet_dropout: float = 0.5,
        window: int | None = None,
    ):
        super().__init__()
        if not 1 <= reduction_factor <= 8:
            raise ValueError(
                f"reduction_factor must be 1 to 8; got {reduction_factor}."
            )
        self.n_mels = n_mels
        self.reduction_factor = reduction_factor
        self.prenet = Prenet(n_mels, d_model, prenet_dropout)
        self.project = nn.Linear(d_model, d_model)
        self.positions = ScaledPositions(d_model)
        self.layers = DecoderStack(
            d_model, nhead, num_layers, d_ffn, cross_attention, dropout, window
        )
        self.norm = nn.LayerNorm(d_model)
        self.to_frames = nn.Linear(d_model, n_mels * reduction_factor)
        self.to_stop = nn.Linear(d_model, 1)

    def forward(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        mels: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Predict every frame from the frames before it.

        Arguments
        ---------
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        mels : torch.Tensor
            Frames to hear, standardised, (B, M, C); M is a multiple of the
            reduction factor.

        Returns
        -------
        mels : torch.Tensor
            Predicted frames, standardised, (B, M, C).
        stop_logits : torch.Tensor
            (B, Q) with Q = M / reduction_factor.
        alignments : list of torch.Tensor
            One (B, H, Q, K) per layer.

        Raises
        ------
        ValueError
            If M is not a multiple of the reduction factor.
        """
        check_axes(memory=(memory, "B, K, D"), mels=(mels, "B, M, C"))
        check_lengths("memory_lengths", memory_lengths, memory)
        if mels.shape[1] % self.reduction_factor:
            raise ValueError(
                f"mels must have a multiple of {self.reduction_factor} "
                f"frames; got {mels.shape[1]}. Pad them on the right."
            )
        heard = mels[:, self.reduction_factor - 1 :: self.reduction_factor]
        heard = F.pad(heard[:, :-1], (0, 0, 1, 0))  # (B, Q, C)
        features = self.positions(self.project(self.prenet(heard)))
        features, alignments = self.layers(features, memory, memory_lengths)
        frames, stop_logits = self._read_out(features)
        return frames, stop_logits, alignments

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions,
        generator: torch.Generator,
        max_steps: int,
    ) -> DecoderState:
        """Make the state before the first step.

        Arguments
        ---------
        memory : torch.Tensor
            (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            How the cross-attentions are decoded.
        generator : torch.Generator
            Of the prenet's dropout, on the CPU.
        max_steps : int
            Most steps that will be taken.

        Returns
        -------
        state : DecoderState
            The state before the first step.
        """
        layers = self.layers.start(memory, memory_lengths, options, max_steps)
        return DecoderState(layers, generator)

    def step(self, frame: torch.Tensor, state: DecoderState) -> DecoderStep:
        """Make the next frames; the state is advanced.

        Arguments
        ---------
        frame : torch.Tensor
            The last frame made, zeros at the start, (B, C).
        state : DecoderState
            What the step before left.

        Returns
        -------
        step : DecoderStep
            Frames, stop logits and alignments.
        """
        index = state.n_steps % _BLOCK_STEPS
        if index == 0:
            masks = self.prenet.draw_masks(_BLOCK_STEPS, state.generator)
            state.masks = masks.unbind()
            positions = self.positions.table(state.n_steps, _BLOCK_STEPS)
            state.positions = positions.to(frame.dtype).unbind()
        state.n_steps += 1
        return self.advance(
            frame, state.masks[index], state.positions[index], state.layers
        )

    def advance(
        self,
        frame: torch.Tensor,
        masks: torch.Tensor,
        position: torch.Tensor,
        layers: list[LayerState],
    ) -> DecoderStep:
        """Make the next frames with dropout that is given.

        Arguments
        ---------
        frame : torch.Tensor
            The last frame made, zeros at the start, (B, C).
        masks : torch.Tensor
            The prenet's dropout, (2, D).
        position : torch.Tensor
            That of this step, (D,).
        layers : list of LayerState
            What the step before left; advanced.

        Returns
        -------
        step : DecoderStep
            Frames, stop logits and alignments.
        """
        heard = self.prenet(frame[:, None], masks)
        features = call_layer(self.project, heard) + position
        features, alignments = self.layers.step(features, layers)
        frames, stop_logits = self._read_out(features)
        return DecoderStep(frames, stop_logits[:, 0], alignments)

    def _read_out(
        self, features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return frames (B, Q * reduction_factor, C) and stop logits (B, Q)."""
        features = call_layer(self.norm, features)
        frames = call_layer(self.to_frames, features)
        frames = frames.unflatten(-1, (self.reduction_factor, self.n_mels))
        return frames.flatten(1, 2), call_layer(self.to_stop, features)[..., 0]
