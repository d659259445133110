"""Prepares recordings and their texts for training, whatever their layout."""

import contextlib
import hashlib
import json
import logging
import os
import shlex
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sb_sma.data.build_once import SPLITS, Manifests, build_once, write_json
from sb_sma.data.problems import abridged, raise_problems
from sb_sma.data.speech.folder import Utterance, check_processes, write_corpus
from sb_sma.data.speech.manifest import Entry, find_manifest, read_entries
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.pace import remarks_by_name
from sb_sma.data.speech.splits import HoldOut, assign_splits
from sb_sma.data.speech.utterance import read_utterance
from sb_sma.data.text.frontends import EspeakFrontend, Frontend, respelled

logger = logging.getLogger(__name__)

_REPORT = "report.json"


def prepare_speech(
    data_folder: str | Path,
    save_folder: str | Path,
    splits: HoldOut = HoldOut(),
    frontend: Frontend = EspeakFrontend(),
    mel: MelSettings | None = None,
    trim_db: float | None = None,
    skip_bad_utterances: bool = False,
    n_processes: int = 1,
) -> None:
    """Build the corpus, or reuse one that was built with the same arguments.

    Audio of any rate and number of channels becomes mono at the rate of the
    spectrograms. A call that was interrupted, or failed, is continued by the
    next one. That a recording was replaced is seen by its size, and until the
    corpus is finished by its time of change, too.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1; see
        ``sb_sma.data.speech.manifest``.
    save_folder : str or Path
        The corpus folder; see ``sb_sma.data.speech.folder`` for what it holds.
    splits : HoldOut
        Gives each utterance its split, where the manifest does not.
    frontend : Frontend
        Turns texts into tokens; by default eSpeak NG, voice en-us. What it has
        to learn, it learns from the training split, and the corpus keeps it.
    mel : MelSettings, optional
        The numbers that define the spectrograms.
    trim_db : float, optional
        Silence at both ends is cut off where it is so many decibels below
        the loudest part, but for a tenth of a second. By default it stays.
    skip_bad_utterances : bool
        Whether bad utterances are left out and counted instead of being an
        error.
    n_processes : int
        Number of processes that read the recordings; the corpus is the same.

    Raises
    ------
    ValueError
        If the corpus has problems (all are named, with file and line), if an
        argument is out of its bounds, or if the folder holds anything that is
        not a corpus.
    """
    if trim_db is not None and not trim_db > 0:
        raise ValueError(
            "trim_db must be null or a number of decibels above 0; got "
            f"{trim_db!r}. 40 cuts off what is 40 dB below the loudest part."
        )
    check_processes(n_processes)
    mel = mel or MelSettings()
    manifest = find_manifest(data_folder)
    # what would fail for every utterance should fail once, and at the start
    frontend.check()
    entries, problems = read_entries(data_folder)
    # sizes are older than what is read, so that a change is seen, if late
    states = {entry.name: _state(entry.wav) for entry in entries}
    list_command = f"sb-sma check {shlex.quote(str(data_folder))}"

    with _raised_with(problems, manifest, list_command):
        items = list(zip(entries, assign_splits(entries, splits)))

    def build(folder: Path) -> None:
        with _raised_with(problems, manifest, list_command):
            fitted = _fit(frontend, items)
        settings = (fitted.identity(), trim_db)

        def key(item: tuple[Entry, str]) -> str:
            read = frontend.written_out(item[0].text)
            return _key(item, states[item[0].name], (read, *settings))

        manifests, skipped = write_corpus(
            folder,
            items,
            _Maker(fitted, mel, trim_db),
            mel,
            key=key,
            n_processes=n_processes,
            problems=problems,
            skip_bad_utterances=skip_bad_utterances,
            list_command=list_command,
        )
        fitted.save(folder)
        write_json(folder / _REPORT, _report(manifests, skipped, mel))

    parameters = {
        "corpus": "speech",
        "splits": {"rule": type(splits).__name__, **asdict(splits)},
        "data_folder": str(Path(data_folder).expanduser().absolute()),
        "utterances_sha256": {
            entry.name: _digest(
                entry.text,
                entry.labels,
                _relative(entry.wav, manifest.parent),
                # a copy of the data has other times of change
                states[entry.name] and states[entry.name][0],
            )
            for entry in entries
        },
        "split_members_sha256": {
            split: _digest([e.name for e, chosen in items if chosen == split])
            for split in SPLITS
        },
        "bad_lines_sha256": _digest(
            [problem.removeprefix(str(manifest)) for problem in problems]
        ),
        "frontend": frontend.identity(),
        **respelled([frontend], [entry.text for entry in entries]),
        "mel": asdict(mel),
        "trim_db": trim_db,
        "skip_bad_utterances": skip_bad_utterances,
    }
    build_once(save_folder, parameters, build, resumable=True)
    _log_report(Path(save_folder).expanduser() / _REPORT)


