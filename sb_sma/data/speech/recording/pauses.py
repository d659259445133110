"""Where a recording has sound, and where it pauses.

Sound is told from silence by the variance of short blocks, which neither a
constant offset nor a slow drift has.
"""

import math
from collections.abc import Sequence

import torch

# pauses of readers last less than a second when measured so, and noise is often
# less than 40 dB below the loudest block
_PAUSE_DB = 30
_LONG_PAUSE_SECONDS = 2
_LONGEST_PAUSE_SECONDS = 5
# noise and hum last a long pause without going up and down as speech does; the
# parts that are compared have several periods of a hum
_STEADY_DB = 6
_STEADY_BELOW_DB = 10
_PART_SECONDS = 0.1
# no word is as short, nor as far from others
_CLICK_SECONDS = 0.05
_CLICK_DISTANCE_SECONDS = 1


def loud_blocks(
    mono: torch.Tensor, block_length: int, decibels: float
) -> torch.Tensor:
    """Find the sound of a recording.

    Arguments
    ---------
    mono : torch.Tensor
        Samples of shape (N,).
    block_length : int
        Samples of a block.
    decibels : float
        How far below the loudest block silence begins.

    Returns
    -------
    torch.Tensor
        Indices of the blocks with sound.

    Example
    -------
    >>> samples = 0.2 + torch.tensor([0.0, 0.0, 0.5, -0.5, 0.0, 0.0])
    >>> loud_blocks(samples, block_length=2, decibels=40).tolist()
    [1]
    """
    power = _block_power(mono, block_length)
    return torch.nonzero(power >= power.max() * _ratio(-decibels))[:, 0]


def _block_power(mono: torch.Tensor, block_length: int) -> torch.Tensor:
    rest = -len(mono) % block_length
    blocks = torch.cat([mono, mono[-1:].expand(rest)]).view(-1, block_length)
    return blocks.var(dim=1, correction=0)


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)


def speech_blocks(
    mono: torch.Tensor, sample_rate: int, block_length: int
) -> torch.Tensor:
    """Find what may be speech: neither silence, steady noise nor a click.

    Arguments
    ---------
    mono : torch.Tensor
        Samples of shape (N,).
    sample_rate : int
        In Hz.
    block_length : int
        Samples of a block.

    Returns
    -------
    torch.Tensor
        Indices of the blocks, at least one.

    Example
    -------
    >>> samples = torch.tensor([0.5, -0.5, *[0.0] * 4])
    >>> speech_blocks(samples, sample_rate=8, block_length=2).tolist()
    [0]
    """
    block_seconds = block_length / sample_rate
    power = _block_power(mono, block_length)
    is_loud = power >= power.max() * _ratio(-_PAUSE_DB)
    is_loud &= ~_is_steady(power, block_seconds)
    loud = torch.nonzero(is_loud)[:, 0]
    # sounds, each of which is far from the others
    distances = torch.diff(loud, prepend=loud[:1]) * block_seconds
    sound = torch.cumsum(distances > _CLICK_DISTANCE_SECONDS, 0)
    seconds = torch.bincount(sound)[sound] * block_seconds
    is_click = seconds <= _CLICK_SECONDS
    return loud if is_click.all() else loud[~is_click]


def _is_steady(power: torch.Tensor, block_seconds: float) -> torch.Tensor:
    """Which blocks are part of a long noise that is weaker than speech."""
    length = max(1, round(_PART_SECONDS / block_seconds))
    n_parts = len(power) // length
    parts = power[: n_parts * length].view(-1, length).mean(dim=1)
    count = math.ceil(_LONG_PAUSE_SECONDS / (length * block_seconds))
    steady = torch.zeros(len(power), dtype=torch.bool)
    if n_parts < count:
        return steady
    windows = parts.unfold(0, count, 1)
    highest, lowest = windows.amax(dim=1), windows.amin(dim=1)
    is_steady = highest <= lowest * _ratio(_STEADY_DB)
    is_steady &= highest <= parts.max() * _ratio(-_STEADY_BELOW_DB)
    for start in torch.nonzero(is_steady)[:, 0].tolist():
        steady[start * length : (start + count) * length] = True
    return steady


