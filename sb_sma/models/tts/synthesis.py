"""Speaking: the decoder, one step after the other, until every item has ended.

Items that have ended leave the batch, so that nothing is computed for them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from sb_sma.attention.decoding import DecodingOptions, select_rows
from sb_sma.attention.masks import padding_mask
from sb_sma.models.tts.frame_noise import FrameNoise
from sb_sma.models.tts.loop_precision import choose_loop
from sb_sma.models.tts.pace import check_pace, scaled_length
from sb_sma.models.tts.stop_rule import EndDetector, StopRule
from sb_sma.models.tts.time_scaling import scale_time

LOG_FLOOR = -11.512925
"""Natural log of 1e-5: silence, in the mel of `sb_sma.data.speech.mel`."""

# from one seed to that of the next attempt: far from those that people choose
_STRIDE = 0x9E3779B97F4A7C15


@dataclass
class Synthesis:
    """What the model says on its own.

    Arguments
    ---------
    mels : torch.Tensor
        Natural-log mel, the log floor on padding, (B, M, C).
    mel_lengths : torch.Tensor
        Frames of each item, int64, (B,).
    alignments : list of torch.Tensor
        One (B, H, Q, K) per decoder layer, zero on padding; None for a layer
        that was not asked for.
    query_lengths : torch.Tensor
        Decoder steps of each item, of the time that they last at the pace,
        int64, (B,).
    finished : torch.Tensor
        True where the item ended by itself, (B,).
    """

    mels: torch.Tensor
    mel_lengths: torch.Tensor
    alignments: list[torch.Tensor | None]
    query_lengths: torch.Tensor
    finished: torch.Tensor


@dataclass
class SpokenStep:
    """What one decoder step has made for the items that still speak.

    Arguments
    ---------
    rows : torch.Tensor
        Which items of the batch they are, int64, (R,).
    frames : torch.Tensor
        Standardised, before the postnet, in the model's precision whatever the
        step was taken in, (R, reduction_factor, C).
    alignments : list of torch.Tensor
        One (R, H, K) per decoder layer, in the model's precision, float32 at
        least.
    """

    rows: torch.Tensor
    frames: torch.Tensor
    alignments: list[torch.Tensor]


@dataclass(frozen=True)
class Manner:
    """How texts are spoken.

    Arguments
    ---------
    options : DecodingOptions
        How the cross-attentions are decoded: the mode, and what the YAML says
        under Speaking.
    seed : int, optional
        Of the prenet's dropout. Default: another one each time.
    style : torch.Tensor, optional
        The style of each text, (B, S), or of all, (S,). Default: the mean
        style, where the model has styles.
    speaker : torch.Tensor, optional
        Indices of speakers, int64, (B,) or (1,). Default: the first one,
        where the model has speakers.
    pace : float
        Above 1 speaks faster, below 1 slower: everything lasts 1 / pace of
        what it lasts otherwise.

    Raises
    ------
    ValueError
        If nobody can speak at the pace.
    """

    options: DecodingOptions = DecodingOptions()
    seed: int | None = None
    style: torch.Tensor | None = None
    speaker: torch.Tensor | None = None
    pace: float = 1.0

    def __post_init__(self):
        check_pace(self.pace)

    def of(self, items: list[int]) -> "Manner":
        """Choose the manner of some texts.

        Arguments
        ---------
        items : list of int
            Which of the B texts.

        Returns
        -------
        manner : Manner
            With their styles and speakers.
        """
        style, speaker = self.style, self.speaker
        # what is that of all texts stays so
        if style is not None and style.dim() > 1:
            style = style[items]
        if speaker is not None and len(speaker) > 1:
            speaker = speaker[items]
        return replace(self, style=style, speaker=speaker)

    def again(self, number: int) -> "Manner":
        """Speak the same once more, by other chance.

        Arguments
        ---------
        number : int
            1 or more; of the same number and seed, the same comes.

        Returns
        -------
        manner : Manner
            With another seed, if it has one.
        """
        if self.seed is None:
            return self
        return replace(self, seed=(self.seed + number * _STRIDE) % 2**63)


class Narrator:
    """Runs a model's decoder on a batch of texts.

    Arguments
    ---------
    model : nn.Module
        A `TransformerTTS`.
    tokens : torch.Tensor
        Token indices, padded with 0, (B, T).
    token_lengths : torch.Tensor
        Counts, int64, (B,).
    stop_rule : StopRule
        When an item ends.
    seconds_per_frame : float
        Hop length / sample rate.
    manner : Manner
        How they are spoken.

    Attributes
    ----------
    query_lengths : torch.Tensor
        Decoder steps of each item that has ended, int64, (B,).
    finished : torch.Tensor
        True where the item has ended by itself, (B,).
    pace : float
        At which `assemble` and `stream` give what is spoken.
    memory : torch.Tensor
        The texts as they were read, (B, T, D).
    noise : FrameNoise
        Of the refiner, where the model has one.
    listener : Callable, optional
        Called with every step as soon as it is made.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: nn.Module,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        stop_rule: StopRule,
        seconds_per_frame: float,
        manner: Manner = Manner(),
    ):
        self.model = model
        self._loop = choose_loop(model, manner.options)
        self.pace = manner.pace
        self.listener: Callable[[SpokenStep], None] | None = None
        generator = torch.Generator()
        if manner.seed is None:
            generator.seed()
        else:
            generator.manual_seed(manner.seed)
        decoder = self._loop.decoder
        seconds_per_step = seconds_per_frame * decoder.reduction_factor
        limits = [
            stop_rule.max_steps(length, seconds_per_step)
            for length in token_lengths.tolist()
        ]
        self.limits = np.array(limits)
        self._next_limit = self.limits.min()
        self.detector = EndDetector(
            stop_rule, token_lengths.cpu(), seconds_per_step
        )
        memory = self._loop.encode(
            tokens, token_lengths, manner.style, manner.speaker
        )
        self.memory = memory.to(model.mel_mean.dtype)
        self.noise = FrameNoise(decoder.n_mels, manner.seed)
        self.state = decoder.start(
            memory,
            token_lengths,
            manner.options,
            generator,
            max(limits),
        )
        self.query_lengths = torch.zeros_like(token_lengths)
        self.finished = torch.zeros_like(token_lengths, dtype=torch.bool)

    @torch.no_grad()
    def __iter__(self) -> Iterator[SpokenStep]:
        """Take one decoder step after the other, until all items have ended.

        Can be run through once.
        """
        decoder, dtype = self._loop.decoder, self.model.mel_mean.dtype
        wide = torch.promote_types(dtype, torch.float32)
        guide = int(self.model.guide[0])
        rows = torch.arange(len(self.limits), device=self.finished.device)
        frame = self._loop.mel_mean.new_zeros(len(rows), decoder.n_mels)
        n_steps, max_steps = 0, self.limits.max()
        while len(rows):
            step = decoder.step(frame, self.state)
            n_steps += 1
            alignments = [layer.to(wide) for layer in step.alignments]
            ended = self.detector.update(step.stop_logits, alignments[guide])
            spoken = SpokenStep(rows, step.frames.to(dtype), alignments)
            if self.listener is not None:
                self.listener(spoken)
            yield spoken
            frame = step.frames[:, -1]
            if n_steps < self._next_limit and not ended.any():
                continue
            limits = self.limits[rows.cpu().numpy()]
            leaving = torch.from_numpy(ended | (limits <= n_steps))
            leaving, ended = leaving.to(rows.device), torch.from_numpy(ended)
            self.query_lengths[rows[leaving]] = n_steps
            self.finished[rows] = ended.to(rows.device)
            kept = (~leaving).nonzero()[:, 0]
            rows, frame = rows[kept], frame[kept]
            limits = limits[kept.cpu().numpy()]
            self._next_limit = limits.min(initial=max_steps)
            self.state = select_rows(self.state, kept)
            self.detector = select_rows(self.detector, kept)

    def leave(self, item: int) -> None:
        """Let an item end with the step that was made last.

        Arguments
        ---------
        item : int
            Of the batch. The others are what they would be.
        """
        self.limits[item] = self._next_limit = 0


