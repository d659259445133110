"""Reads recordings of any rate and number of channels."""

import io
import math
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.names import tell_near_names, visible
from sb_sma.data.speech.recording.containers import mend_lengths
from sb_sma.data.speech.recording.judgement import (
    find_offset,
    find_remarks,
    samples_fault,
)
from sb_sma.data.speech.recording.pauses import (
    find_pauses,
    find_silent_ends,
    loud_blocks,
)

TRIM_MARGIN_SECONDS = 0.1
# below the loudest part, where a recording is cut by default
_SOUND_DB = 40
_BLOCK = 2**16
# no speech is understood below, and no converter goes beyond
_LOWEST_RATE, _HIGHEST_RATE = 2000, 768000
# of two rates; exact for all usual ones, and for others as exact as clocks are
_FINEST_RATIO = 1000
# a FLAC stream that does not know its length says 2**63 - 1
_UNKNOWN_FRAMES = 2**62
# of an MP3, encoders may count the padding in or out
_UNCERTAIN_SECONDS = 0.1


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
    trimmed_seconds : float
        Silence that was cut off, both ends together.
    sound_seconds : float
        From the first sound to the last.
    pauses : list of (float, float)
        Where long silences between them begin, and how long they last, in
        seconds.
    remarks : dict
        What the recording is, though of use, such as clipped; and how much.
    """

    samples: torch.Tensor
    sample_rate: int
    channels: int
    trimmed_seconds: float
    sound_seconds: float
    pauses: list[tuple[float, float]]
    remarks: dict[str, str]

    @property
    def clipped(self) -> bool:
        """Whether samples are beyond full scale, or three in a row cut."""
        return "clipped" in self.remarks


def read_recording(
    wav: str | Path,
    mel: MelSettings,
    trim_db: float | None = None,
    most_seconds: float | None = None,
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
    most_seconds : float, optional
        How long it may be. No more than that is held in memory.

    Returns
    -------
    Recording
        Samples and facts.

    Raises
    ------
    ValueError
        If the file cannot be read, is cut, silent, too long, shorter than half
        a window or of a rate that no speech has, or has samples that are no
        numbers, far beyond full scale or a few steps of 16 bits, or channels
        that cancel each other.

    Example
    -------
    >>> wav = getfixture("tmp_path") / "a.wav"
    >>> tone = np.sin(np.arange(16000) / 9).reshape(8000, 2)
    >>> soundfile.write(wav, tone / 2, 8000)
    >>> recording = read_recording(wav, MelSettings())
    >>> len(recording.samples), recording.sample_rate, recording.channels
    (22050, 8000, 2)
    """
    samples, sample_rate = _decode(Path(wav), most_seconds)
    offset = find_offset(samples)
    mono = torch.from_numpy(samples.mean(axis=1) - np.float32(offset))
    ratio = Fraction(sample_rate, mel.sample_rate)
    # without common factors the filters of both rates fill the memory
    ratio = ratio.limit_denominator(_FINEST_RATIO)
    mono = torchaudio.functional.resample(
        mono, ratio.numerator, ratio.denominator
    )
    if len(mono) <= mel.n_fft // 2:
        raise ValueError(
            f"{visible(wav)} must last longer than half a window "
            f"({mel.n_fft // 2} samples at {mel.sample_rate} Hz); got "
            f"{len(mono)} samples. Replace the file or leave it out."
        )
    fault = samples_fault(samples)
    if fault:
        raise ValueError(f"{visible(wav)} {fault}")
    pauses = find_pauses(mono, mel.sample_rate, mel.hop_length)
    loud = loud_blocks(mono, mel.hop_length, _SOUND_DB)
    n_loud = int(loud[-1] - loud[0] + 1)
    # resampling overshoots at clipped peaks
    trimmed = _trim(mono.clamp(-1, 1), mel, trim_db)
    return Recording(
        samples=trimmed,
        sample_rate=sample_rate,
        channels=samples.shape[1],
        trimmed_seconds=(len(mono) - len(trimmed)) / mel.sample_rate,
        sound_seconds=n_loud * mel.hop_length / mel.sample_rate,
        pauses=pauses,
        remarks=find_remarks(
            samples,
            pauses,
            find_silent_ends(mono, mel.sample_rate, mel.hop_length),
        ),
    )


