#!/usr/bin/env python3
"""A manifest of very many lines, and what its stages take in this process.

No recording is opened: the manifest has their durations. Run as a program, it
measures one manifest, in a process of its own, and prints JSON.

> python -m benchmarks.harness.large_manifest recordings manifest.csv
> python -m benchmarks.harness.large_manifest shards train.jsonl
"""

import csv
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sb_sma.data.espeak.text_grammar import generate_texts
from sb_sma.data.sampler import LengthBatchSampler, ShardBatchSampler
from sb_sma.data.shards.manifest import ShardManifest
from sb_sma.data.speech.check import check_corpus
from sb_sma.data.speech.manifest.read import read_entries
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.splits import HoldOut, assign_splits

SECONDS_PER_LETTER = 1 / 15
SHARD_SIZE = 256
# of the recipe for a GPU
LIMITS = {"max_length": 24000, "max_items": 64}
_N_TEXTS = 2000
_N_SPEAKERS = 500


def write_manifest(path: Path, n_lines: int, seed: int = 0) -> float:
    """Write a manifest as a corpus of real speech has it.

    Arguments
    ---------
    path : Path
        A ``.csv`` or ``.jsonl`` file.
    n_lines : int
        Utterances.
    seed : int
        Draws texts.

    Returns
    -------
    seconds : float
        Of all recordings.
    """
    draw = random.Random(seed)
    texts = generate_texts(_N_TEXTS, seed)
    columns = ("id", "wav", "text", "speaker", "duration")
    total = 0.0
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        if path.suffix == ".csv":
            table.writerow(columns)
        for number in range(n_lines):
            text = draw.choice(texts)
            seconds = round(0.5 + SECONDS_PER_LETTER * len(text), 3)
            total += seconds
            row = (
                f"utterance{number:08d}",
                f"clips/{number % 1000:03d}/utterance{number:08d}.flac",
                text,
                f"speaker{number % _N_SPEAKERS}",
                str(seconds),
            )
            if path.suffix == ".csv":
                table.writerow(row)
            else:
                file.write(json.dumps(dict(zip(columns, row))) + "\n")
    return total


def measure(manifest: Path) -> dict[str, Any]:
    """Check, split and batch, one after the other.

    Arguments
    ---------
    manifest : Path
        Of `write_manifest`.

    Returns
    -------
    figures : dict
        Of each stage, seconds of the processor and the most MiB above the
        imports so far; lines, batches and hours.
    """
    before = peak_mib()
    figures: dict[str, Any] = {}

    def stage(name: str, work: Callable[[], Any]) -> Any:
        """Do it, and note what it took."""
        start = time.process_time()
        result = work()
        figures[name] = {
            "processor_seconds": round(time.process_time() - start, 2),
            "peak_mib": round(peak_mib() - before, 1),
        }
        return result

    found = stage("check", lambda: check_corpus(manifest, skip_audio=True))
    assert not found.problems, found.problems[:3]
    entries, _ = stage("read", lambda: read_entries(manifest))
    splits = stage("split", lambda: assign_splits(entries, HoldOut()))
    frames = _training_frames(entries, splits)
    shards = np.arange(len(frames)) // SHARD_SIZE
    for name, make in (
        ("batch", lambda: LengthBatchSampler(frames, **LIMITS)),
        ("batch_shards", lambda: ShardBatchSampler(frames, shards, **LIMITS)),
    ):
        sampler = stage(name, lambda: _at_epoch_2(make()))
        figures[name]["batches"] = len(sampler)
    return {
        "lines": found.n_good,
        "hours": found.seconds / 3600,
        "held_out": len(splits) - splits.count("train"),
        "peak_mib": round(peak_mib() - before, 1),
        **figures,
    }


def _training_frames(entries: Any, splits: list[str]) -> np.ndarray:
    mel = MelSettings()
    seconds = np.fromiter(
        (e.duration for e, split in zip(entries, splits) if split == "train"),
        float,
    )
    return np.ceil(seconds * mel.sample_rate / mel.hop_length).astype(int)


def _at_epoch_2(sampler: LengthBatchSampler) -> LengthBatchSampler:
    sampler.set_epoch(2)
    return sampler


def peak_mib() -> float:
    """Tell the most memory of this process; that of its parent does not count.

    Returns
    -------
    mib : float
        Since it began.
    """
    status = Path("/proc/self/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def measure_opening(path: Path) -> dict[str, Any]:
    """Open the manifest of a training set in shards.

    Arguments
    ---------
    path : Path
        Its ``.jsonl`` file.

    Returns
    -------
    figures : dict
        Lines, seconds of the processor, and the most MiB above the imports.
    """
    before, start = peak_mib(), time.process_time()
    manifest = ShardManifest(path)
    # the names, which only a model with speakers asks for
    assert manifest[next(iter(manifest))]
    return {
        "lines": len(manifest),
        "processor_seconds": round(time.process_time() - start, 2),
        "peak_mib": round(peak_mib() - before, 1),
    }


if __name__ == "__main__":
    kind, manifest_path = sys.argv[1:]
    work = {"recordings": measure, "shards": measure_opening}[kind]
    print(json.dumps(work(Path(manifest_path))))