@torch.no_grad()
def assemble(narrator: Narrator, layer: int | None = None) -> Synthesis:
    """Let every item speak to its end, and smooth what it said.

    Arguments
    ---------
    narrator : Narrator
        Before its first step.
    layer : int, optional
        Of the decoder, whose alignments are kept. Default: all.

    Returns
    -------
    synthesis : Synthesis
        Mels, lengths and alignments, at the narrator's pace.
    """
    model = narrator.model
    factor = model.decoder.reduction_factor
    steps = [_with_alignments_of(layer, step) for step in narrator]
    n_items, n_steps = len(narrator.finished), len(steps)
    first = steps[0]
    mels = first.frames.new_zeros(n_items, n_steps, *first.frames.shape[1:])
    kept = [
        None
        if rows is None
        else rows.new_zeros(n_items, rows.shape[1], n_steps, rows.shape[2])
        for rows in first.alignments
    ]
    # the items are the same until the next one leaves
    start = 0
    for _, group in groupby(steps, key=lambda step: len(step.rows)):
        group = list(group)
        rows, now = group[0].rows, slice(start, start + len(group))
        mels[rows, now] = torch.stack([step.frames for step in group], dim=1)
        for alignment, *parts in zip(
            kept, *(step.alignments for step in group)
        ):
            if alignment is not None:
                alignment[rows, :, now] = torch.stack(parts, dim=2)
        start = now.stop
    mel_lengths = narrator.query_lengths * factor
    mels = mels.flatten(1, 2)
    padding = padding_mask(mel_lengths, mels.shape[1])
    mels = mels + model.postnet(mels, padding)
    if model.refiner is not None:
        text = model.text_by_frame(kept, narrator.memory)
        noise = narrator.noise.take(mels.shape[1])
        mels = model.refiner(mels, text, noise, mel_lengths)
    mels = mels * model.mel_std + model.mel_mean
    mels = mels.masked_fill(padding[:, :, None], LOG_FLOOR)
    synthesis = Synthesis(
        mels,
        mel_lengths,
        kept,
        narrator.query_lengths,
        narrator.finished,
    )
    return at_pace(synthesis, narrator.pace)