def read_mono(
    wav: str | Path, mel: MelSettings, most_seconds: float | None = None
) -> torch.Tensor:
    """Read the samples of a recording, both ends included.

    Arguments
    ---------
    wav : str or Path
        Any file that libsndfile reads.
    mel : MelSettings
        The numbers that define the spectrograms.
    most_seconds : float, optional
        How long it may be.

    Returns
    -------
    torch.Tensor
        The mean of the channels at the rate of the spectrograms, ``(N,)``.

    Raises
    ------
    ValueError
        If ``read_recording`` refuses the file.
    """
    return read_recording(wav, mel, most_seconds=most_seconds).samples


class _Sound(soundfile.SoundFile):
    """A file that is read from its beginning to its end.

    After each block soundfile seeks to where it is, which fails at the end of
    a FLAC stream of unknown length.
    """

    def seekable(self) -> bool:
        """Tell that nobody seeks."""
        return False

    def read_all(self, most_frames: float = math.inf) -> np.ndarray:
        """Return all samples, of shape (N, channels), or too many."""
        blocks = [np.zeros((0, self.channels), np.float32)]
        n_frames = 0
        while n_frames <= most_frames and len(
            block := self.read(_BLOCK, "float32", always_2d=True)
        ):
            blocks.append(block)
            n_frames += len(block)
        return np.concatenate(blocks)


def _decode(wav: Path, most_seconds: float | None) -> tuple[np.ndarray, int]:
    """Sample (N, channels) and their rate."""
    longest = math.inf if most_seconds is None else most_seconds
    if os.path.isdir(wav):
        raise _unreadable(wav, "it is a folder")
    if not os.path.isfile(wav):
        raise ValueError(
            f"{visible(wav)} cannot be read: there is no such file"
            f"{tell_near_names(wav)}. Add the recording or leave it out."
        )
    try:
        with _open(wav) as sound:
            samples = sound.read_all(longest * sound.samplerate)
    # a TypeError: of a .raw file it wants rate and channels
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        fault = getattr(error, "error_string", str(error)).rstrip(".")
        raise _unreadable(wav, fault) from error
    if len(samples) > longest * sound.samplerate:
        raise ValueError(
            f"{visible(wav)} must last {most_seconds:g} s at most; got more. "
            "Cut it."
        )
    missing = sound.frames - len(samples)
    n_bad = np.count_nonzero(~np.isfinite(samples))
    if len(samples) == 0:
        raise _unreadable(wav, "it has no samples")
    if _UNCERTAIN_SECONDS * sound.samplerate < missing < _UNKNOWN_FRAMES:
        raise _unreadable(wav, f"it is cut, {missing} samples are missing")
    if n_bad:
        raise _unreadable(wav, f"{n_bad} samples are NaN or infinite")
    if not _LOWEST_RATE <= sound.samplerate <= _HIGHEST_RATE:
        raise _unreadable(
            wav,
            f"a sample rate of {sound.samplerate} Hz, which must be from "
            f"{_LOWEST_RATE} to {_HIGHEST_RATE}",
        )
    return samples, sound.samplerate


def _open(wav: Path) -> _Sound:
    content = wav.read_bytes()
    mended, missing = mend_lengths(content)
    if missing > 0:
        raise _unreadable(wav, f"it is cut, {missing} bytes are missing")
    if missing < 0:
        raise _unreadable(
            wav,
            f"its header ends it {-missing} bytes early, as where a recorder "
            "stopped or files were joined",
        )
    return _Sound(wav if mended == content else io.BytesIO(mended))


def _unreadable(wav: Path, fault: str) -> ValueError:
    return ValueError(
        f"{visible(wav)} must be a readable recording; got: {fault}. Replace "
        "the file or leave it out."
    )


def _trim(
    samples: torch.Tensor, mel: MelSettings, trim_db: float | None
) -> torch.Tensor:
    if trim_db is None:
        return samples
    hop = mel.hop_length
    loud = loud_blocks(samples, hop, trim_db)
    margin = round(TRIM_MARGIN_SECONDS * mel.sample_rate)
    start = max(0, int(loud[0]) * hop - margin)
    end = (int(loud[-1]) + 1) * hop + margin
    return samples[start:end]
