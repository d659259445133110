"""A sharp mel from a smooth one, by conditional flow matching.

A decoder that is trained on the distance to the one true mel predicts the mean
of all likely mels, which is smooth and sounds dull. The flow carries noise to a
single likely mel, given that mean and the text: a net predicts the velocity at
which noise moves there in a straight line, and speaking follows it in a few
Euler steps. Shapes: mels ``(B, M, C)``, text ``(B, M, D)``, which is the memory
as it was attended in each frame.

Reference
---------
Lipman et al.: "Flow Matching for Generative Modeling", ICLR 2023. Liu et al.:
"A ConvNet for the 2020s", CVPR 2022, whose blocks the net is made of. Mehta et
al.: "Matcha-TTS: A fast TTS architecture with conditional flow matching",
ICASSP 2024.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths

_SMALLEST_NOISE = 1e-4  # of the straight line's end, as in the paper
_TIME_FREQUENCIES = 64


class FlowRefiner(nn.Module):
    """Predicts how noise moves to a mel, and moves it there.

    In each of `steps` steps, every frame depends on `behind` frames before it
    and `ahead` frames after it, and on nothing else, so that a stream gives what
    the whole gives.

    Arguments
    ---------
    n_mels : int
        Mel channels C.
    d_text : int
        Width D of the text's memory.
    width : int
        Of the net.
    dilations : sequence of int
        One for each block.
    kernel_size : int
        Frames that a block's convolution sees.
    taps_ahead : int
        How many of them come later than the one that is made; a stream waits
        for them in every block of every step.
    steps : int
        Euler steps when speaking.
    temperature : float
        Standard deviation of the noise that speaking starts from.
    crop_frames : int
        Frames of each utterance that a training step sees.

    Raises
    ------
    ValueError
        If a size is out of range.

    Example
    -------
    >>> refiner = FlowRefiner(n_mels=80, d_text=16, width=32)
    >>> coarse, text = torch.rand(2, 9, 80), torch.rand(2, 9, 16)
    >>> refiner(coarse, text, torch.randn(9, 80)).shape
    torch.Size([2, 9, 80])
    """

    def __init__(
        self,
        n_mels: int,
        d_text: int,
        width: int = 192,
        dilations: Sequence[int] = (1, 2, 1, 2, 1, 2),
        kernel_size: int = 7,
        taps_ahead: int = 1,
        steps: int = 8,
        temperature: float = 0.5,
        crop_frames: int = 160,
    ):
        super().__init__()
        if steps < 1 or crop_frames < 1 or not dilations:
            raise ValueError(
                "steps, crop_frames and the number of dilations must be 1 or "
                f"more; got {steps}, {crop_frames} and {len(dilations)}."
            )
        if not 0 <= taps_ahead < kernel_size:
            raise ValueError(
                "taps_ahead must be 0 or more and below kernel_size, "
                f"{kernel_size}; got {taps_ahead}."
            )
        if not temperature >= 0:
            raise ValueError(
                f"temperature must be 0 or more; got {temperature}."
            )
        self.temperature = temperature
        self.crop_frames = crop_frames
        # small steps first, where the noise turns into a mel
        self.times = [
            1.0 - math.cos(math.pi * i / (2 * steps)) for i in range(steps + 1)
        ]
        self.ahead = taps_ahead * sum(dilations)
        self.behind = (kernel_size - 1 - taps_ahead) * sum(dilations)
        self.from_noise = nn.Linear(n_mels, width, bias=False)
        self.from_condition = nn.Linear(n_mels + d_text, width)
        self.embed_time = nn.Sequential(
            nn.Linear(2 * _TIME_FREQUENCIES, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )
        self.blocks = nn.ModuleList(
            _Block(width, kernel_size, taps_ahead, dilation)
            for dilation in dilations
        )
        self.to_velocity = nn.Linear(width, n_mels)
        nn.init.zeros_(self.to_velocity.weight)
        nn.init.zeros_(self.to_velocity.bias)

    def loss(
        self,
        coarse: torch.Tensor,
        text: torch.Tensor,
        targets: torch.Tensor,
        mel_lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Measure the predicted velocity, on a random crop of each item.

        Arguments
        ---------
        coarse : torch.Tensor
            Smooth mels, standardised, (B, M, C); no gradient reaches them.
        text : torch.Tensor
            What was attended in each frame, (B, M, D).
        targets : torch.Tensor
            True mels, standardised, (B, M, C).
        mel_lengths : torch.Tensor
            Frames, int64, (B,).

        Returns
        -------
        loss : torch.Tensor
            Mean squared error over the valid frames of the crops, a scalar.
        """
        coarse, text, targets, lengths = self._crop(
            coarse.detach(), text, targets, mel_lengths
        )
        padding = padding_mask(lengths, targets.shape[1])
        noise = torch.randn_like(targets)
        time = torch.rand(len(targets), 1, 1, device=targets.device)
        moved = (1.0 - (1.0 - _SMALLEST_NOISE) * time) * noise + time * targets
        velocity = self._velocity(
            moved, self._condition(coarse, text), time, padding
        )
        error = velocity - (targets - (1.0 - _SMALLEST_NOISE) * noise)
        error = error.float().square().mean(-1).masked_fill(padding, 0.0)
        return error.sum() / lengths.sum()

    def forward(
        self,
        coarse: torch.Tensor,
        text: torch.Tensor,
        noise: torch.Tensor,
        mel_lengths: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Make mels sharp.

        Arguments
        ---------
        coarse : torch.Tensor
            Smooth mels, standardised, (B, M, C).
        text : torch.Tensor
            What was attended in each frame, (B, M, D).
        noise : torch.Tensor
            Standard normal, for all items alike, (M, C).
        mel_lengths : torch.Tensor, optional
            Frames, int64, (B,). Default: all are valid.

        Returns
        -------
        mels : torch.Tensor
            Standardised, (B, M, C); whatever was there on padding.
        """
        check_axes(
            coarse=(coarse, "B, M, C"),
            text=(text, "B, M, D"),
            noise=(noise, "M, C"),
        )
        padding = None
        if mel_lengths is not None:
            check_lengths("mel_lengths", mel_lengths, coarse)
            padding = padding_mask(mel_lengths, coarse.shape[1])
        condition = self._condition(coarse, text)
        mels = (self.temperature * noise).to(coarse).expand_as(coarse)
        for step in range(len(self.times) - 1):
            mels = self._move(mels, condition, step, padding)
        return mels

    def stream(self) -> "RefinerStream":
        """Begin a mel that comes piece by piece.

        Returns
        -------
        stream : RefinerStream
            Of one item.
        """
        return RefinerStream(self)

    def _move(
        self,
        mels: torch.Tensor,
        condition: torch.Tensor,
        step: int,
        padding: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Take one Euler step."""
        start, stop = self.times[step : step + 2]
        time = mels.new_full((1, 1, 1), start)
        return mels + (stop - start) * self._velocity(
            mels, condition, time, padding
        )

    def _condition(
        self, coarse: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        """Make what is the same in every step, (B, M, width)."""
        return self.from_condition(torch.cat((coarse, text), dim=-1))

    def _velocity(
        self,
        mels: torch.Tensor,
        condition: torch.Tensor,
        time: torch.Tensor,
        padding: torch.Tensor | None,
    ) -> torch.Tensor:
        """Predict where mels move at a time, (B, 1, 1) or (1, 1, 1)."""
        features = self.from_noise(mels) + condition
        time = self.embed_time(_embed(time))
        for block in self.blocks:
            features = block(features, time, padding)
        return self.to_velocity(features)

    def _crop(
        self,
        coarse: torch.Tensor,
        text: torch.Tensor,
        targets: torch.Tensor,
        mel_lengths: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cut the same frames of each item out of all three."""
        n_frames = min(self.crop_frames, targets.shape[1])
        room = (mel_lengths - n_frames).clamp(min=0)
        starts = torch.rand(len(room), device=room.device) * (room + 1)
        frames = torch.arange(n_frames, device=room.device)
        frames = starts.long()[:, None] + frames
        rows = torch.arange(len(room), device=room.device)[:, None]
        cut = (given[rows, frames] for given in (coarse, text, targets))
        return *cut, mel_lengths.clamp(max=n_frames)


class RefinerStream:
    """Makes one mel sharp while it comes; what is given out never changes.

    Of each Euler step it keeps the last frames, from which the next ones are
    moved.

    Arguments
    ---------
    refiner : FlowRefiner
        Whose steps are taken.

    Example
    -------
    >>> refiner = FlowRefiner(n_mels=80, d_text=16, width=32, steps=2)
    >>> stream = refiner.stream()
    >>> ready = stream.push(
    ...     torch.rand(60, 80), torch.rand(60, 16), torch.randn(60, 80)
    ... )
    >>> len(ready), len(stream.finish())
    (42, 18)
    """

    def __init__(self, refiner: FlowRefiner):
        self.refiner = refiner
        n_steps = len(refiner.times) - 1
        self._condition: torch.Tensor | None = None
        self._first = 0  # frame of the condition that is kept
        self._stages: list[torch.Tensor | None] = [None] * n_steps
        self._starts = [0] * n_steps  # first frame kept of each stage
        self._moved = [0] * n_steps  # frames that each step has moved

    def push(
        self, coarse: torch.Tensor, text: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """Take the next frames.

        Arguments
        ---------
        coarse : torch.Tensor
            Smooth mel, standardised, (M, C).
        text : torch.Tensor
            What was attended in each frame, (M, D).
        noise : torch.Tensor
            Standard normal, of these frames, (M, C).

        Returns
        -------
        mel : torch.Tensor
            What no later frame changes, (M', C); may be empty.
        """
        refiner = self.refiner
        condition = refiner._condition(coarse, text)
        self._condition = _append(self._condition, condition)
        return self._take((refiner.temperature * noise).to(coarse), False)

    def finish(self) -> torch.Tensor:
        """End the mel.

        Returns
        -------
        mel : torch.Tensor
            The rest, (M', C).
        """
        return self._take(self._stages[0][:0], True)

    def _take(self, frames: torch.Tensor, ended: bool) -> torch.Tensor:
        """Let new frames go through all steps, as far as they can."""
        ahead, behind = self.refiner.ahead, self.refiner.behind
        for step in range(len(self._stages)):
            kept = _append(self._stages[step], frames)
            start = self._starts[step]
            stop = start + len(kept)
            ready = stop if ended else max(stop - ahead, self._moved[step])
            if ready > self._moved[step]:
                here = slice(start - self._first, stop - self._first)
                moved = self.refiner._move(
                    kept[None], self._condition[None, here], step
                )[0]
                frames = moved[self._moved[step] - start : ready - start]
                self._moved[step] = ready
            else:
                frames = kept[:0]
            first = max(self._moved[step] - behind, start)
            self._stages[step] = kept[first - start :]
            self._starts[step] = first
        oldest = min(self._starts)
        self._condition = self._condition[oldest - self._first :]
        self._first = oldest
        return frames


class _Block(nn.Module):
    """A ConvNeXt block whose scale, shift and gate depend on the time."""

    def __init__(
        self, width: int, kernel_size: int, taps_ahead: int, dilation: int
    ):
        super().__init__()
        self.margins = (
            (kernel_size - 1 - taps_ahead) * dilation,
            taps_ahead * dilation,
        )
        self.over_time = nn.Conv1d(
            width, width, kernel_size, dilation=dilation, groups=width
        )
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.modulate = nn.Linear(width, 3 * width)

    def forward(
        self,
        features: torch.Tensor,
        time: torch.Tensor,
        padding: torch.Tensor | None,
    ) -> torch.Tensor:
        """Transform (B, M, width) at a time (B, 1, width)."""
        if padding is not None:
            features = features.masked_fill(padding[:, :, None], 0.0)
        scale, shift, gate = self.modulate(time).chunk(3, dim=-1)
        seen = F.pad(features.transpose(1, 2), self.margins)
        seen = self.over_time(seen).transpose(1, 2)
        seen = self.norm(seen) * (1.0 + scale) + shift
        return features + gate * self.narrow(F.gelu(self.widen(seen)))


def _embed(time: torch.Tensor) -> torch.Tensor:
    """Return sines and cosines of a time in [0, 1], along the last axis."""
    octaves = torch.linspace(
        0.0, math.log(1000.0), _TIME_FREQUENCIES, device=time.device
    )
    angles = time * octaves.exp()
    return torch.cat((angles.sin(), angles.cos()), dim=-1).to(time.dtype)


def _append(kept: torch.Tensor | None, frames: torch.Tensor) -> torch.Tensor:
    return frames if kept is None else torch.cat((kept, frames))
