"""Everything that is wrong with a corpus of recordings, at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sb_sma.data.espeak.voice import check_speakable
from sb_sma.data.speech.manifest.read import (
    BadUtterance,
    Entry,
    find_manifest,
    read_entries,
)
from sb_sma.data.speech.names import visible
from sb_sma.data.speech.recording.pace import remarks_by_name, short_fault
from sb_sma.data.speech.splits import HoldOut, assign_splits


@dataclass
class Findings:
    """What was found in a corpus.

    Arguments
    ---------
    n_good : int
        Utterances without a problem.
    problems : list of str
        Each with file and line, or with the file where it is of the manifest
        as a whole.
    remarks : list of str
        What else to know of good recordings, with file and line.
    seconds : float
        Of good utterances, as far as the manifest has durations.
    """

    n_good: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0


def check_corpus(data_folder: str | Path, skip_audio: bool = False) -> Findings:
    """Check lines, splits and texts, and decode the recordings.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1; see
        ``sb_sma.data.speech.manifest.read``.
    skip_audio : bool
        Whether the recordings are left alone.

    Returns
    -------
    Findings
        Problems, and remarks on recordings.

    Raises
    ------
    ValueError
        If the manifest cannot be read as a whole.

    Example
    -------
    >>> path = getfixture("tmp_path") / "manifest.csv"
    >>> lines = [f"a{i},a{i}.wav,Yes." for i in range(5)]
    >>> _ = path.write_text("\\n".join(["id,wav,text", *lines, "b,b.wav,..."]))
    >>> findings = check_corpus(path, skip_audio=True)
    >>> findings.n_good, len(findings.problems), findings.remarks
    (5, 1, [])
    """
    entries, problems = read_entries(data_folder)
    try:
        # as training does by default
        assign_splits(entries, HoldOut())
    except ValueError as error:
        problems.append(f"{find_manifest(data_folder)}: {error}")
    findings = Findings(problems=problems)
    read = _read_text if skip_audio else _utterance_reader()
    heard = {}
    for entry in tqdm(entries, desc="Checking", disable=skip_audio):
        try:
            recording = read(entry)
        except BadUtterance as error:
            findings.problems += error.problems
            continue
        findings.n_good += 1
        findings.seconds += entry.duration or 0.0
        if recording:
            heard[entry.name] = (
                entry.text,
                recording.sound_seconds,
                recording.remarks,
            )
    remarks = remarks_by_name(heard)
    findings.remarks = [
        f"{entry.place}: {visible(entry.wav)} is {kind} ({detail})"
        for entry in (entries if remarks else ())
        for kind, detail in remarks.get(entry.name, {}).items()
    ]
    return findings


def find_problems(
    data_folder: str | Path, skip_audio: bool = False
) -> tuple[int, list[str]]:
    """Count good utterances, and list what is wrong with the others.

    Arguments
    ---------
    data_folder : str or Path
        See `check_corpus`.
    skip_audio : bool
        Whether the recordings are left alone.

    Returns
    -------
    (int, list of str)
        Number of good utterances, and all problems.

    Raises
    ------
    ValueError
        If the manifest cannot be read as a whole.
    """
    findings = check_corpus(data_folder, skip_audio)
    return findings.n_good, findings.problems


def _read_text(entry: Entry) -> None:
    """Judge the text, and whether the stated duration has room for it."""
    try:
        check_speakable(entry.text)
    except ValueError as error:
        raise BadUtterance([f"{entry.place}: {error}"]) from error
    if entry.duration is not None:
        fault = short_fault(entry.text, entry.duration)
        if fault:
            raise BadUtterance(
                [f"{entry.place}: {visible(entry.written_wav)} {fault}"]
            )


def _utterance_reader() -> Callable[[Entry], Any]:
    # importing torch takes longer than all lines
    from sb_sma.data.speech.mel import MelSettings
    from sb_sma.data.speech.recording.audio import Recording
    from sb_sma.data.speech.utterance import read_utterance

    def read(entry: Entry) -> Recording:
        """Read the recording of an entry."""
        return read_utterance(entry, check_speakable, MelSettings())[1]

    return read
