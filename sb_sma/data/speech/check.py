"""Everything that is wrong with a corpus of recordings, at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sb_sma.data.espeak.voice import check_speakable
from sb_sma.data.speech.manifest import (
    BadUtterance,
    find_manifest,
    read_entries,
    read_entry,
)
from sb_sma.data.speech.splits import HoldOut, assign_splits


def find_problems(
    data_folder: str | Path, skip_audio: bool = False
) -> tuple[int, list[str]]:
    """Check lines, splits and texts, and decode the recordings.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1; see
        ``sb_sma.data.speech.manifest``.
    skip_audio : bool
        Whether the recordings are left alone.

    Returns
    -------
    (int, list of str)
        Number of good utterances, and all problems with file and line, or
        with the file where they are of the manifest as a whole.

    Raises
    ------
    ValueError
        If the manifest cannot be read as a whole.

    Example
    -------
    >>> path = getfixture("tmp_path") / "manifest.csv"
    >>> lines = [f"a{i},a{i}.wav,Yes." for i in range(5)]
    >>> _ = path.write_text("\\n".join(["id,wav,text", *lines, "b,b.wav,..."]))
    >>> n_good, problems = find_problems(path, skip_audio=True)
    >>> n_good, len(problems)
    (5, 1)
    """
    entries, problems = read_entries(data_folder)
    try:
        # as training does by default
        assign_splits(entries, HoldOut())
    except ValueError as error:
        problems.append(f"{find_manifest(data_folder)}: {error}")
    read_wav = _leave_alone if skip_audio else _audio_reader()
    n_good = 0
    for entry in tqdm(entries, desc="Checking", disable=skip_audio):
        try:
            read_entry(entry, check_speakable, read_wav)
            n_good += 1
        except BadUtterance as error:
            problems += error.problems
    return n_good, problems


def _leave_alone(wav: Path) -> None:
    pass


def _audio_reader() -> Callable[[Path], Any]:
    # importing torch takes longer than all lines
    from sb_sma.data.speech.audio import read_recording
    from sb_sma.data.speech.mel import MelSettings

    return lambda wav: read_recording(wav, MelSettings())
