"""Reads an utterance, and judges its text and its recording together."""

from collections.abc import Callable
from typing import Any

from sb_sma.data.speech.manifest.read import BadUtterance, Entry, read_entry
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.names import visible
from sb_sma.data.speech.recording.audio import Recording, read_recording
from sb_sma.data.speech.recording.pace import pace_fault
from sb_sma.data.speech.recording.pauses import pause_fault

# durations are rounded, or of a file before it was cut or encoded
_UNCERTAIN_SECONDS = 0.5


def read_utterance(
    entry: Entry,
    read_text: Callable[[str], Any],
    mel: MelSettings,
    trim_db: float | None = None,
) -> tuple[Any, Recording]:
    """Read text and recording of an utterance, and find all that is wrong.

    Arguments
    ---------
    entry : Entry
        The utterance.
    read_text : callable
        Takes the text; raises a ValueError if it is bad.
    mel : MelSettings
        The numbers that define the spectrograms.
    trim_db : float, optional
        See `read_recording`.

    Returns
    -------
    (object, Recording)
        What ``read_text`` returns, and the recording.

    Raises
    ------
    BadUtterance
        If text or recording is bad, if the recording pauses for more than 5 s
        or is not as long as the manifest says, or if one cannot belong to the
        other.

    Example
    -------
    >>> import numpy as np, soundfile
    >>> wav = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(wav, np.sin(np.arange(9000) / 9) / 2, 22050)
    >>> entry = Entry("a.csv, line 2", "a", wav, "Yes.")
    >>> read_utterance(entry, str.upper, MelSettings())[0]
    'YES.'
    """
    tokens, recording = read_entry(
        entry, read_text, lambda wav: read_recording(wav, mel, trim_db)
    )
    fault = (
        _duration_fault(entry.duration, recording, mel)
        or pause_fault(recording.pauses)
        or pace_fault(entry.text, recording.sound_seconds)
    )
    if fault:
        raise BadUtterance([f"{entry.place}: {visible(entry.wav)} {fault}"])
    return tokens, recording


def _duration_fault(
    stated: float | None, recording: Recording, mel: MelSettings
) -> str | None:
    """Compare what the manifest says with the file, silent ends included."""
    seconds = len(recording.samples) / mel.sample_rate
    seconds += recording.trimmed_seconds
    if stated is None or abs(seconds - stated) <= _UNCERTAIN_SECONDS:
        return None
    return (
        f"must last as long as the manifest says, {stated:g} s; got "
        f"{seconds:.2f} s. Mend the duration, or give the right recording."
    )