def find_silent_ends(
    mono: torch.Tensor, sample_rate: int, block_length: int
) -> tuple[float, float]:
    """Tell how long it is silent before and after all speech.

    Arguments
    ---------
    mono : torch.Tensor
        Samples of shape (N,).
    sample_rate : int
        In Hz.
    block_length : int
        Samples of a block.

    Returns
    -------
    (float, float)
        In seconds.

    Example
    -------
    >>> samples = torch.tensor([0.5, -0.5, *[0.0] * 4])
    >>> find_silent_ends(samples, sample_rate=8, block_length=2)
    (0.0, 0.5)
    """
    speech = speech_blocks(mono, sample_rate, block_length)
    start = int(speech[0]) * block_length
    end = (int(speech[-1]) + 1) * block_length
    return start / sample_rate, max(0, len(mono) - end) / sample_rate


def find_pauses(
    mono: torch.Tensor, sample_rate: int, block_length: int
) -> list[tuple[float, float]]:
    """Find the silences inside of a recording that are longer than a breath.

    Clicks and steady noise that is weaker than speech are a part of them.

    Arguments
    ---------
    mono : torch.Tensor
        Samples of shape (N,).
    sample_rate : int
        In Hz.
    block_length : int
        Samples of a block.

    Returns
    -------
    list of (float, float)
        Where each begins, and how long it lasts, in seconds.

    Example
    -------
    >>> samples = torch.tensor([0.5, -0.5, *[0.0] * 256, 0.5, -0.5])
    >>> find_pauses(samples, sample_rate=8, block_length=2)
    [(0.25, 32.0)]
    """
    loud = speech_blocks(mono, sample_rate, block_length)
    gaps = loud[1:] - loud[:-1] - 1
    block_seconds = block_length / sample_rate
    return [
        ((int(loud[i]) + 1) * block_seconds, int(gaps[i]) * block_seconds)
        for i in torch.nonzero(gaps * block_seconds > _LONG_PAUSE_SECONDS)[:, 0]
    ]


def pause_fault(pauses: Sequence[tuple[float, float]]) -> str | None:
    """Find pauses that no utterance has.

    Arguments
    ---------
    pauses : sequence of (float, float)
        What `find_pauses` found.

    Returns
    -------
    str or None
        What the recording must be, what it is, and how to mend it.

    Example
    -------
    >>> pause_fault([(0.5, 2.5)])
    >>> pause_fault([(0.5, 64.0)])[:62]
    'must have pauses of at most 5 s; got silence of 64.0 s from 0.'
    """
    too_long = [pause for pause in pauses if pause[1] > _LONGEST_PAUSE_SECONDS]
    if not too_long:
        return None
    return (
        f"must have pauses of at most {_LONGEST_PAUSE_SECONDS} s; got silence "
        f"of {tell_pauses(too_long)}. Shorten the silence, of which clicks "
        "and steady noise are a part, cut recording and text in two there, or "
        "leave the file out."
    )


def tell_pauses(pauses: Sequence[tuple[float, float]]) -> str:
    """Write pauses down.

    Arguments
    ---------
    pauses : sequence of (float, float)
        What `find_pauses` found.

    Returns
    -------
    str
        How long each is, and where; empty if there are none.

    Example
    -------
    >>> tell_pauses([(0.5, 2.5)])
    '2.5 s from 0.5 s on'
    """
    return ", ".join(
        f"{seconds:.1f} s from {start:.1f} s on" for start, seconds in pauses
    )


def tell_silent_ends(before: float, after: float) -> str:
    """Write down how long it is silent at the ends.

    Arguments
    ---------
    before : float
        Seconds before all speech.
    after : float
        Seconds after it.

    Returns
    -------
    str
        Both; empty unless one of them is long.

    Example
    -------
    >>> tell_silent_ends(0.1, 3.0)
    ''
    """
    if max(before, after) <= _LONGEST_PAUSE_SECONDS:
        return ""
    return (
        f"{before:.1f} s before the first word, {after:.1f} s after the last; "
        "trim_db cuts silence"
    )
