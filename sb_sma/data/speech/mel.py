"""Log mel spectrograms, their statistics, and a vocoder without a download.

The features are those of the HiFi-GAN for LJSpeech that SpeechBrain offers, so
that it can speak what a model predicts: amplitude (power 1), slaney scale and
norm, natural logarithm with a floor of 1e-5. ``N`` samples give
``M = N // hop_length + 1`` frames: frame ``m`` is centred on sample
``m * hop_length``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchaudio
from torch import nn

from sb_sma.data.json_files import read_json
from sb_sma.data.problems import abridged

LOG_FLOOR = 1e-5
_SMALLEST_STD = 1e-3
_MOST = {
    "sample_rate": 768000,
    "n_fft": 2**16,
    "hop_length": 2**16,
    "win_length": 2**16,
    "n_mels": 1024,
}


@dataclass(frozen=True)
class MelSettings:
    """The numbers that define a mel spectrogram.

    Arguments
    ---------
    sample_rate : int
        Samples per second.
    n_fft : int
        Samples per Fourier transform.
    hop_length : int
        Samples from one frame to the next.
    win_length : int
        Samples under the window, at most ``n_fft``.
    n_mels : int
        Mel channels.
    f_min : float
        Lowest frequency in Hz.
    f_max : float
        Highest frequency in Hz, at most half the sample rate.

    Raises
    ------
    ValueError
        If the numbers contradict each other.

    Example
    -------
    >>> MelSettings().hop_length
    256
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    hop_length: int = 256
    win_length: int = 1024
    n_mels: int = 80
    f_min: float = 0.0
    f_max: float = 8000.0

    def __post_init__(self):
        for name, most in _MOST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise ValueError(
                    f"{name} must be a whole number; got {value!r:.40}. The "
                    f"default is {getattr(MelSettings, name)}."
                )
            if value < 1:
                raise ValueError(
                    f"{name} must be at least 1; got {value}. "
                    f"The default is {getattr(MelSettings, name)}."
                )
            if value > most:
                raise ValueError(
                    f"{name} must be at most {most}, of which the filters "
                    f"still fit in memory; got {value}. The default is "
                    f"{getattr(MelSettings, name)}."
                )
        if self.win_length > self.n_fft:
            raise ValueError(
                f"win_length must be at most n_fft ({self.n_fft}); got "
                f"{self.win_length}. Raise n_fft to the next power of two."
            )
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                "f_min and f_max must satisfy 0 <= f_min < f_max <= "
                f"sample_rate / 2 ({self.sample_rate / 2:g} Hz); got "
                f"{self.f_min:g} and {self.f_max:g}. Lower f_max."
            )

    @property
    def seconds_per_frame(self) -> float:
        """Time from one frame to the next."""
        return self.hop_length / self.sample_rate


def seconds_of_frames(mel_settings: MelSettings, n_frames: int) -> float:
    """Say how long some frames last.

    Arguments
    ---------
    mel_settings : MelSettings
        The numbers of the features.
    n_frames : int
        Mel frames, such as those of a decoder step.

    Returns
    -------
    seconds : float
        Their time.

    Example
    -------
    >>> round(seconds_of_frames(MelSettings(), 4), 4)
    0.0464
    """
    return n_frames * mel_settings.seconds_per_frame


class LogMel(nn.Module):
    """Turns waveforms into natural-log amplitude mel spectrograms.

    Arguments
    ---------
    settings : MelSettings
        The numbers that define the spectrogram.

    Raises
    ------
    ValueError
        If the waveforms have another shape than (B, N), or too few samples.

    Example
    -------
    >>> LogMel()(torch.zeros(2, 2560)).shape
    torch.Size([2, 11, 80])
    """

    def __init__(self, settings: MelSettings = MelSettings()):
        super().__init__()
        self.settings = settings
        self.mel_spectrogram = torchaudio.transforms.MelSpectrogram(
            sample_rate=settings.sample_rate,
            n_fft=settings.n_fft,
            win_length=settings.win_length,
            hop_length=settings.hop_length,
            f_min=settings.f_min,
            f_max=settings.f_max,
            n_mels=settings.n_mels,
            power=1.0,
            center=True,
            norm="slaney",
            mel_scale="slaney",
        )

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Compute the spectrograms.

        Arguments
        ---------
        waveforms : torch.Tensor
            Samples in [-1, 1], of shape (B, N).

        Returns
        -------
        torch.Tensor
            Natural-log mel spectrograms, of shape (B, M, C).
        """
        if waveforms.dim() != 2 or not waveforms.is_floating_point():
            raise ValueError(
                "waveforms must be floating point of shape (B, N); got "
                f"{waveforms.dtype} of shape {tuple(waveforms.shape)}. Scale "
                "integers to [-1, 1] and add a batch axis."
            )
        # both ends are continued by reflection
        shortest = self.settings.n_fft // 2 + 1
        if waveforms.shape[1] < shortest:
            raise ValueError(
                f"waveforms must have at least {shortest} samples for n_fft "
                f"{self.settings.n_fft}; got {waveforms.shape[1]}. Leave this "
                "clip out or append silence."
            )
        mel = self.mel_spectrogram(waveforms)
        return mel.clamp(min=LOG_FLOOR).log().transpose(1, 2)


class GriffinLim(nn.Module):
    """Turns a mel spectrogram into a waveform without a trained vocoder.

    The phase starts at zero, so that the same spectrogram always gives the
    same samples.

    Arguments
    ---------
    settings : MelSettings
        The numbers that define the spectrogram.
    iterations : int
        Rounds of phase estimation; more sound cleaner.

    Raises
    ------
    ValueError
        If there are more mel channels than the Fourier transform can tell
        apart, or the spectrogram has another shape than (M, C) with M > 1.

    Example
    -------
    >>> GriffinLim(iterations=1)(torch.full((11, 80), -11.5)).shape
    torch.Size([2560])
    """

    def __init__(
        self, settings: MelSettings = MelSettings(), iterations: int = 32
    ):
        super().__init__()
        self.settings = settings
        self.inverse_mel_scale = torchaudio.transforms.InverseMelScale(
            n_stft=settings.n_fft // 2 + 1,
            n_mels=settings.n_mels,
            sample_rate=settings.sample_rate,
            f_min=settings.f_min,
            f_max=settings.f_max,
            norm="slaney",
            mel_scale="slaney",
        )
        n_apart = int(torch.linalg.matrix_rank(self.inverse_mel_scale.fb))
        if n_apart < settings.n_mels:
            raise ValueError(
                f"n_mels must be at most what n_fft ({settings.n_fft}) can "
                f"tell apart; got {settings.n_mels}, of which {n_apart} are "
                "different. Lower n_mels, or raise n_fft."
            )
        self.griffin_lim = torchaudio.transforms.GriffinLim(
            n_fft=settings.n_fft,
            n_iter=iterations,
            win_length=settings.win_length,
            hop_length=settings.hop_length,
            power=1.0,
            rand_init=False,
        )

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Estimate the waveform.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel spectrogram, of shape (M, C).

        Returns
        -------
        torch.Tensor
            Samples, within [-1, 1] for a natural spectrogram, of shape (N,).
        """
        settings, channels = self.settings, self.settings.n_mels
        if mel.dim() != 2 or mel.shape[1] != channels or len(mel) < 2:
            raise ValueError(
                f"mel must have shape (M, {channels}) with M > 1; got "
                f"{tuple(mel.shape)}. Remove the batch axis, and put frames "
                "before channels."
            )
        amplitude = self.inverse_mel_scale(mel.float().exp().T)
        # half a window is mirrored at each end, of what must be longer
        shortest = settings.n_fft // 2 // settings.hop_length + 2
        silence = max(shortest - len(mel), 0)
        waveform = self.griffin_lim(F.pad(amplitude, (0, silence)))
        return waveform[: settings.hop_length * (len(mel) - 1)]


