"""Ears that this project did not train: which words are heard, and how natural
speech sounds.

Needs the extra ``evaluate``: faster-whisper (https://github.com/SYSTRAN/faster-whisper)
or a recogniser of SpeechBrain's, and DistillMOS (Stahl, Gamper, 2025,
https://github.com/microsoft/Distill-MOS).
"""

import contextlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchaudio

from sb_sma.data.text.normalize import speak_out
from sb_sma.extras import check_installed, require
from sb_sma.metrics.pronunciation import list_edits

SAMPLE_RATE = 16000
"""Of what is heard, in Hz."""
ENGLISH = "en"

# 16 kHz samples, (N,), to what was understood, or to an opinion from 1 to 5
Recogniser = Callable[[np.ndarray], str]
Opinion = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Heard:
    """What was heard of one utterance.

    Arguments
    ---------
    text : str
        As it was understood.
    word_errors : int
        Words that were added, left out or misheard.
    words : int
        Words that were to be said.
    opinion : float, optional
        Predicted opinion score, 1 to 5.
    """

    text: str
    word_errors: int
    words: int
    opinion: float | None


class Ear:
    """Listens to speech.

    Arguments
    ---------
    recogniser : Callable
        Samples at `SAMPLE_RATE`, (N,), to words.
    opinion : Callable, optional
        Samples to a score.
    language : str
        Of the texts, such as ``en``.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        opinion: Opinion | None = None,
        language: str = ENGLISH,
    ):
        self.recogniser = recogniser
        self.opinion = opinion
        self.language = language

    @torch.no_grad()
    def hear(self, text: str, samples: torch.Tensor, sample_rate: int) -> Heard:
        """Compare what was to be said with what is heard.

        Arguments
        ---------
        text : str
            What was to be said.
        samples : torch.Tensor
            How it was said, (N,).
        sample_rate : int
            In Hz.

        Returns
        -------
        heard : Heard
            Words and opinion.
        """
        resampled = torchaudio.functional.resample(
            samples.detach().float(), sample_rate, SAMPLE_RATE
        ).numpy()
        understood = self.recogniser(resampled).strip()
        said = words_of(text, self.language)
        edits = list_edits(said, words_of(understood, self.language))
        opinion = self.opinion and self.opinion(resampled)
        return Heard(understood, len(edits), len(said), opinion)


def words_of(text: str, language: str = ENGLISH) -> list[str]:
    """Cut a text into words, without case and marks.

    Arguments
    ---------
    text : str
        What was to be said, or what was understood.
    language : str
        English numbers are written in words, as recognisers do not.

    Returns
    -------
    words : list of str
        In lower case; hyphens divide them.

    Example
    -------
    >>> words_of("Don't — well-known!"), words_of("It's 25.")
    (["don't", 'well', 'known'], ["it's", 'twenty', 'five'])
    """
    if language == ENGLISH and any(character.isdigit() for character in text):
        text = speak_out(text)
    plain = text.casefold().replace("’", "'")
    words = re.sub(r"[^\w']|_", " ", plain).split()
    return [word for word in words if word.strip("'")]


def load_recogniser(
    source: str, language: str, threads: int, trusted: bool = False
) -> Recogniser:
    """Load what hears words.

    Arguments
    ---------
    source : str
        A name that faster-whisper knows, such as ``tiny.en``; a folder of its
        format (CTranslate2's); or a folder or repository that SpeechBrain's
        ``EncoderDecoderASR`` or ``EncoderASR`` loads.
    language : str
        Of the texts, for Whisper.
    threads : int
        Of the processor, for Whisper.
    trusted : bool
        Whether what SpeechBrain loads may run any code.

    Returns
    -------
    recogniser : Callable
        Samples at `SAMPLE_RATE`, (N,), to words.

    Raises
    ------
    ImportError
        If faster-whisper is needed and missing.
    ValueError
        If there is no such model, or it is SpeechBrain's and not trusted.
    """
    folder = Path(source)
    if folder.is_dir():
        if (folder / "hyperparams.yaml").is_file():
            return _load_speechbrain(source, trusted)
        if (folder / "model.bin").is_file():
            return _load_whisper(source, language, threads)
        raise ValueError(
            "--ear must be a folder with hyperparams.yaml (SpeechBrain) or "
            f"model.bin (faster-whisper); {source} has neither."
        )
    if "/" in source:
        return _load_speechbrain(source, trusted)
    known = require("faster_whisper", "evaluate", "The ear").available_models()
    if source not in known:
        raise ValueError(
            "--ear must be a folder, a repository with a recogniser of "
            f"SpeechBrain's, or one of {', '.join(known)}; got {source}."
        )
    return _load_whisper(source, language, threads)


def load_opinion() -> Opinion:
    """Load what says how natural speech sounds.

    Returns
    -------
    opinion : Callable
        Samples at `SAMPLE_RATE`, (N,), to a score from 1 to 5.

    Raises
    ------
    ImportError
        If DistillMOS is missing.
    """
    module = require("distillmos", "evaluate", "The ear")
    # it prints where its weights are
    with contextlib.redirect_stdout(io.StringIO()):
        model = module.ConvTransformerSQAModel().eval()
    return lambda samples: model(torch.from_numpy(samples)[None]).item()


def check_ear(source: str, with_opinion: bool) -> None:
    """Refuse to begin where a package is missing.

    Arguments
    ---------
    source : str
        As of `load_recogniser`.
    with_opinion : bool
        Whether DistillMOS is needed.

    Raises
    ------
    ImportError
        Which names the extra.
    """
    is_whisper = (Path(source) / "model.bin").is_file() or (
        "/" not in source and not Path(source).is_dir()
    )
    needed = ["faster_whisper"] * is_whisper + ["distillmos"] * with_opinion
    check_installed(*needed, extra="evaluate", needed_by="The ear")


def _load_whisper(source: str, language: str, threads: int) -> Recogniser:
    model = require("faster_whisper", "evaluate", "The ear").WhisperModel(
        source,
        device="cpu",
        compute_type="int8",
        cpu_threads=threads,
        local_files_only=Path(source).is_dir(),
    )

    def recognise(samples: np.ndarray) -> str:
        """Hear words."""
        segments, _ = model.transcribe(
            samples,
            beam_size=5,
            language=language,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return "".join(segment.text for segment in segments)

    return recognise


def _load_speechbrain(source: str, trusted: bool) -> Recogniser:
    if not trusted:
        raise ValueError(
            f"--ear {source} is a recogniser of SpeechBrain's, whose files may "
            "run any code. Add --trust_model if you know who made it."
        )
    from speechbrain.inference.ASR import EncoderASR, EncoderDecoderASR

    model = EncoderDecoderASR.from_hparams(source)
    if not hasattr(model.mods, "decoder"):
        model = EncoderASR.from_hparams(source)

    def recognise(samples: np.ndarray) -> str:
        """Hear words."""
        words, _ = model.transcribe_batch(
            torch.from_numpy(samples)[None], torch.ones(1)
        )
        return words[0] if isinstance(words[0], str) else " ".join(words[0])

    return recognise
