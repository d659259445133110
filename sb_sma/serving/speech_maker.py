"""What a request is answered with, made in turns that are soon over."""

from collections.abc import Hashable, Iterable, Iterator

import torch

from sb_sma.inference.performer import Line, StreamedLine
from sb_sma.inference.spoken import PassageTiming
from sb_sma.serving.sound_formats import WRITERS, SoundWriter
from sb_sma.serving.speech_request import SpeechRequest
from sb_sma.serving.voices import ServedModel
from sb_sma.serving.word_envelope import WordEnvelope
from sb_sma.vocoders import WaveformStream

FIRST_FRAMES = 32
"""Of a mel that are made at a time: what the first sound waits for."""

# of the sound that a turn makes
_MOST_FRAMES = 128
# beyond, a line is spoken alone
_LONGEST_TOGETHER = 700


class SpeechFailed(Exception):
    """An answer that cannot be made to its end."""


class SpeechMaker:
    """Makes the answer to a request, one turn after the other.

    The sound of the first turn is short, so that it is soon heard; that of the
    next ones is longer, which costs less. Where and with whom turns are taken
    changes nothing of it.

    Arguments
    ---------
    request : SpeechRequest
        What was asked for.
    model : ServedModel
        That speaks.
    lines : iterable of Line
        The text as the model reads it, at least one; the next is taken when
        one is over.

    Attributes
    ----------
    is_over : bool
        Whether all of it is made.
    n_frames : int
        Work that was done, in frames.
    media_type : str
        Of the answer.
    """

    def __init__(
        self,
        request: SpeechRequest,
        model: ServedModel,
        lines: Iterable[Line],
    ):
        self.request = request
        self.model = model
        self.is_over = False
        self.n_frames = 0
        self._lines = iter(lines)
        self._next_line = next(self._lines, None)
        self._line: StreamedLine | None = None
        self._mels: Iterator[torch.Tensor] = iter(())
        self._wanted = FIRST_FRAMES
        self._n_spoken = 0  # frames
        self._line_start = 0.0  # seconds
        self._times = model.times_of(request.voice)
        self._timings: list[tuple[float, PassageTiming]] = []
        self._sound = WaveformStream(
            model.tts.vocoder, model.hop_length, FIRST_FRAMES
        )
        kind = WRITERS[request.response_format]
        self._writer: SoundWriter | None = None
        self._envelope: WordEnvelope | None = None
        self.media_type = kind.media_type
        if request.timestamps:
            self._envelope = WordEnvelope(request.response_format)
            self.media_type = self._envelope.media_type
        # where the length is to be known first
        self._kept: list[torch.Tensor] | None = None
        if kind.needs_length:
            self._kept = []
        else:
            self._writer = kind(model.sample_rate)

    @property
    def needs_line(self) -> bool:
        """Whether the next line has to be begun."""
        return self._line is None and self._next_line is not None

    @property
    def next_line(self) -> Line:
        """What has to be begun, where `needs_line`."""
        return self._next_line

    @property
    def company(self) -> Hashable:
        """What those share whose next lines can be begun together."""
        line = self.next_line
        is_long = len(line.tokens) > _LONGEST_TOGETHER
        return (
            self.model.name,
            line.passage.pace,
            bool(line.tokens),
            self.request.timestamps,
            id(self) if is_long else None,
        )

    def take_turn(self) -> bytes:
        """Make some more.

        Returns
        -------
        made : bytes
            To be sent; nothing where a line has to be begun, or the length is
            not yet known.

        Raises
        ------
        SpeechFailed
            If the next line cannot be read.
        """
        made = b""
        while not made and not self.is_over and not self.needs_line:
            is_keeping = self._kept is not None
            frames = self._take_frames()
            if is_keeping:
                break
            made = self._write(frames)
        if made:
            self._wanted = min(2 * self._wanted, _MOST_FRAMES)
        return made

    def leave(self) -> None:
        """Make nothing more."""
        self.is_over = True
        self._lines, self._next_line = iter(()), None
        self._mels = iter(())
        if self._line is not None:
            self._line.leave()
            self._line = None

    def begin_line(self, line: StreamedLine) -> None:
        """Go on with the next line.

        Arguments
        ---------
        line : StreamedLine
            Of `next_line`.
        """
        self._next_line = None
        self._line = line
        self._line_start = self._seconds_spoken
        self._mels = (
            part for mel in line.mels for part in mel.split(_MOST_FRAMES)
        )

    @property
    def _seconds_spoken(self) -> float:
        settings = self.model.tts.hparams.mel_settings
        return self._n_spoken * settings.seconds_per_frame

    def _take_frames(self) -> list[torch.Tensor]:
        """Take as many frames as are wanted, or what there is."""
        taken: list[torch.Tensor] = []
        n_taken = 0
        is_over = False
        while n_taken < self._wanted and not is_over:
            mel = next(self._mels, None)
            is_over = mel is None
            if not is_over:
                taken.append(mel)
                n_taken += len(mel)
        self.n_frames += n_taken
        if self._line is not None:
            self._n_spoken += n_taken
        if self._kept is not None:
            self._kept += taken
        if is_over:
            self._end_line()
        return taken

    def _end_line(self) -> None:
        line, self._line = self._line, None
        if line is not None and line.time is not None:
            self._timings.append((self._line_start, line.time(self._times)))
        try:
            self._next_line = next(self._lines, None)
        except ValueError as error:
            raise SpeechFailed(f"input: {error}") from error
        if self._next_line is not None:
            return
        if self._kept is None:
            self.is_over = True
            return
        # all is said, and is now written
        self._mels, self._kept = iter(self._kept), None
        n_samples = self._n_spoken * self.model.hop_length
        self._writer = WRITERS[self.request.response_format](
            self.model.sample_rate, n_samples - self.model.samples_lost
        )

    def _write(self, mels: list[torch.Tensor]) -> bytes:
        samples = []
        if mels:
            samples.append(self._sound.push(torch.cat(mels)))
        if self.is_over:
            samples.append(self._sound.finish())
        whole = torch.cat(samples) if samples else torch.zeros(0)
        made = self._writer.push(whole.clamp(-1.0, 1.0).cpu())
        if self.is_over:
            made += self._writer.finish()
        if self._envelope is None:
            return made
        made = self._envelope.push(made)
        if self.is_over:
            words = (
                word
                for start, timing in self._timings
                for word in timing.words(start)
            )
            made += self._envelope.finish(self._seconds_spoken, words)
        return made