@dataclass
class MelStatistics:
    """Mean and standard deviation of every mel channel.

    Arguments
    ---------
    mean : torch.Tensor
        Natural-log amplitude, of shape (C,).
    std : torch.Tensor
        Natural-log amplitude, positive, of shape (C,).

    Example
    -------
    >>> statistics = MelStatistics.from_mels([torch.zeros(3, 2)])
    >>> statistics.mean
    tensor([0., 0.])
    """

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def from_mels(cls, mels: Iterable[torch.Tensor]) -> "MelStatistics":
        """Measure spectrograms one by one, without holding them all.

        Arguments
        ---------
        mels : iterable of torch.Tensor
            Spectrograms, each of shape (M, C).

        Returns
        -------
        MelStatistics
            Over all frames of all spectrograms.

        Raises
        ------
        ValueError
            If there is no frame.
        """
        frames, total, squares = 0, 0.0, 0.0
        for mel in mels:
            mel = torch.as_tensor(mel).double()
            frames += len(mel)
            total = total + mel.sum(0)
            squares = squares + mel.square().sum(0)
        if frames == 0:
            raise ValueError(
                "mels must hold at least one frame to measure; got none. "
                "Check that the training split is not empty."
            )
        mean = total / frames
        variance = (squares / frames - mean.square()).clamp(min=0)
        # a channel that never changes would divide by zero
        std = variance.sqrt().clamp(min=_SMALLEST_STD)
        return cls(mean=mean.float(), std=std.float())

    def save(self, path: str | Path) -> None:
        """Write a JSON file.

        Arguments
        ---------
        path : str or Path
            Where to write.
        """
        values = {"mean": self.mean.tolist(), "std": self.std.tolist()}
        Path(path).write_text(json.dumps(values, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "MelStatistics":
        """Read a JSON file that ``save`` has written.

        Arguments
        ---------
        path : str or Path
            Where to read.

        Returns
        -------
        MelStatistics
            What was saved.

        Raises
        ------
        ValueError
            If the file does not hold mean and std of the same length.
        """
        try:
            values = read_json(path)
            mean = torch.tensor(values["mean"], dtype=torch.float32)
            std = torch.tensor(values["std"], dtype=torch.float32)
            matching = mean.dim() == 1 and mean.shape == std.shape
        except (LookupError, TypeError, ValueError, OverflowError):
            matching = False
        if not matching:
            raise ValueError(
                f"{path} must hold the lists mean and std of the same length. "
                "Delete the corpus folder and run the recipe again."
            )
        return cls(mean=mean, std=std)


def check_mels(manifest: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse mels that nothing can be measured on.

    Arguments
    ---------
    manifest : mapping
        Of each utterance, ``mel``: the path of its file.

    Raises
    ------
    ValueError
        If some are not finite, or cannot be read; they are named.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.npy"
    >>> np.save(path, np.full((2, 80), -11.5))
    >>> check_mels({"a": {"mel": str(path)}})
    """
    bad = [
        f"{name} ({entry.get('mel')})"
        for name, entry in manifest.items()
        if not _is_finite(entry.get("mel"))
    ]
    if bad:
        raise ValueError(
            f"Mels must be finite numbers; got {len(bad)} that are not: "
            f"{abridged(bad)}. Put back the files, or remove their corpus "
            "folder (sb-sma corpora --remove), and the next run makes it anew."
        )


def _is_finite(path: Any) -> bool:
    try:
        return bool(np.isfinite(np.load(path, mmap_mode="r")).all())
    # a file that is damaged raises errors of many kinds
    except Exception:
        return False