def _with_alignments_of(layer: int | None, step: SpokenStep) -> SpokenStep:
    if layer is None:
        return step
    alignments = [
        rows if index == layer else None
        for index, rows in enumerate(step.alignments)
    ]
    return replace(step, alignments=alignments)


def at_pace(synthesis: Synthesis, pace: float) -> Synthesis:
    """Let every item, and its alignment, last 1 / pace of its time.

    Arguments
    ---------
    synthesis : Synthesis
        At a pace of 1.
    pace : float
        Above 1 is faster.

    Returns
    -------
    synthesis : Synthesis
        At the pace.
    """
    if pace == 1:
        return synthesis
    frames = synthesis.mel_lengths.tolist()
    steps = synthesis.query_lengths.tolist()
    mels = [
        scale_time(mel[:n_frames], pace)
        for mel, n_frames in zip(synthesis.mels, frames)
    ]
    alignments = []
    for layer in synthesis.alignments:
        if layer is None:
            alignments.append(None)
            continue
        items = [
            scale_time(item[:, :n_steps].transpose(0, 1), pace, False)
            for item, n_steps in zip(layer, steps)
        ]
        alignments.append(pad_sequence(items, True).transpose(1, 2))
    mel_lengths, query_lengths = (
        lengths.new_tensor([scaled_length(n, pace) for n in lengths.tolist()])
        for lengths in (synthesis.mel_lengths, synthesis.query_lengths)
    )
    return Synthesis(
        pad_sequence(mels, True, LOG_FLOOR),
        mel_lengths,
        alignments,
        query_lengths,
        synthesis.finished,
    )
