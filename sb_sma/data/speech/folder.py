"""What a corpus folder holds, and how it is written.

A corpus folder holds ``wavs/``, ``mels/``, the manifests ``train.json``,
``valid.json`` and ``test.json``, ``mel_statistics.json`` and ``tokens.json``
(both of the training split only), and ``corpus.json``: the parameters that it
was built with. A manifest maps an utterance's name to its entry::

    wav, mel            paths that start with {data_root}
    duration            seconds
    mel_length          frames
    text
    tokens              list of str
    token_starts        first sample of each token, or null
    voice, rate, pitch, pitch_range     of eSpeak NG, or null; the voice, or the
                        name of another teacher, is the speaker, where no other
                        is named

and, in a corpus of recordings (``sb_sma.data.speech.prepare``), which also has
a ``report.json`` and what its text front end has learned, if anything::

    speaker, style, style_*     strings, where the manifest has such columns
    sample_rate, channels       of the recording
    clipped                     whether the recording is at full scale
    trimmed_seconds             silence cut off at both ends
"""

import contextlib
import hashlib
import logging
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from tqdm import tqdm

from sb_sma.data.corpus.build_once import FORMAT_VERSION, SPLITS, Manifests
from sb_sma.data.json_files import write_json
from sb_sma.data.problems import raise_problems
from sb_sma.data.processes import mapped
from sb_sma.data.shards.manifest import SHARD_MANIFEST, ShardManifest
from sb_sma.data.shards.samples import read_mels
from sb_sma.data.shards.write import ShardPacker
from sb_sma.data.speech.journal import Journal
from sb_sma.data.speech.manifest.read import BadUtterance
from sb_sma.data.speech.mel import LogMel, MelSettings, MelStatistics

logger = logging.getLogger(__name__)

_JOURNAL = "journal.jsonl"


@dataclass
class Utterance:
    """One clip of a corpus before it is written.

    Arguments
    ---------
    name : str
        Unique in the corpus; names its files.
    split : str
        train, valid or test.
    text : str
        What is said.
    samples : np.ndarray
        Samples at the rate of the corpus: int16, or floating point in
        [-1, 1], of shape (N,).
    tokens : sequence of str
        Phonemes.
    token_starts : sequence of int, optional
        First sample of each token, where known.
    voice : dict, optional
        voice, rate, pitch and pitch_range of eSpeak NG; of another teacher
        what it obeys, and its name as the voice.
    place : str
        Where it comes from, to be told with what is wrong with it.
    details : dict
        What else its entry holds; what JSON can hold.
    """

    name: str
    split: str
    text: str
    samples: np.ndarray
    tokens: Sequence[str]
    token_starts: Sequence[int] | None = None
    voice: dict[str, Any] | None = None
    place: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def write_corpus(
    folder: Path,
    items: Sequence[Any],
    make: Callable[[Any], Utterance],
    mel: MelSettings,
    key: Callable[[Any], str] = repr,
    n_processes: int = 1,
    problems: Sequence[str] = (),
    skip_bad_utterances: bool = False,
    list_command: str | None = None,
    utterances_per_shard: int = 0,
    split_of: Callable[[Any], str] = operator.itemgetter(1),
) -> tuple[Manifests, list[str]]:
    """Fill a corpus folder with audio, mel spectrograms and manifests.

    In a folder that an interrupted call has left, what is finished is kept.

    Arguments
    ---------
    folder : Path
        An empty folder, or one that this function has begun to fill.
    items : sequence
        One per utterance, in the order of the manifests.
    make : callable
        Turns an item into an utterance. A ValueError that it raises is
        collected, so that one run shows every problem.
    mel : MelSettings
        The numbers that define the spectrograms.
    key : callable
        Tells all that the utterance depends on, apart from ``mel``.
    n_processes : int
        Number of processes that make the utterances; more than one need a
        ``make`` that can be pickled.
    problems : sequence of str
        What is wrong with the corpus already; reported with the rest.
    skip_bad_utterances : bool
        Whether bad utterances are left out instead of being an error.
    list_command : str, optional
        Lists all problems, where an error has room for the first alone.
    utterances_per_shard : int
        Utterances in a shard of the training split; 0 gives each files of its
        own.
    split_of : callable
        Tells the split of an item, for shards.

    Returns
    -------
    (dict, list of str)
        The manifests as they were written, and the problems of utterances
        that were left out.

    Raises
    ------
    ValueError
        If some items could not be made (all are named), or if a split
        is empty.
    """
    for name in ("wavs", "mels"):
        (folder / name).mkdir(exist_ok=True)
    keys = [_digest(FORMAT_VERSION, key(item), mel) for item in items]
    problems = list(problems)
    manifests = {split: {} for split in SPLITS}
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(folder / _JOURNAL, set(keys)))
        packer = None
        if utterances_per_shard:
            packed = {
                index: keys[index]
                for index, item in enumerate(items)
                if split_of(item) == "train"
            }
            packer = ShardPacker(folder, packed, utterances_per_shard)
            stack.enter_context(packer)
        finished = _still_there(folder, keys, journal.finished, packer)
        if finished:
            logger.info("Going on after %d utterances", len(finished))
        rest = [i for i, key in zip(items, keys) if key not in finished]
        write = _Writer(folder, make, mel)
        results = stack.enter_context(mapped(write, rest, n_processes))
        for index, key in enumerate(tqdm(keys, desc="Preparing the corpus")):
            result, faults = finished.get(key), []
            if result is None:
                result, faults = next(results)
                problems += faults
                if not faults:
                    journal.add(key, result)
            split, name, entry = result or (None, None, None)
            if packer is not None and packer.packs(index):
                packer.add(index, name, entry)
            elif result:
                manifests[split][name] = entry
        if not skip_bad_utterances:
            raise_problems(problems, list_command)
        if packer is not None:
            packer.finish()
    if utterances_per_shard:
        manifests["train"] = ShardManifest(
            folder / SHARD_MANIFEST.format("train")
        )
    _write_manifests(folder, manifests)
    (folder / _JOURNAL).unlink()
    return manifests, problems


