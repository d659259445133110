"""What fills the page: speech of each model, to hear, to see and to read."""

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib import colormaps
from PIL import Image

from sb_sma.attention.walk_switches import can_walk
from sb_sma.evaluation.texts import own_texts
from sb_sma.inference import TTS
from sb_sma.inference.spoken import SpokenText
from sb_sma.metrics.word_times import WordTime
from sb_sma.models.tts.pace import check_pace
from sb_sma.plots.embedding import data_uri
from sb_sma.plots.panels import COLOURMAP

MOST_CHARACTERS = 500
"""Of a text; what is longer is for ``sb-sma synthesize``."""

MOST_SECONDS = 300
"""Of a speech, which lies in the page as a whole."""

LONGEST_RECORDING = 60
"""In whose style is spoken, in seconds."""

# spoken beside a text, so that it is known how long a sound usually lasts
_N_BESIDE = 12


@dataclass
class Manner:
    """How a voice is asked to speak.

    Arguments
    ---------
    pace : float
        Above 1 is faster; what is none is told.
    mode : str, optional
        soft or hard, of monotonic attention. Default: the model's own.
    seed : int, optional
        Default: another one each time.
    speaker : str, optional
        Default: the first.
    recording : str, optional
        Path of one in whose style is spoken; empty where it is missing.
    token_weights : dict, optional
        Of style tokens. Default: the mean style, or that of the recording.
    """

    pace: float = 1.0
    mode: str | None = None
    seed: int | None = None
    speaker: str | None = None
    recording: str | None = None
    token_weights: dict[int, float] | None = None


@dataclass
class Speech:
    """What a voice has made of a text, or why it could not.

    Arguments
    ---------
    name : str
        Of the voice.
    problem : str
        One sentence; empty if it has spoken.
    sound : str
        A WAV file, as data URI.
    picture : str
        Its alignment, as data URI, in which time goes from edge to edge.
    label : str
        What the picture shows.
    finished : bool
        Whether it ended by itself.
    words : list of WordTime
        When each word is said.
    notes : list of str
        What the front end has to say of the text.
    """

    name: str
    problem: str = ""
    sound: str = ""
    picture: str = ""
    label: str = ""
    finished: bool = True
    words: list[WordTime] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def n_unsaid(self) -> int:
        """Number of words that are unsaid."""
        return sum(not word.said for word in self.words)


