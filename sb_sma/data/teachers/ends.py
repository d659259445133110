"""Where speech begins and ends, and at which rate it goes into a corpus."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
import torchaudio

from sb_sma.data.espeak.voice import END, END_SECONDS, Speech
from sb_sma.data.speech.recording.pauses import loud_blocks

_SOUND_DB = 40
_BLOCK_SECONDS = 0.005


def find_sound(samples: np.ndarray, sample_rate: int) -> tuple[int, int]:
    """Find the first and the last sound.

    Arguments
    ---------
    samples : np.ndarray
        Floating point, of shape (N,).
    sample_rate : int
        Samples per second.

    Returns
    -------
    start, end : int
        Where it is no more than 40 dB below the loudest part.

    Example
    -------
    >>> samples = np.zeros(1000, np.float32)
    >>> samples[400:500:2] = 0.5
    >>> find_sound(samples, 20000)
    (400, 500)
    """
    block = round(_BLOCK_SECONDS * sample_rate)
    loud = loud_blocks(torch.from_numpy(samples), block, _SOUND_DB)
    return int(loud[0]) * block, min((int(loud[-1]) + 1) * block, len(samples))


def with_silence(samples: np.ndarray, end: int, length: int) -> np.ndarray:
    """Cut or continue samples, so that a silence is of a certain length.

    Arguments
    ---------
    samples : np.ndarray
        Of shape (N,).
    end : int
        Of the sound.
    length : int
        Of the silence after it, in samples.

    Returns
    -------
    samples : np.ndarray
        Of shape (end + length,).

    Example
    -------
    >>> with_silence(np.array([1, 2, 3]), 2, 4)
    array([1, 2, 3, 0, 0, 0])
    """
    kept = samples[: end + length]
    return np.concatenate(
        [kept, np.zeros(end + length - len(kept), samples.dtype)]
    )


def end_speech(
    samples: np.ndarray,
    sample_rate: int,
    tokens: Sequence[str],
    starts: Sequence[int],
    end: int,
) -> Speech:
    """Let ``END`` follow the last sound, as long as it always is.

    Arguments
    ---------
    samples : np.ndarray
        Floating point in [-1, 1], of shape (N,).
    sample_rate : int
        Samples per second.
    tokens : sequence of str
        Without ``END``.
    starts : sequence of int
        First sample of each; the first token then begins at 0, and each at
        least a sample after the one before.
    end : int
        Of the last sound.

    Returns
    -------
    speech : Speech
        Of 16-bit samples.

    Example
    -------
    >>> speech = end_speech(np.zeros(90, np.float32), 100, "ab", [4, 40], 60)
    >>> speech.tokens, speech.starts, len(speech.samples)
    (('a', 'b', '<end>'), (0, 40, 60), 75)
    """
    in_order = [0]
    for start in [*starts[1:], end]:
        in_order.append(max(int(start), in_order[-1] + 1))
    end = in_order[-1]
    samples = with_silence(samples, end, round(END_SECONDS * sample_rate))
    return Speech(
        (samples.clip(-1, 1) * 32767).round().astype(np.int16),
        sample_rate,
        (*tokens, END),
        tuple(in_order),
    )


def resampled(speech: Speech, sample_rate: int) -> Speech:
    """Give speech another rate.

    Arguments
    ---------
    speech : Speech
        At any rate.
    sample_rate : int
        Wanted samples per second.

    Returns
    -------
    speech : Speech
        The very same where it has this rate; else floating point.

    Example
    -------
    >>> speech = Speech(np.zeros(240, np.int16), 24000, ("a", END), (0, 120))
    >>> speech = resampled(speech, 12000)
    >>> len(speech.samples), speech.starts
    (120, (0, 60))
    """
    if speech.sample_rate == sample_rate:
        return speech
    ratio = Fraction(sample_rate, speech.sample_rate)
    samples = speech.samples.astype(np.float32)
    if speech.samples.dtype == np.int16:
        samples /= 2**15
    changed = torchaudio.functional.resample(
        torch.from_numpy(samples), ratio.denominator, ratio.numerator
    )
    starts = speech.starts
    if starts is not None:
        starts = tuple(round(start * ratio) for start in starts)
    return replace(
        speech,
        # it overshoots at peaks of full scale
        samples=changed.clamp(-1, 1).numpy(),
        sample_rate=sample_rate,
        starts=starts,
    )