def _still_there(
    folder: Path,
    keys: Sequence[str],
    finished: dict[str, Any],
    packer: ShardPacker | None,
) -> dict[str, Any]:
    """Leave out what went into a shard of an earlier list of utterances."""
    if packer is None:
        return finished
    return {
        key: finished[key]
        for index, key in enumerate(keys)
        if key in finished
        and (
            packer.holds(index)
            or (folder / "mels" / f"{finished[key][1]}.npy").exists()
        )
    }


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _write_manifests(folder: Path, manifests: Manifests) -> None:
    for split, manifest in manifests.items():
        if not manifest:
            raise ValueError(
                f"The split {split} must hold at least one utterance; got "
                "none. Give more utterances, or mend those that are skipped."
            )
        if isinstance(manifest, dict):
            write_json(folder / f"{split}.json", manifest)
    # an interrupted run may have begun with others
    names = set().union(
        *(each for each in manifests.values() if isinstance(each, dict))
    )
    for path in [*folder.glob("wavs/*"), *folder.glob("mels/*")]:
        if path.stem not in names:
            path.unlink()
    train = manifests["train"]
    tokens = set().union(*(entry["tokens"] for entry in train.values()))
    write_json(folder / "tokens.json", sorted(tokens))
    mels = (
        read_mels(train)
        if isinstance(train, ShardManifest)
        else (
            torch.from_numpy(np.load(folder / "mels" / f"{name}.npy"))
            for name in train
        )
    )
    MelStatistics.from_mels(
        tqdm(mels, desc="Measuring the mels", total=len(train))
    ).save(folder / "mel_statistics.json")


class _Writer:
    """Makes an utterance from its item, and writes its files."""

    def __init__(
        self, folder: Path, make: Callable[[Any], Utterance], mel: MelSettings
    ):
        self.folder = folder
        self.make = make
        self.log_mel = LogMel(mel)

    def __call__(self, item: Any) -> tuple[list[Any] | None, list[str]]:
        """Split, name and entry, or None; and what is wrong."""
        try:
            utterance = self.make(item)
            entry = _write_utterance(self.folder, utterance, self.log_mel)
        except BadUtterance as error:
            return None, error.problems
        except ValueError as error:
            return None, [str(error)]
        return [utterance.split, utterance.name, entry], []


def _write_utterance(
    folder: Path, utterance: Utterance, log_mel: LogMel
) -> dict[str, Any]:
    sample_rate = log_mel.settings.sample_rate
    samples = utterance.samples
    features = _features(utterance, log_mel)
    wav, mel = f"wavs/{utterance.name}.wav", f"mels/{utterance.name}.npy"
    soundfile.write(folder / wav, samples, sample_rate, subtype="PCM_16")
    np.save(folder / mel, np.ascontiguousarray(features, dtype=np.float32))
    starts = utterance.token_starts
    voice = utterance.voice or {}
    return {
        "wav": "{data_root}/" + wav,
        "mel": "{data_root}/" + mel,
        "duration": len(samples) / sample_rate,
        "mel_length": len(features),
        "text": utterance.text,
        "tokens": list(utterance.tokens),
        "token_starts": None if starts is None else [int(s) for s in starts],
        "voice": voice.get("voice"),
        "rate": voice.get("rate"),
        "pitch": voice.get("pitch"),
        "pitch_range": voice.get("pitch_range"),
        **utterance.details,
    }


def _features(utterance: Utterance, log_mel: LogMel) -> np.ndarray:
    samples = utterance.samples
    waveform = samples.astype(np.float32)
    if samples.dtype == np.int16:
        waveform /= 2**15
    features = log_mel(torch.from_numpy(waveform)[None])[0].numpy()
    bad_frames = np.count_nonzero(~np.isfinite(features).all(axis=1))
    if bad_frames:
        raise ValueError(
            f"{utterance.place or utterance.name}: the mel must be finite; got "
            f"NaN or infinity in {bad_frames} of {len(features)} frames. "
            "Replace the recording or leave it out."
        )
    return features
