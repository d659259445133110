"""Prepares recordings and their texts for training, whatever their layout."""

import contextlib
import logging
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sb_sma.data.corpus.build_once import Manifests
from sb_sma.data.corpus.digests import DIGESTS, FileDigests, digest, state_of
from sb_sma.data.corpus.draw import position
from sb_sma.data.corpus.plan import Corpus
from sb_sma.data.json_files import read_json, write_json
from sb_sma.data.problems import abridged, raise_problems
from sb_sma.data.processes import check_processes
from sb_sma.data.shards.package import load_webdataset
from sb_sma.data.speech.amount import tell_if_little
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.manifest.read import Entry, find_manifest, read_entries
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.recording.pace import remarks_by_name
from sb_sma.data.speech.splits import HoldOut, assign_splits
from sb_sma.data.speech.utterance import read_utterance
from sb_sma.data.text.frontends import EspeakFrontend, Frontend, respelled

logger = logging.getLogger(__name__)

_REPORT = "report.json"


def prepare_speech(
    data_folder: str | Path,
    save_folder: str | Path | None = None,
    splits: HoldOut = HoldOut(),
    frontend: Frontend = EspeakFrontend(),
    mel: MelSettings | None = None,
    trim_db: float | None = None,
    skip_bad_utterances: bool = False,
    n_processes: int = 1,
    digests_folder: str | Path | None = None,
    utterances_per_shard: int = 0,
) -> Corpus:
    """Tell what the corpus is, and build it where a folder is given.

    Audio of any rate and number of channels becomes mono at the rate of the
    spectrograms. A call that was interrupted, or failed, is continued by the
    next one. The corpus is another one where a recording has other content,
    and the same one where the data lie elsewhere.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1; see
        ``sb_sma.data.speech.manifest.read``.
    save_folder : str or Path, optional
        The corpus folder; see ``sb_sma.data.speech.folder`` for what it holds.
        One that was built with the same arguments is reused. Default: nothing
        is built yet.
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
    digests_folder : str or Path, optional
        Keeps hashes of the recordings, so that only the first call has to read
        all of them. By default each does.
    utterances_per_shard : int
        Utterances in a shard of the training split, which then has no files of
        its own for each; needs the extra ``data``. 0 makes none.

    Returns
    -------
    corpus : Corpus
        Its ``make_in`` builds it where other corpora are.

    Raises
    ------
    ValueError
        If the corpus has problems (all are named, with file and line), if an
        argument is out of its bounds, or if the folder holds anything else.
    ImportError
        If shards are wanted, and WebDataset is missing.
    """
    if utterances_per_shard:
        load_webdataset()
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
    metadata_digest = digest(manifest.read_bytes())
    entries, problems = read_entries(data_folder)
    digests = FileDigests(_memory(digests_folder, manifest))
    # states are older than what is read, so that a change is seen
    states = [state_of(entry.wav) for entry in entries]
    recordings = digests.of([entry.wav for entry in entries])
    list_command = f"sb-sma check {shlex.quote(str(data_folder))}"
    with _raised_with(problems, manifest, list_command):
        drawn = assign_splits(entries, splits)

    def build(folder: Path) -> None:
        """Write the corpus into a folder."""
        items = list(zip(entries, drawn, recordings, states))
        if utterances_per_shard:
            # neighbours, such as all of a speaker, come into different shards
            items.sort(key=lambda item: position(item[0].name, splits.seed))
        with _raised_with(problems, manifest, list_command):
            fitted = _fit(frontend, items)
        settings = (fitted.identity(), trim_db)

        def key(item: Any) -> str:
            """Name an item by all that it depends on."""
            read = frontend.written_out(item[0].text)
            return _key(item, (read, *settings))

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
            utterances_per_shard=utterances_per_shard,
        )
        fitted.save(folder)
        write_json(folder / _REPORT, _report(manifests, skipped, mel))

    def when_ready(folder: Path) -> None:
        """Tell what a corpus that is ready was made of."""
        digests.save()
        _log_report(folder / _REPORT)

    settings = {
        "corpus": "speech",
        "frontend": frontend.identity(),
        **respelled([frontend], [entry.text for entry in entries]),
        "mel": asdict(mel),
        "trim_db": trim_db,
        **(
            {"utterances_per_shard": utterances_per_shard}
            if utterances_per_shard
            else {}
        ),
    }
    corpus = Corpus(
        f"speech-{settings['frontend']['name']}",
        {
            **settings,
            "skip_bad_utterances": skip_bad_utterances,
            "utterances": {
                entry.name: _digest_utterance(entry, recording)
                for entry, recording in zip(entries, recordings)
            },
            "held_out": {
                entry.name: split
                for entry, split in zip(entries, drawn)
                if split != "train"
            },
            # what is no utterance is told only while the corpus is built
            "bad_lines_of": metadata_digest if problems else None,
        },
        build,
        about={
            "utterances": len(entries),
            "frontend": settings["frontend"]["name"],
            "voice": settings["frontend"].get("voice"),
            "data_folder": str(Path(data_folder).expanduser().absolute()),
        },
        goes_on_with={**settings, "manifest": str(manifest)},
        when_ready=when_ready,
    )
    if save_folder is not None:
        corpus.make(save_folder)
    return corpus


