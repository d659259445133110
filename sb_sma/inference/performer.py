"""Runs a model on passages: in batches, as a stream, or one that is very long.

In batches, a passage that does not become good is spoken again. Whether it is,
the alignment tells: `sb_sma.metrics.reading`.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import torch
from torch import nn

from sb_sma.attention.walk_switches import can_walk
from sb_sma.data.text.respelled import read_respelled
from sb_sma.data.text.word_spans import find_spans, words_of
from sb_sma.inference.attempts import GOOD, Attempts, Verdict
from sb_sma.inference.bands import AlignmentBand
from sb_sma.inference.joints import Joint, end_with
from sb_sma.inference.script import Passage
from sb_sma.inference.spoken import (
    CompactText,
    PassageTiming,
    SpokenText,
    SpokenTimes,
)
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.metrics.reading import read_alignment
from sb_sma.metrics.word_times import WordSpan, token_bounds
from sb_sma.models.tts.batch_streaming import BatchStream, StreamedItem
from sb_sma.models.tts.streaming import stream
from sb_sma.models.tts.synthesis import (
    LOG_FLOOR,
    Manner,
    Narrator,
    Synthesis,
    assemble,
    at_pace,
)

_BATCH_ITEMS = 16
# the alignments of a batch take memory with the square of its texts
_BATCH_SQUARED_TOKENS = 16 * 700**2
# beyond, a text is spoken alone, and its alignment kept as a band
_DENSE_TOKENS = 1500
_PART_FRAMES = 1000


@dataclass(frozen=True)
class Line:
    """A passage of one of several texts, as the model reads it.

    Arguments
    ---------
    index : int
        Of the text.
    passage : Passage
        The passage.
    tokens : list of str
        What the model reads; none of a silence.
    ids : list of int
        Their indices.
    words : list of (str, list of str), optional
        Default: as the front end tells them.
    """

    index: int
    passage: Passage
    tokens: list[str]
    ids: list[int]
    words: list[tuple[str, list[str]]] | None


@dataclass(frozen=True)
class StreamedLine:
    """A line that is spoken together with others, while it is being made.

    Arguments
    ---------
    mels : iterator of torch.Tensor
        Natural-log mels, each (M', C), with the silence after it.
    leave : Callable
        Makes nothing more of it.
    time : Callable, optional
        When all is said, tells of the usual times of its text when its words
        are. None of a silence, or where it was not asked for.
    """

    mels: Iterator[torch.Tensor]
    leave: Callable[[], None]
    time: Callable[[SpokenTimes], PassageTiming] | None


@dataclass
class _Attempt:
    """A line as it was spoken once."""

    item: SpokenText
    timing: PassageTiming | None = None
    verdict: Verdict = GOOD


class Performer:
    """Speaks passages with a model.

    Arguments
    ---------
    model : nn.Module
        A `TransformerTTS`.
    hparams : SimpleNamespace
        Of an exported model.
    device : torch.device or str
        Where the model is.

    Attributes
    ----------
    usual : TokenSeconds or None
        How long the model usually lets its tokens last, if it knows; in the
        mean style.
    attempts : Attempts
        How often a passage is spoken, and which is taken.
    """

    def __init__(
        self,
        model: nn.Module,
        hparams: SimpleNamespace,
        device: torch.device | str,
    ):
        self.model = model
        self.hparams = hparams
        self.device = device
        self.usual: TokenSeconds | None = getattr(
            hparams, "usual_seconds", None
        )
        self.attempts = Attempts(
            getattr(hparams, "attempts", 1), self.usual, can_walk(model)
        )

    def times_in(self, manner: Manner) -> SpokenTimes:
        """Return what tells how long tokens usually last in a call.

        Arguments
        ---------
        manner : Manner
            Of all texts of the call.

        Returns
        -------
        times : SpokenTimes
            What the model knows, in the mean style; else what it will say.
        """
        return SpokenTimes(self.usual if manner.style is None else None)

    def read(self, index: int, passage: Passage) -> Line:
        """Turn a passage into what the model reads.

        Arguments
        ---------
        index : int
            Of its text.
        passage : Passage
            The passage.

        Returns
        -------
        line : Line
            With tokens and indices.

        Raises
        ------
        ValueError
            If it cannot be spoken; it says which text it was.
        """
        try:
            return self.read_line(passage, index)
        except ValueError as error:
            raise ValueError(f"text {index + 1}: {error}") from error

    def read_line(self, passage: Passage, index: int = 0) -> Line:
        """Do the same for the only text there is.

        Arguments
        ---------
        passage : Passage
            The passage.
        index : int
            Of its text.

        Returns
        -------
        line : Line
            With tokens and indices.

        Raises
        ------
        ValueError
            If it cannot be spoken.
        """
        tokens, words = self.read_passage(passage)
        ids = self.hparams.tokens.encode(tokens)
        return Line(index, passage, tokens, ids, words)

    def read_passage(
        self, passage: Passage
    ) -> tuple[list[str], list[tuple[str, list[str]]] | None]:
        """Turn a passage into tokens.

        Arguments
        ---------
        passage : Passage
            The passage.

        Returns
        -------
        tokens : list of str
            A silence has none.
        words : list of (str, list of str), optional
            None where the front end tells them.

        Raises
        ------
        ValueError
            If it cannot be spoken.
        """
        if not passage.text and passage.silence is not None:
            return [], []
        return read_respelled(
            self.hparams.frontend,
            passage.text,
            passage.respellings,
            getattr(self.hparams.tokens, "symbols", ()),
        )

    def speak(
        self,
        lines: Sequence[Line],
        manner: Manner,
        times: SpokenTimes,
        told: Callable[[int], object],
    ) -> list[SpokenText]:
        """Speak in batches of one pace and like lengths.

        Arguments
        ---------
        lines : sequence of Line
            What is spoken.
        manner : Manner
            Of all texts; the pace is that of each line.
        times : SpokenTimes
            Which takes how long their tokens last; without one that is known,
            nothing is spoken again.
        told : Callable
            Called with the number of lines that were spoken.

        Returns
        -------
        spoken : list of SpokenText
            One for each line.
        """
        spoken: list[SpokenText | None] = [None] * len(lines)
        order = sorted(
            range(len(lines)),
            key=lambda i: (lines[i].passage.pace, len(lines[i].tokens)),
        )
        for chosen in _batches(lines, order):
            batch = [lines[i] for i in chosen]
            said = self._speak_well(batch, manner, times)
            for index, attempt in zip(chosen, said):
                if attempt.timing is not None:
                    attempt.timing.tell_times()
                spoken[index] = attempt.item
            told(len(chosen))
        return spoken

    def stream(
        self,
        lines: Iterator[Line],
        manner: Manner,
        chunk_frames: int,
        finished: list[bool],
    ) -> Iterator[torch.Tensor]:
        """Give out one passage after the other, while it is being made.

        Arguments
        ---------
        lines : iterator of Line
            Of one text.
        manner : Manner
            Of the text; the pace is that of each line.
        chunk_frames : int
            About as many frames are given at a time.
        finished : list of bool
            Gets for each passage whether it ended by itself.

        Returns
        -------
        mels : iterator of torch.Tensor
            Natural-log mels, each (M', C).
        """
        for line in lines:
            if not line.tokens:
                yield self._keep_silent(line).mel
                continue
            narrator = self._narrator([line], manner)
            yield from self._mels_of(line, narrator, chunk_frames)
            finished += narrator.finished.tolist()

    def stream_together(
        self,
        lines: Sequence[Line],
        manner: Manner,
        chunk_frames: int,
        timed: bool = False,
    ) -> list[StreamedLine]:
        """Speak lines of one pace in a batch, and each while it is being made.

        Arguments
        ---------
        lines : sequence of Line
            What is spoken; silences alone, or none.
        manner : Manner
            Of all texts; the pace is that of the lines.
        chunk_frames : int
            About as many frames of a line are given at a time.
        timed : bool
            Whether it is kept when their words are said.

        Returns
        -------
        streamed : list of StreamedLine
            One for each line. They may be taken from by several threads.
        """
        if not lines[0].tokens:
            silences = (self._keep_silent(line).mel for line in lines)
            return [
                StreamedLine(iter([mel]), _do_nothing, None) for mel in silences
            ]
        batch = BatchStream(self._narrator(lines, manner), manner.seed)
        return [
            self._streamed(line, item, chunk_frames, timed)
            for line, item in zip(lines, batch.items)
        ]

    def _streamed(
        self,
        line: Line,
        item: StreamedItem,
        chunk_frames: int,
        timed: bool,
    ) -> StreamedLine:
        mels = self._mels_of(line, item, chunk_frames)
        if not timed:
            return StreamedLine(mels, item.leave, None)
        band = AlignmentBand(len(line.tokens), *self.model.guide.tolist())
        item.listener = band.add

        def time(times: SpokenTimes) -> PassageTiming:
            """Tell what the alignment knows."""
            frames = band.n_steps * self.model.decoder.reduction_factor
            seconds = frames * self.hparams.mel_settings.seconds_per_frame
            seconds /= line.passage.pace
            timing = self._as_timing(line, band.bounds(seconds), times)
            timing.tell_times()
            return timing

        return StreamedLine(mels, item.leave, time)

    def _mels_of(
        self, line: Line, narrator: Narrator | StreamedItem, chunk_frames: int
    ) -> Iterator[torch.Tensor]:
        """Give out a line while it is being made, with its silence."""
        mels = stream(narrator, chunk_frames)
        n_frames = self._frames_of(line.passage.silence)
        if n_frames is None:
            yield from mels
            return
        joint = Joint(n_frames)
        yield from map(joint.push, mels)
        yield joint.finish()

    def _speak_well(
        self, lines: list[Line], manner: Manner, times: SpokenTimes
    ) -> list[_Attempt]:
        """Speak lines of one pace, and again those that are not good."""
        said = self._speak_batch(lines, manner, times)
        for number in range(1, self.attempts.most):
            bad = [row for row, each in enumerate(said) if each.verdict[0]]
            if not bad:
                break
            again = self._speak_batch(
                [lines[row] for row in bad],
                self.attempts.manner_of(number, manner),
                times,
            )
            for row, attempt in zip(bad, again):
                said[row] = min(said[row], attempt, key=_verdict_of)
                said[row].item.spoken_again = 1
        return said

    def _speak_batch(
        self, lines: list[Line], manner: Manner, times: SpokenTimes
    ) -> list[_Attempt]:
        """Speak lines of one pace once."""
        if not lines[0].tokens:
            return [_Attempt(self._keep_silent(line)) for line in lines]
        layer, _ = self.model.guide.tolist()
        narrator = self._narrator(lines, manner)
        if len(lines[0].tokens) > _DENSE_TOKENS:
            return [self._speak_long(lines[0], narrator, times)]
        # judged as it was read, at any pace
        narrator.pace = 1.0
        read = assemble(narrator, layer)
        speech = at_pace(read, lines[0].passage.pace)
        attempts = []
        for row, line in enumerate(lines):
            item, timing = self._cut_out(speech, row, line, times)
            verdict = GOOD
            if self.attempts.most > 1 and times.known is not None:
                verdict = self._judge(read, row, item, timing)
            attempts.append(_Attempt(item, timing, verdict))
        return attempts

    def _speak_long(
        self, line: Line, narrator: Narrator, times: SpokenTimes
    ) -> _Attempt:
        """Speak in one piece without holding all that is attended."""
        layer, head = self.model.guide.tolist()
        pace = line.passage.pace
        band = AlignmentBand(len(line.tokens), layer, head)
        narrator.listener = band.add
        mel = torch.cat(list(stream(narrator, _PART_FRAMES)))
        seconds_per_frame = self.hparams.mel_settings.seconds_per_frame
        bounds = band.bounds(len(mel) * seconds_per_frame)
        mel = end_with(mel, self._frames_of(line.passage.silence))
        end = len(mel) * seconds_per_frame
        bounds = [min(bound, end) for bound in bounds]
        timing = self._as_timing(line, bounds, times)
        n_steps = round(len(mel) / self.model.decoder.reduction_factor)
        item = CompactText(
            line.passage.written,
            line.tokens,
            mel,
            lambda: _of_length(band.dense(pace), n_steps),
            bool(narrator.finished[0]),
            [(0.0, timing)],
        )
        return _Attempt(item, timing)

    def _keep_silent(self, line: Line) -> SpokenText:
        """Return a silence."""
        model = self.model
        n_frames = self._frames_of(line.passage.silence)
        factor = model.decoder.reduction_factor
        heads = model.decoder.layers[0].self_attn.nhead
        mean = model.mel_mean
        return SpokenText(
            "",
            [],
            mean.new_full((n_frames, len(mean)), LOG_FLOOR),
            mean.new_zeros(heads, round(n_frames / factor), 0),
            True,
        )

    def _cut_out(
        self, speech: Synthesis, row: int, line: Line, times: SpokenTimes
    ) -> tuple[SpokenText, PassageTiming]:
        """One item of a batch, without padding, and with its silence."""
        layer, head = self.model.guide.tolist()
        n_steps = int(speech.query_lengths[row])
        alignment = speech.alignments[layer][row]
        alignment = alignment[:, :n_steps, : len(line.tokens)]
        mel = speech.mels[row, : int(speech.mel_lengths[row])]
        frame = self.hparams.mel_settings.seconds_per_frame
        if line.passage.silence is not None:
            mel = end_with(mel, self._frames_of(line.passage.silence))
            factor = self.model.decoder.reduction_factor
            alignment = _of_length(alignment, round(len(mel) / factor))
        bounds = token_bounds(alignment[head], len(mel) * frame)
        timing = self._as_timing(line, bounds, times)
        item = SpokenText(
            line.passage.written,
            line.tokens,
            mel,
            alignment,
            bool(speech.finished[row]),
            [(0.0, timing)],
        )
        return item, timing

    def _judge(
        self, read: Synthesis, row: int, item: SpokenText, timing: PassageTiming
    ) -> Verdict:
        """Count what is wrong with an item, which was read at a pace of 1."""
        layer, head = self.model.guide.tolist()
        n_steps = int(read.query_lengths[row])
        frame = self.hparams.mel_settings.seconds_per_frame
        reading = read_alignment(
            read.alignments[layer][row, head, :n_steps, : len(item.tokens)],
            item.tokens,
            [],
            int(read.mel_lengths[row]) * frame,
            item.finished,
        )
        # what is cut off with the quiet at the end is not said
        end = len(item.mel) * frame * timing.pace
        bounds = [min(bound, end) for bound in reading.bounds]
        return self.attempts.judge(
            replace(reading, bounds=bounds), timing.find_words
        )

    def _as_timing(
        self, line: Line, bounds: list[float], times: SpokenTimes
    ) -> PassageTiming:
        """Tell what is known of when a passage's tokens are said."""
        frontend = self.hparams.frontend

        @functools.cache
        def find_words() -> list[WordSpan]:
            """Tell which tokens belong to which word."""
            words = line.words
            if words is None:
                words = words_of(frontend, line.passage.text, line.tokens)
            return [WordSpan(*span) for span in find_spans(line.tokens, words)]

        return PassageTiming(
            line.tokens, bounds, line.passage.pace, find_words, times
        )

    def _narrator(self, lines: list[Line], manner: Manner) -> Narrator:
        """Return what runs the model on a batch of passages of one pace."""
        mel_settings = self.hparams.mel_settings
        lengths = torch.tensor([len(line.ids) for line in lines])
        padded = torch.zeros(len(lines), int(lengths.max()), dtype=torch.long)
        for row, line in zip(padded, lines):
            row[: len(line.ids)] = torch.tensor(line.ids)
        own = manner.of([line.index for line in lines])
        return Narrator(
            self.model,
            padded.to(self.device),
            lengths.to(self.device),
            self.hparams.stop_rule,
            mel_settings.seconds_per_frame,
            replace(own, pace=lines[0].passage.pace),
        )

    def _frames_of(self, seconds: float | None) -> int | None:
        if seconds is None:
            return None
        return round(seconds / self.hparams.mel_settings.seconds_per_frame)


def _batches(lines: list[Line], order: list[int]) -> Iterator[list[int]]:
    """Yield neighbours of one pace whose alignments fit into memory."""
    batch: list[int] = []
    for index in order:
        line = lines[index]
        longest = len(line.tokens)
        first = lines[batch[0]] if batch else line
        if batch and (
            len(batch) == _BATCH_ITEMS
            or line.passage.pace != first.passage.pace
            or bool(line.tokens) != bool(first.tokens)
            or longest > _DENSE_TOKENS
            or (len(batch) + 1) * longest**2 > _BATCH_SQUARED_TOKENS
        ):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _of_length(alignment: torch.Tensor, n_steps: int) -> torch.Tensor:
    """Cut an alignment, or let it stay on the last token."""
    alignment = alignment[:, :n_steps]
    missing = n_steps - alignment.shape[1]
    if not missing:
        return alignment
    staying = torch.zeros_like(alignment[:, :1]).expand(-1, missing, -1).clone()
    staying[..., -1] = 1.0
    return torch.cat([alignment, staying], dim=1)


def _verdict_of(attempt: _Attempt) -> Verdict:
    """Return what was found; the first of equals is taken."""
    return attempt.verdict


def _do_nothing() -> None:
    """Go on."""
