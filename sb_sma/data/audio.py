"""Reads recordings of any rate and number of channels."""

from pathlib import Path

import soundfile
import torch
import torchaudio

from sb_sma.data.mel import MelSettings


def read_mono(wav: str | Path, mel: MelSettings) -> torch.Tensor:
    """Reads a recording as the spectrograms need it.

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
        If the file cannot be read, or is shorter than half a window.
    """
    try:
        samples, sample_rate = soundfile.read(
            wav, dtype="float32", always_2d=True
        )
    except (soundfile.SoundFileError, OSError) as error:
        raise ValueError(f"{wav} cannot be read: {error}") from error
    mono = torch.from_numpy(samples.mean(axis=1))
    mono = torchaudio.functional.resample(mono, sample_rate, mel.sample_rate)
    if len(mono) <= mel.n_fft // 2:
        raise ValueError(
            f"{wav} must last longer than half a window ({mel.n_fft // 2} "
            f"samples at {mel.sample_rate} Hz); got {len(mono)} samples. "
            "Replace the file or leave it out."
        )
    return mono