class Voice:
    """A model by the name that it has on the page.

    Arguments
    ---------
    name : str
        Unlike that of other voices.
    tts : TTS
        The model.
    """

    def __init__(self, name: str, tts: TTS):
        self.name = name
        self.tts = tts
        texts = [each.text for each in own_texts() if each.kind == "prose"]
        self._beside = [
            text for text in texts[:_N_BESIDE] if self._knows_all_of(text)
        ]

    @property
    def walks(self) -> bool:
        """Whether the attention is monotonic, and has modes."""
        return can_walk(self.tts.mods.model)

    @property
    def n_style_tokens(self) -> int:
        """Number of style tokens; 0 for a model without styles."""
        has_styles = self.tts.mods.model.style is not None
        return self.tts.styles.n_tokens if has_styles else 0

    def speak(self, text: str, manner: Manner) -> Speech:
        """Say a text.

        Arguments
        ---------
        text : str
            What is to be said.
        manner : Manner
            How.

        Returns
        -------
        speech : Speech
            What came of it; a text, a style or a number that does not go is
            its problem.
        """
        try:
            check_pace(manner.pace)
            with _noted() as notes:
                self.tts.check_text(text, manner.pace)
            style = self._make_style(manner)
            is_known = self.tts.usual_seconds is not None and style is None
            # what is told of others is of no use here
            with _noted():
                spoken, *_ = self.tts.speak(
                    [text, *([] if is_known else self._beside)],
                    mode=manner.mode if self.walks else None,
                    pace=manner.pace,
                    seed=manner.seed,
                    style=style,
                    speaker=manner.speaker,
                )
            return self._show(spoken, notes)
        except ValueError as error:
            return Speech(self.name, problem=str(error))

    def _knows_all_of(self, text: str) -> bool:
        try:
            with _noted() as notes:
                self.tts.check_text(text)
        except ValueError:
            return False
        return not notes

    def _make_style(self, manner: Manner) -> torch.Tensor | None:
        if manner.token_weights is not None:
            return self.tts.styles.from_weights(manner.token_weights)
        if manner.recording is None:
            return None
        if not manner.recording:
            raise ValueError(
                "There is no recording. Give one, or choose another style."
            )
        try:
            return self.tts.styles.from_wavs(
                [manner.recording], most_seconds=LONGEST_RECORDING
            )
        except ValueError as error:
            # whoever gave the recording does not know where it lies
            name = Path(manner.recording).name
            message = str(error).replace(manner.recording, name)
            raise ValueError(f"The recording: {message}") from error

    def _show(self, spoken: SpokenText, notes: list[str]) -> Speech:
        settings = self.tts.hparams.mel_settings
        seconds = len(spoken.mel) * settings.seconds_per_frame
        if seconds > MOST_SECONDS:
            raise ValueError(
                f"The speech must last {MOST_SECONDS} s at most; got "
                f"{seconds:.0f} s. Shorten the text or its breaks, or speak "
                "faster."
            )
        head = int(self.tts.mods.model.guide[1])
        samples = self.tts.to_waveform(spoken.mel).cpu().numpy()
        return Speech(
            self.name,
            sound=_embed_sound(samples, settings.sample_rate),
            picture=_embed_alignment(spoken.alignment[head]),
            label=f"Alignment: {seconds:.2f} s to the right, "
            f"{len(spoken.tokens)} tokens upwards",
            finished=spoken.finished,
            words=spoken.words,
            notes=notes,
        )


def show_speeches(voices: dict[Voice, Manner], text: str | None) -> str:
    """Let voices say a text, and show what came of it.

    Arguments
    ---------
    voices : dict of Voice to Manner
        Who speaks, and how.
    text : str, optional
        What is to be said; without it, that is told.

    Returns
    -------
    html : str
        A part of the page; what users have written is text in it.
    """
    problem = _find_problem(text)
    speeches = []
    if not problem:
        speeches = [voice.speak(text, how) for voice, how in voices.items()]
        problems = {speech.problem for speech in speeches}
        # what they have in common is told once
        if len(problems) == 1 and problems != {""}:
            (problem,), speeches = problems, []
    return _TEMPLATE.render(problem=problem, speeches=speeches)


def _find_problem(text: str | None) -> str:
    # a call past the page may leave it out
    if text is None or not text.strip():
        return "There is no text. Write what is to be said."
    if len(text) > MOST_CHARACTERS:
        return (
            f"The text must have {MOST_CHARACTERS} characters at most; got "
            f"{len(text)}. Shorten it, or speak it with sb-sma synthesize."
        )
    return ""


class _Notes(logging.Handler):
    """Keeps what is warned of, each once."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a warning."""
        if record.getMessage() not in self.texts:
            self.texts.append(record.getMessage())


@contextlib.contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect what this package warns of meanwhile."""
    notes = _Notes()
    logger = logging.getLogger("sb_sma")
    logger.addHandler(notes)
    try:
        yield notes.texts
    finally:
        logger.removeHandler(notes)


_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("speeches.html")


def _embed_sound(samples: np.ndarray, sample_rate: int) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV")
    return data_uri("audio/wav", file.getvalue())


def _embed_alignment(alignment: torch.Tensor) -> str:
    """Draw weights in [0, 1], (Q, K), a pixel each, the text upwards."""
    # the root, as in all pictures of alignments
    brightness = alignment.T.flip(0).clamp(0, 1).sqrt().cpu().numpy()
    pixels = colormaps[COLOURMAP](brightness, bytes=True)[..., :3]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="png")
    return data_uri("image/png", file.getvalue())