@contextlib.contextmanager
def _raised_with(
    problems: list[str], manifest: Path, list_command: str
) -> Iterator[None]:
    """There may be too few utterances because the others are bad."""
    try:
        yield
    except ValueError as error:
        raise_problems([*problems, f"{manifest}: {error}"], list_command)


def _memory(folder: str | Path | None, manifest: Path) -> Path | None:
    """Find the file that keeps the hashes of a manifest's recordings."""
    if folder is None:
        return None
    name = DIGESTS.format(digest(str(manifest).encode()))
    return Path(folder).expanduser() / name


def _fit(frontend: Frontend, items: list[Any]) -> Frontend:
    """Return a front end that has learned from the training split."""
    return frontend.fit(
        [entry.text for entry, split, *_ in items if split == "train"]
    )


@dataclass(frozen=True)
class _Maker:
    """Makes an utterance from a manifest's entry, its split and its state."""

    frontend: Frontend
    mel: MelSettings
    trim_db: float | None

    def __call__(self, item: Any) -> Utterance:
        entry, split, _, state = item
        tokens, recording = read_utterance(
            entry, self.frontend.tokens, self.mel, self.trim_db
        )
        if state_of(entry.wav) != state:
            # no problem of the data: another start finds what is there now
            raise RuntimeError(
                f"{entry.place}: {entry.wav} has changed while the corpus was "
                "prepared. Start again when nothing else writes it."
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


def _digest_utterance(entry: Entry, recording: str | None) -> str:
    """Hash all that an utterance is made of, wherever that lies."""
    parts = (entry.text, sorted(entry.labels.items()), recording)
    return digest(repr(parts).encode())


def _key(item: Any, settings: tuple[Any, ...]) -> str:
    """All that an utterance depends on, but not its line."""
    entry, split, recording, _ = item
    words = (entry.name, split, entry.text, entry.labels)
    return repr((words, recording, settings))


def _report(
    manifests: Manifests, skipped: list[str], mel: MelSettings
) -> dict[str, Any]:
    """Return what was found and done, in total."""
    seconds, trimmed, n_trimmed, n_resampled, n_mixed = 0.0, 0.0, 0, 0, 0
    clipped, heard = [], {}
    for manifest in manifests.values():
        for name, entry in manifest.items():
            seconds += entry["duration"]
            trimmed += entry["trimmed_seconds"]
            n_trimmed += entry["trimmed_seconds"] > 0
            n_resampled += entry["sample_rate"] != mel.sample_rate
            n_mixed += entry["channels"] > 1
            clipped += [name] * entry["clipped"]
            heard[name] = (
                entry["text"],
                entry["sound_seconds"],
                entry["remarks"],
            )
    return {
        "utterances": {
            split: len(manifest) for split, manifest in manifests.items()
        },
        "seconds": seconds,
        "trimmed_recordings": n_trimmed,
        "trimmed_seconds": trimmed,
        "resampled_recordings": n_resampled,
        "mixed_recordings": n_mixed,
        "clipped_recordings": clipped,
        "remarks": remarks_by_name(heard),
        "problems_skipped": skipped,
    }


def _log_report(path: Path) -> None:
    report = read_json(path)
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
    tell_if_little(report["seconds"])
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
