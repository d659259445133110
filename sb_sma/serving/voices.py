"""Models with the names by which they and their voices are asked for."""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from sb_sma.inference.performer import Line, StreamedLine
from sb_sma.inference.script import Passage
from sb_sma.inference.spoken import SpokenTimes
from sb_sma.inference.tts import TTS

DEFAULT_VOICE = "default"
"""The first speaker, in the mean style."""

_PROBE_FRAMES, _PROBE_TOKENS = 64, 8


@dataclass(frozen=True)
class Voice:
    """Who speaks, and how.

    Arguments
    ---------
    speaker : str, optional
        Default: the only one.
    style_token : int, optional
        Default: the mean style.
    """

    speaker: str | None = None
    style_token: int | None = None


def name_voices(speakers: Sequence[str], n_tokens: int) -> dict[str, Voice]:
    """Give names to the voices of a model.

    Arguments
    ---------
    speakers : sequence of str
        None for a model of one.
    n_tokens : int
        Style tokens; 0 for a model without.

    Returns
    -------
    voices : dict of str to Voice
        The default first.

    Example
    -------
    >>> list(name_voices([], 0)), list(name_voices([], 2))
    (['default'], ['default', 'style-0', 'style-1'])
    >>> list(name_voices(["anna", "ben"], 1))
    ['default', 'anna', 'ben', 'style-0', 'anna/style-0', 'ben/style-0']
    """
    first = speakers[0] if speakers else None
    voices = {DEFAULT_VOICE: Voice(first)}
    voices.update({name: Voice(name) for name in speakers})
    for token in range(n_tokens):
        style = f"style-{token}"
        voices[style] = Voice(first, token)
        voices.update(
            {f"{name}/{style}": Voice(name, token) for name in speakers}
        )
    return voices


@dataclass(eq=False)
class ServedModel:
    """A model that speaks for several clients at once.

    Arguments
    ---------
    name : str
        By which it is asked for.
    tts : TTS
        The model.
    mode : str, optional
        As of `TTS.speak`.
    seed : int
        As of `TTS.speak`: the same for all, so that a text is spoken alike
        whenever and beside whatever it is asked for.

    Attributes
    ----------
    voices : dict of str to Voice
        By their names.
    samples_lost : int
        How much shorter than its frames a waveform is.
    """

    name: str
    tts: TTS
    mode: str | None = None
    seed: int = 0
    voices: dict[str, Voice] = field(init=False)
    samples_lost: int = field(init=False)

    def __post_init__(self):
        style = self.tts.mods.model.style
        n_tokens = 0 if style is None else self.tts.styles.n_tokens
        self.voices = name_voices(self.tts.speakers, n_tokens)
        self._styles = {}
        if n_tokens:
            self._styles = {
                token: self.tts.styles.from_token(token)
                for token in range(n_tokens)
            }
            self._styles[None] = self.tts.styles.mean()
        mel_mean = self.tts.mods.model.mel_mean
        silence = mel_mean.expand(_PROBE_FRAMES, -1)
        made = len(self.tts.vocoder(silence))
        self.samples_lost = _PROBE_FRAMES * self.hop_length - made

    @property
    def sample_rate(self) -> int:
        """Of its sound, in Hz."""
        return self.tts.hparams.mel_settings.sample_rate

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.tts.hparams.mel_settings.hop_length

    def stream_together(
        self,
        lines: Sequence[Line],
        voices: Sequence[str],
        chunk_frames: int,
        timed: bool,
    ) -> list[StreamedLine]:
        """Speak lines of several requests in a batch.

        Arguments
        ---------
        lines : sequence of Line
            Of one pace; silences alone, or none.
        voices : sequence of str
            Name of the voice of each.
        chunk_frames : int
            About as many frames are given at a time.
        timed : bool
            Whether it is kept when their words are said.

        Returns
        -------
        streamed : list of StreamedLine
            One for each line.
        """
        chosen = [self.voices[name] for name in voices]
        style = speaker = None
        if self._styles:
            style = torch.cat([self._styles[v.style_token] for v in chosen])
        if self.tts.speakers:
            speaker = [voice.speaker for voice in chosen]
        settings = self.tts.hparams.mel_settings
        return self.tts.stream_together(
            lines,
            self.mode,
            self.seed,
            chunk_frames * settings.seconds_per_frame,
            style,
            speaker,
            timed,
        )

    def times_of(self, voice: str) -> SpokenTimes:
        """Return what tells how long tokens usually last.

        Arguments
        ---------
        voice : str
            One of `voices`.

        Returns
        -------
        times : SpokenTimes
            What the model knows, in the mean style; else what it will say.
        """
        is_mean = self.voices[voice].style_token is None
        return SpokenTimes(self.tts.usual_seconds if is_mean else None)

    def warm_up(self) -> None:
        """Do once what takes longer the first time."""
        with contextlib.suppress(ValueError):  # a language without the letter
            self.tts.read("a")
        tokens = self.tts.hparams.tokens.symbols[:1] * _PROBE_TOKENS
        ids = self.tts.hparams.tokens.encode(tokens)
        line = Line(0, Passage(""), tokens, ids, [])
        (streamed,) = self.stream_together([line], [DEFAULT_VOICE], 1, False)
        for mel in itertools.islice(streamed.mels, _PROBE_TOKENS):
            self.tts.vocoder(mel[:1].expand(_PROBE_FRAMES, -1))
        streamed.leave()
