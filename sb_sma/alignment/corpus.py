"""Aligns a corpus: trains, aligns, writes, and goes on where it was killed.

A folder of alignments holds::

    model/              the aligner, to be used again
    TextGrid/ID.TextGrid
    words.ctm, phones.ctm, alignments.json
    alignments.zip      of ARPAbet: for SpeechBrain's FastSpeech 2 recipe
    journal.jsonl       what is done, for the next start
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from sb_sma.alignment.acoustic_model import AcousticModel, load_model
from sb_sma.alignment.aligner import Aligner, too_short
from sb_sma.alignment.alignment import Alignment
from sb_sma.alignment.features import MEL, read_cepstrum
from sb_sma.alignment.lattice import AlignedWord, build_lattice
from sb_sma.alignment.reader import TextReader
from sb_sma.alignment.training import Heard, Training, spoken_by_espeak
from sb_sma.alignment.write import (
    SPOKEN_PAUSE,
    TEXTGRIDS,
    write_tables,
    write_textgrid,
    write_zip,
)
from sb_sma.data.corpus.digests import digest, state_of
from sb_sma.data.notation import strip_stress
from sb_sma.data.problems import abridged
from sb_sma.data.processes import check_processes, mapped
from sb_sma.data.speech.journal import Journal
from sb_sma.data.speech.manifest.read import BadUtterance, Entry, read_entry
from sb_sma.data.speech.names import visible
from sb_sma.data.speech.recording.audio import read_recording
from sb_sma.data.speech.recording.pace import pace_fault
from sb_sma.data.text.pieces import cut_text

MODEL = "model"
_JOURNAL, _LOCK = "journal.jsonl", ".lock"
# more teaches nothing new, and takes longer
_TRAINING_SECONDS = 1200
# longer ones are aligned, but not trained on: a pass takes time with the square
_LONGEST_SECONDS = 15
# with less than this, eSpeak NG's speech teaches the beginning
_LITTLE_SECONDS = 300
_TAUGHT_SECONDS = 120
# of eSpeak NG's speech
_LONGEST_TAUGHT = 120  # characters of an utterance

# a score that is so many times the usual distance below the others' median
_UNUSUAL = 8.0
_FEWEST_SCORES = 20

Tell = Callable[[str], None]


@dataclass
class Job:
    """What is to be aligned, and where to.

    Arguments
    ---------
    entries : sequence of Entry
        The recordings and their texts.
    folder : Path
        Of the alignments.
    reader : TextReader
        Reads the texts, if there is no aligner yet.
    aligner : Aligner, optional
        One that is trained. Default: one is trained on the recordings.
    n_processes : int
        Processes that read and align.
    tell : callable
        Called with a line about what goes on.
    """

    entries: Sequence[Entry]
    folder: Path
    reader: TextReader = TextReader()
    aligner: Aligner | None = None
    n_processes: int = 1
    tell: Tell = print


@dataclass
class Outcome:
    """What became of a corpus.

    Arguments
    ---------
    alignments : dict
        By the names of the recordings.
    problems : list of str
        What is wrong with those that have none.
    files : list of str
        What was written into the folder.
    """

    alignments: dict[str, Alignment] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def align_corpus(job: Job) -> Outcome:
    """Align recordings with their texts.

    Arguments
    ---------
    job : Job
        What, and where to. What an earlier call has done there, on the same
        recordings, is not done again.

    Returns
    -------
    outcome : Outcome
        Alignments, and what could not be aligned. All files are written.

    Raises
    ------
    ValueError
        If there is nothing to train on.
    OSError
        If the folder cannot be written.
    """
    check_processes(job.n_processes)
    (job.folder / TEXTGRIDS).mkdir(parents=True, exist_ok=True)
    with _locked(job.folder):
        aligner = job.aligner or _train(job)
        outcome = _align(job, aligner)
        if outcome.alignments:
            _tell_unheard(job, aligner, outcome.alignments)
            _tell_unusual(job, outcome.alignments)
            outcome.files = _write(job, aligner, outcome.alignments)
    return outcome


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let no other process write into a folder in the meantime."""
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(
            f"another process writes alignments into {folder}. Wait for it, or "
            "name another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _identity(entries: Sequence[Entry], reader: TextReader) -> str:
    """Hash all that a training depends on."""
    parts = [(e.name, e.text, state_of(e.wav)) for e in entries]
    return digest(repr((parts, reader, _TRAINING_SECONDS)).encode())


def _train(job: Job) -> Aligner:
    """Train, or go on with a training, or find it done."""
    folder = job.folder / MODEL
    identity = _identity(job.entries, job.reader)
    kept, progress = _kept(folder)
    begun = progress.get("identity") == identity
    if begun and progress["passes_done"] == progress["n_passes"]:
        job.tell(f"the aligner in {folder} was trained on these recordings")
        return kept
    heard, problems = _listen(job)
    if not heard:
        raise ValueError(
            "there must be a recording to train on; all are bad:\n- "
            + abridged(problems, "\n- ")
        )
    believed = _taught(job, heard)
    training = Training([each for _, each in heard], believed=believed)
    if begun:
        training.model = kept.model
        training.passes_done = progress["passes_done"]
    minutes = sum(each.seconds for _, each in heard) / 60
    job.tell(
        f"training on {minutes:.1f} minutes of speech, "
        f"{training.n_passes - training.passes_done} passes"
    )
    _run(job, training, "Training", folder, identity)
    return Aligner(training.model, job.reader)


def _kept(folder: Path) -> tuple[Aligner | None, dict[str, Any]]:
    """Return the aligner of an earlier call and its progress, if any."""
    try:
        return Aligner.load(folder), load_model(folder)[1]
    except (ValueError, KeyError):
        return None, {}


def _run(
    job: Job,
    training: Training,
    title: str,
    folder: Path | None = None,
    identity: str | None = None,
) -> None:
    """Train to the end, tell the time, and keep each pass."""
    begin = time.monotonic()
    left = training.n_passes - training.passes_done
    with tqdm(
        total=left * training.n_frames,
        desc=title,
        unit=" frames",
        unit_scale=True,
    ) as bar:
        for done in training.passes(bar.update):
            if folder is not None:
                Aligner(training.model, job.reader).save(
                    folder,
                    identity=identity,
                    passes_done=done,
                    n_passes=training.n_passes,
                )
    job.tell(f"trained in {_shown(time.monotonic() - begin)}")


def _shown(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _listen(job: Job) -> tuple[list[tuple[str, Heard]], list[str]]:
    """Read recordings, drawn by lot, until there are enough."""
    order = sorted(job.entries, key=lambda e: digest(e.name.encode()))
    heard, problems, too_long = [], [], []
    seconds = too_long_seconds = 0.0
    listener = _Listener(job.reader)
    with (
        # how long recordings are is not known before
        tqdm(desc="Reading", unit=" recordings") as bar,
        mapped(listener, order, _few(job, order)) as results,
    ):
        for entry, (each, faults) in zip(order, results):
            problems += faults
            bar.update()
            if each is None:
                continue
            if each.seconds > _LONGEST_SECONDS:
                too_long = too_long or [(entry.text, each)]
                too_long_seconds += each.seconds
            else:
                heard.append((entry.text, each))
                seconds += each.seconds
            if max(seconds, too_long_seconds) > _TRAINING_SECONDS:
                break
    # a book by chapters has nothing shorter
    return heard or too_long, problems


def _few(job: Job, items: Sequence[Any]) -> int:
    """Tell how many processes are worth while."""
    return min(job.n_processes, max(1, len(items) // 4))


def _taught(
    job: Job, heard: Sequence[tuple[str, Heard]]
) -> AcousticModel | None:
    """Return what eSpeak NG's speech teaches, where recordings are few."""
    seconds = sum(each.seconds for _, each in heard)
    longest = max(each.seconds for _, each in heard)
    if seconds >= _LITTLE_SECONDS and longest <= _LONGEST_SECONDS:
        return None
    job.tell(
        f"{seconds / 60:.1f} minutes in pieces of at most {longest:.0f} s are "
        "little to learn from, so eSpeak NG says the texts first; --model, an "
        "aligner of a larger corpus, would do better"
    )
    sentences = [
        piece.text
        for text, _ in heard
        for piece in cut_text(text, _LONGEST_TAUGHT)
    ]
    with tqdm(desc="Speaking by eSpeak NG", unit="s", unit_scale=True) as bar:
        taught = spoken_by_espeak(
            sentences, job.reader, _TAUGHT_SECONDS, bar.update
        )
    training = Training(taught)
    _run(job, training, "Training on eSpeak NG")
    return training.model


def _read(
    entry: Entry, reader: TextReader
) -> tuple[list[AlignedWord], torch.Tensor]:
    """Read text and recording; what is wrong with it is a BadUtterance."""
    words, recording = read_entry(
        entry, reader, lambda wav: read_recording(wav, MEL)
    )
    samples = recording.samples
    fewest = build_lattice(words, {}).fewest_frames
    fault = too_short(len(samples), fewest) or pace_fault(
        entry.text, recording.sound_seconds
    )
    if fault:
        raise BadUtterance([f"{entry.place}: {visible(entry.wav)} {fault}"])
    return words, samples


@dataclass(frozen=True)
class _Listener:
    """Reads a recording for the training."""

    reader: TextReader

    def __call__(self, entry: Entry) -> tuple[Heard | None, list[str]]:
        try:
            words, samples = _read(entry, self.reader)
        except BadUtterance as error:
            return None, error.problems
        return Heard(words, read_cepstrum(samples)), []


@dataclass(frozen=True)
class _Writer:
    """Aligns a recording and writes its TextGrid."""

    aligner: Aligner
    folder: Path

    def __call__(self, entry: Entry) -> tuple[dict[str, Any] | None, list[str]]:
        try:
            words, samples = _read(entry, self.aligner.reader)
        except BadUtterance as error:
            return None, error.problems
        alignment = self.aligner.align(samples, words)
        pause = SPOKEN_PAUSE if self.aligner.reader.phones == "arpabet" else ""
        write_textgrid(self.folder, entry.name, alignment, pause)
        return alignment.as_json(), []


def _align(job: Job, aligner: Aligner) -> Outcome:
    """Align what is not aligned yet."""
    model = digest(
        b"".join(
            each.numpy().tobytes() for each in aligner.model.tensors().values()
        )
    )
    keys = {
        entry.name: digest(
            repr(
                (entry.text, state_of(entry.wav), aligner.reader, model)
            ).encode()
        )
        for entry in job.entries
    }
    write = _Writer(aligner, job.folder / TEXTGRIDS)
    outcome = Outcome()
    with Journal(job.folder / _JOURNAL, set(keys.values())) as journal:
        done = {
            entry.name
            for entry in job.entries
            if keys[entry.name] in journal.finished
            and (write.folder / f"{entry.name}.TextGrid").is_file()
        }
        if done:
            job.tell(f"going on after {len(done)} recordings")
        rest = [entry for entry in job.entries if entry.name not in done]
        with mapped(write, rest, _few(job, rest)) as results:
            for entry in tqdm(job.entries, desc="Aligning", unit=" recordings"):
                if entry.name in done:
                    content = journal.finished[keys[entry.name]]
                else:
                    content, faults = next(results)
                    outcome.problems += faults
                    if content is None:
                        continue
                    journal.add(keys[entry.name], content)
                alignment = Alignment.from_json(content)
                outcome.alignments[entry.name] = alignment
    return outcome


def _tell_unheard(
    job: Job, aligner: Aligner, alignments: dict[str, Alignment]
) -> None:
    """Name phonemes that the aligner has not learned."""
    said = {
        interval.label
        for alignment in alignments.values()
        for interval in alignment.phones
    }
    unheard = sorted({*strip_stress([*said])} - {*aligner.model.units})
    if unheard:
        job.tell(
            f"remark: the aligner never heard {abridged(unheard)}, and takes "
            "what is left for it; train one on a corpus that has it"
        )


def _tell_unusual(job: Job, alignments: dict[str, Alignment]) -> None:
    """Name recordings that fit their texts far worse than the others."""
    for name in unusual_names(
        {name: each.score for name, each in alignments.items()}
    ):
        job.tell(
            f"remark: {name} fits its text far worse than the others do; "
            "listen whether it is what is said"
        )


def unusual_names(scores: dict[str, float]) -> list[str]:
    """Find scores that are far below the others.

    Arguments
    ---------
    scores : dict
        Of recordings, by name.

    Returns
    -------
    names : list of str
        Of those; none where the scores are few.

    Example
    -------
    >>> scores = {f"a{i}": -5 + i / 100 for i in range(30)}
    >>> unusual_names({**scores, "b": -9.0})
    ['b']
    """
    if len(scores) < _FEWEST_SCORES:
        return []
    middle = median(scores.values())
    distance = median(abs(score - middle) for score in scores.values())
    return [
        name
        for name, score in scores.items()
        if middle - score > _UNUSUAL * distance
    ]


def _write(
    job: Job, aligner: Aligner, alignments: dict[str, Alignment]
) -> list[str]:
    """Write what is of all recordings together."""
    wavs = {entry.name: entry.wav for entry in job.entries}
    files = write_tables(job.folder, alignments, wavs)
    # of an earlier call
    for path in (job.folder / TEXTGRIDS).glob("*.TextGrid"):
        if path.stem not in alignments:
            path.unlink()
    if aligner.reader.phones == "arpabet":
        files.append(write_zip(job.folder, list(alignments)))
    return files