@contextlib.contextmanager
def _raised_with(
    problems: list[str], manifest: Path, list_command: str
) -> Iterator[None]:
    """There may be too few utterances because the others are bad."""
    try:
        yield
    except ValueError as error:
        raise_problems([*problems, f"{manifest}: {error}"], list_command)


def _fit(frontend: Frontend, items: list[tuple[Entry, str]]) -> Frontend:
    """Return a front end that has learned from the training split."""
    return frontend.fit(
        [entry.text for entry, split in items if split == "train"]
    )


@dataclass(frozen=True)
class _Maker:
    """Makes an utterance from a manifest's entry and its split."""

    frontend: Frontend
    mel: MelSettings
    trim_db: float | None

    def __call__(self, item: tuple[Entry, str]) -> Utterance:
        entry, split = item
        tokens, recording = read_utterance(
            entry, self.frontend.tokens, self.mel, self.trim_db
        )
        return Utterance(
            name=entry.name,
            split=split,
            text=entry.text,
            samples=recording.samples.numpy(),
            tokens=tokens,
            place=entry.place,
            details={
                **entry.labels,
                "sample_rate": recording.sample_rate,
                "channels": recording.channels,
                "clipped": recording.clipped,
                "trimmed_seconds": recording.trimmed_seconds,
                "sound_seconds": recording.sound_seconds,
                "remarks": recording.remarks,
            },
        )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _relative(wav: Path, folder: Path) -> str:
    """Path from a folder, the same for all forms of its letters."""
    return unicodedata.normalize("NFC", os.path.relpath(wav, folder))


def _state(wav: Path) -> tuple[int, int] | None:
    """Size and time of change, which tell whether a file was replaced."""
    if not os.path.isfile(wav):
        return None
    file = wav.stat()
    return file.st_size, file.st_mtime_ns


def _key(
    item: tuple[Entry, str],
    state: tuple[int, int] | None,
    settings: tuple[Any, ...],
) -> str:
    """All that an utterance depends on, but not its line."""
    entry, split = item
    words = (entry.name, split, entry.text, entry.labels)
    return repr((words, str(entry.wav), state, settings))


def _report(
    manifests: Manifests, skipped: list[str], mel: MelSettings
) -> dict[str, Any]:
    """Return what was found and done, in total."""
    entries = {
        name: entry
        for manifest in manifests.values()
        for name, entry in manifest.items()
    }
    trimmed = [entry["trimmed_seconds"] for entry in entries.values()]
    return {
        "utterances": {
            split: len(manifest) for split, manifest in manifests.items()
        },
        "seconds": sum(entry["duration"] for entry in entries.values()),
        "trimmed_recordings": sum(seconds > 0 for seconds in trimmed),
        "trimmed_seconds": sum(trimmed),
        "resampled_recordings": sum(
            entry["sample_rate"] != mel.sample_rate
            for entry in entries.values()
        ),
        "mixed_recordings": sum(
            entry["channels"] > 1 for entry in entries.values()
        ),
        "clipped_recordings": [
            name for name, entry in entries.items() if entry["clipped"]
        ],
        "remarks": remarks_by_name(
            {
                name: (entry["text"], entry["sound_seconds"], entry["remarks"])
                for name, entry in entries.items()
            }
        ),
        "problems_skipped": skipped,
    }


def _log_report(path: Path) -> None:
    report = json.loads(path.read_text(encoding="utf-8"))
    logger.info(
        "%d utterances, %.2f hours; %.1f s of silence cut off at the ends of "
        "%d recordings, %d resampled, %d mixed to one channel; see %s",
        sum(report["utterances"].values()),
        report["seconds"] / 3600,
        report["trimmed_seconds"],
        report["trimmed_recordings"],
        report["resampled_recordings"],
        report["mixed_recordings"],
        path,
    )
    names_by_kind = defaultdict(list)
    for name, remarks in report["remarks"].items():
        for kind in remarks:
            names_by_kind[kind].append(name)
    for kind, names in names_by_kind.items():
        logger.warning(
            "%d recordings are %s: %s", len(names), kind, abridged(names)
        )
    skipped = report["problems_skipped"]
    if skipped:
        logger.warning(
            "Training goes without bad utterances, %d problem(s):\n- %s",
            len(skipped),
            abridged(skipped, "\n- "),
        )
