"""Reads recordings of any rate and number of channels."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from sb_sma.data.speech.mel import MelSettings

TRIM_MARGIN_SECONDS = 0.1
# of the highest value, near which converters and lossy codecs end up
_FULL_SCALE = 0.99
# a single sample at full scale may be the peak of a normalised recording
_CLIPPED_RUN = 3
# half a step of the 16 bits that a corpus keeps: rounded to 0
_SILENT_PEAK = 2**-16
# in place of a length that a stream did not know when it began
_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass
class Recording:
    """A recording as the spectrograms need it, and what was done to it.

    Arguments
    ---------
    samples : torch.Tensor
        The mean of the channels at the rate of the spectrograms, in [-1, 1],
        of shape (N,).
    sample_rate : int
        Of the file, in Hz.
    channels : int
        Of the file.
    clipped : bool
        Whether three samples in a row are at full scale.
    trimmed_seconds : float
        Silence that was cut off, both ends together.
    """

    samples: torch.Tensor
    sample_rate: int
    channels: int
    clipped: bool
    trimmed_seconds: float


def read_recording(
    wav: str | Path, mel: MelSettings, trim_db: float | None = None
) -> Recording:
    """Read a recording, and find all that makes it useless.

    Arguments
    ---------
    wav : str or Path
        Any file that libsndfile reads.
    mel : MelSettings
        The numbers that define the spectrograms.
    trim_db : float, optional
        Both ends are cut off where they are so many decibels below the
        loudest part; a tenth of a second of it stays. By default they stay.

    Returns
    -------
    Recording
        Samples and facts.

    Raises
    ------
    ValueError
        If the file cannot be read, is cut, silent or shorter than half a
        window, or has samples that are no numbers.

    Example
    -------
    >>> wav = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(wav, np.full((8000, 2), 0.5), 8000)
    >>> recording = read_recording(wav, MelSettings())
    >>> len(recording.samples), recording.sample_rate, recording.channels
    (22050, 8000, 2)
    """
    samples, sample_rate = _decode(Path(wav))
    mono = torch.from_numpy(samples.mean(axis=1))
    mono = torchaudio.functional.resample(mono, sample_rate, mel.sample_rate)
    if len(mono) <= mel.n_fft // 2:
        raise ValueError(
            f"{wav} must last longer than half a window ({mel.n_fft // 2} "
            f"samples at {mel.sample_rate} Hz); got {len(mono)} samples. "
            "Replace the file or leave it out."
        )
    # channels may cancel each other out
    if mono.abs().max() <= _SILENT_PEAK:
        raise ValueError(
            f"{wav} must be the recording of speech; got silence, "
            f"{len(mono)} samples that are 0 in 16 bits once the channels are "
            "mixed. Replace the file or leave it out."
        )
    # resampling overshoots at clipped peaks
    trimmed = _trim(mono.clamp(-1, 1), mel, trim_db)
    return Recording(
        samples=trimmed,
        sample_rate=sample_rate,
        channels=samples.shape[1],
        clipped=_is_clipped(samples),
        trimmed_seconds=(len(mono) - len(trimmed)) / mel.sample_rate,
    )


def read_mono(wav: str | Path, mel: MelSettings) -> torch.Tensor:
    """Read the samples of a recording, both ends included.

    Arguments
    ---------
    wav : str or Path
        Any file that libsndfile reads.
    mel : MelSettings
        The numbers that define the spectrograms.

    Returns
    -------
    torch.Tensor
        The mean of the channels at the rate of the spectrograms, ``(N,)``.

    Raises
    ------
    ValueError
        If ``read_recording`` refuses the file.
    """
    return read_recording(wav, mel).samples


def _decode(wav: Path) -> tuple[np.ndarray, int]:
    """Sample (N, channels) and their rate."""
    if not os.path.isfile(wav):
        raise ValueError(
            f"{wav} cannot be read: there is no such file. Add the recording "
            "or leave it out."
        )
    try:
        samples, sample_rate = soundfile.read(
            wav, dtype="float32", always_2d=True
        )
        missing_bytes = _missing_bytes(wav)
    # a TypeError: of a .raw file it wants rate and channels
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        fault = str(error)
    else:
        fault = _fault_of(samples, missing_bytes)
    if fault:
        raise ValueError(
            f"{wav} must be a readable recording; got: {fault}. Replace the "
            "file or leave it out."
        )
    return samples, sample_rate


def _fault_of(samples: np.ndarray, missing_bytes: int) -> str | None:
    if len(samples) == 0:
        return "it has no samples"
    if missing_bytes:
        return f"it is cut, {missing_bytes} bytes are missing"
    n_bad = np.count_nonzero(~np.isfinite(samples))
    if n_bad:
        return f"{n_bad} samples are NaN or infinite"
    return None


def _missing_bytes(wav: Path) -> int:
    """How many bytes of samples a WAV file promises and lacks.

    libsndfile reads what is there of a cut file, and says nothing.
    """
    with open(wav, "rb") as file:
        header = file.read(12)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return 0
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            if name == b"data" and size != _UNKNOWN_LENGTH:
                return max(0, file.tell() + size - wav.stat().st_size)
            # chunks begin at even bytes
            file.seek(size + size % 2, 1)
    return 0


def _is_clipped(samples: np.ndarray) -> bool:
    loud = np.abs(samples) >= _FULL_SCALE
    ends = len(loud) - _CLIPPED_RUN + 1
    runs = [loud[start : start + ends] for start in range(_CLIPPED_RUN)]
    return bool(np.logical_and.reduce(runs).any())


def _trim(
    samples: torch.Tensor, mel: MelSettings, trim_db: float | None
) -> torch.Tensor:
    if trim_db is None:
        return samples
    hop = mel.hop_length
    blocks = torch.nn.functional.pad(samples, (0, -len(samples) % hop))
    power = blocks.view(-1, hop).square().mean(dim=1)
    loud = torch.nonzero(power > power.max() * 10 ** (-trim_db / 10))
    margin = round(TRIM_MARGIN_SECONDS * mel.sample_rate)
    start = max(0, int(loud[0]) * hop - margin)
    end = (int(loud[-1]) + 1) * hop + margin
    return samples[start:end]
