"""What makes a recording useless, and what is worth a word about it."""

import math
from collections.abc import Sequence

import numpy as np

from sb_sma.data.speech.recording.pauses import tell_pauses, tell_silent_ends

# more than a codec, a resampler or a hot mix ever adds to full scale
_HIGHEST_PEAK = 2
# half a step of the 16 bits that a corpus keeps: rounded to 0
_SILENT_PEAK = 2**-16
# 16 steps of 16 bits; less has been divided by their scale twice
_LOWEST_PEAK = 2**-11
# of the power that independent channels leave in their mean
_CANCELLED_POWER = 0.2
# near which converters and lossy codecs end up
_FULL_SCALE = 0.99
# a single sample at full scale may be the peak of a normalised recording
_CLIPPED_RUN = 3
# 16 bits have 327 steps for it
_QUIET_PEAK = 0.01
# 8 bits may have half a step, 0.004
_LARGEST_OFFSET = 0.01
# of the power of the loudest channel
_SILENT_POWER = 1e-5
# a step of 16 bits; natural peaks differ by more
_FLAT_STEP = 1.01 * 2**-15
_FLAT_RUNS = 5
_FLAT_PEAK = 0.1
# of which all peaks are flat, though less of the time than in a square wave
_LEVELS_OF_8_BITS = 256
_SQUARE_SHARE = 0.3


def find_offset(samples: np.ndarray) -> float:
    """Tell how far from zero the samples lie, all in all.

    Arguments
    ---------
    samples : np.ndarray
        Floating point, of shape (N, channels).

    Returns
    -------
    float
        Their mean; 0 where it is too small to matter.

    Example
    -------
    >>> find_offset(np.array([[0.25], [0.75]]))
    0.5
    >>> find_offset(np.array([[0.251], [-0.25]]))
    0.0
    """
    offset = float(samples.mean())
    return offset if abs(offset) > _LARGEST_OFFSET else 0.0


def samples_fault(samples: np.ndarray) -> str | None:
    """Find what makes the samples of a file useless.

    Arguments
    ---------
    samples : np.ndarray
        Floating point, of shape (N, channels).

    Returns
    -------
    str or None
        What the file must be, what it is, and how to mend it.

    Example
    -------
    >>> samples_fault(np.array([[0.5], [-0.5]]))
    >>> samples_fault(np.array([[900.0], [-300.0]]))[:50]
    'must have samples in [-1, 1]; got values up to 900'
    """
    peak = np.abs(samples).max()
    if peak > _HIGHEST_PEAK:
        beyond = np.mean(np.abs(samples) > 1)
        return (
            f"must have samples in [-1, 1]; got values up to {peak:.7g}, "
            f"{beyond:.0%} of them beyond full scale. Divide them by the scale "
            "that they were written with, such as 32768 for 16 bits, or leave "
            "the file out."
        )
    centred = samples - samples.mean(axis=0)
    mixed = centred.mean(axis=1)
    if np.abs(mixed).max() <= _SILENT_PEAK:
        return (
            f"must be the recording of speech; got silence, {len(mixed)} "
            "samples that are 0 in 16 bits once the channels are mixed and "
            "their mean is subtracted. Replace the file or leave it out."
        )
    peak = np.abs(centred).max()
    if peak < _LOWEST_PEAK:
        return (
            f"must have samples that fill some of [-1, 1]; got a peak of "
            f"{peak:.2g}, {peak * 2**15:.1f} steps of 16 bits. Multiply them "
            "by the scale that they were divided by once too often, such as "
            "32768 for 16 bits, or leave the file out."
        )
    independent = centred.var(axis=0).mean() / centred.shape[1]
    if mixed.var() < _CANCELLED_POWER * independent:
        return (
            "must have channels that can be mixed; got channels that cancel "
            f"each other, and leave {mixed.var() / independent:.1%} of the "
            "power. Keep one of them, or invert one."
        )
    return None


def find_remarks(
    samples: np.ndarray,
    pauses: Sequence[tuple[float, float]],
    silent_ends: tuple[float, float] = (0, 0),
) -> dict[str, str]:
    """Find what to know of a recording that is of use.

    Arguments
    ---------
    samples : np.ndarray
        Floating point, of shape (N, channels).
    pauses : sequence of (float, float)
        What `find_pauses` found.
    silent_ends : (float, float)
        What `find_silent_ends` found.

    Returns
    -------
    dict
        What the recording is, and how much so.

    Example
    -------
    >>> find_remarks(np.array([[1e-3], [-1e-3]]), [])
    {'very quiet': 'its peak is 60 dB below full scale'}
    """
    found = {
        "clipped": _clipping(samples),
        "very quiet": _quietness(samples),
        "off centre": _offset(samples),
        "silent in a channel": _silent_channels(samples),
        "silent inside for long": tell_pauses(pauses),
        "silent at the ends for long": tell_silent_ends(*silent_ends),
    }
    return {kind: detail for kind, detail in found.items() if detail}


def _clipping(samples: np.ndarray) -> str:
    levels = np.abs(samples)
    loud = levels >= _FULL_SCALE
    ends = len(loud) - _CLIPPED_RUN + 1
    runs = [loud[start : start + ends] for start in range(_CLIPPED_RUN)]
    beyond = np.count_nonzero(levels > 1)
    if not beyond and not np.logical_and.reduce(runs).any():
        return _flatness(samples)
    cut = f", {beyond} of them beyond it and cut" if beyond else ""
    return f"{np.count_nonzero(loud)} samples at full scale{cut}"


def _flatness(samples: np.ndarray) -> str:
    """Tell peaks that are cut below full scale."""
    for channel in samples.T:
        for side in (channel, -channel):
            peak = side.max()
            is_peak = np.pad(side >= peak - _FLAT_STEP, 1)
            starts, ends = np.flatnonzero(np.diff(is_peak)).reshape(-1, 2).T
            lengths = (ends - starts)[ends - starts >= _CLIPPED_RUN]
            if peak < _FLAT_PEAK or len(lengths) < _FLAT_RUNS:
                continue
            is_coarse = len(np.unique(channel)) <= _LEVELS_OF_8_BITS
            if not is_coarse or lengths.sum() > _SQUARE_SHARE * len(channel):
                return f"{lengths.sum()} samples in flat peaks at {peak:.2f}"
    return ""


def _quietness(samples: np.ndarray) -> str:
    peak = np.abs(samples - samples.mean(axis=0)).max()
    if peak >= _QUIET_PEAK:
        return ""
    return f"its peak is {-20 * math.log10(peak):.0f} dB below full scale"


def _offset(samples: np.ndarray) -> str:
    offset = find_offset(samples)
    return offset and f"its mean, {offset:.3f}, is subtracted"


def _silent_channels(samples: np.ndarray) -> str:
    power = samples.var(axis=0)
    silent = np.flatnonzero(power <= _SILENT_POWER * power.max()) + 1
    if not silent.size:
        return ""
    return (
        f"number {', '.join(map(str, silent))} of {len(power)}, which makes "
        "the mean of all quieter"
    )
