#!/usr/bin/env python3
"""What does every stage cost, and what does that mean for very much speech?

Checks, splits and batches manifests of 10,000, 100,000 and 1,000,000 lines,
each in a process of its own, and tells how time and memory grow; prepares a
small corpus in files and in shards, reads both, takes steps of the default and
of the full-size model, and exports. From these figures alone it computes the
time, the memory and the disks of 1,000 and of 100,000 hours. Prints tables, and
stores everything under ``results/``. One thread; seconds are those of the
processor, so that other work does not count.

> python -m benchmarks.claims.scaling
> python -m benchmarks.claims.scaling --lines 1000 10000 --n_utterances 40
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch

from benchmarks.claims.full_size import FRAMES, TOKENS
from benchmarks.claims.training_step import (
    RECIPE_BATCH,
    make_batch,
    make_brain,
    recipe_step,
)
from benchmarks.harness.large_manifest import SHARD_SIZE, write_manifest
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import RECIPES
from benchmarks.harness.timing import median, significant
from sb_sma.data.batch import with_lengths
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.sampler import ShardBatchSampler
from sb_sma.data.shards.manifest import ShardManifest
from sb_sma.data.shards.read import ShardReader
from sb_sma.data.shards.samples import read_mels
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.tokens import TokenTable
from sb_sma.hparams import load_experiment, write_experiment
from sb_sma.inference.export import export_tts, speaking_settings
from sb_sma.training.recipe_frame import read_resolved

ROOT = Path(__file__).resolve().parents[2]
RECIPE = RECIPES["tts"]
RESULTS = Path(__file__).parents[1] / "results"
WANTED_MIB = 1024.0
HOURS = (1_000, 100_000)
# of a machine that prepares
CORES = 32
NAMES = {
    "check": "check, s",
    "read": "read, s",
    "split": "split, s",
    "batch": "batch, s",
    "batch_shards": "batch by shards, s",
}
ROWS = {
    "utterances": "utterances",
    "manifest_gb": "manifest, GB",
    "check_split_batch_minutes": "check, split and batch, minutes",
    "check_split_batch_gib": "their memory, GiB",
    "preparation_core_hours": "preparation, hours of a core",
    f"preparation_hours_on_{CORES}_cores": (
        f"preparation, hours of a machine of {CORES} cores"
    ),
    "files_tb": "disk, files, TB",
    "n_files": "files",
    "shards_tb": "disk, shards, TB",
    "n_shards": f"shards of {SHARD_SIZE}",
    "start_minutes": "start of a run on shards, minutes",
    "start_gib": "its memory, GiB",
    "epoch_reading_hours": "reading an epoch of shards, hours of a core",
    "epoch_core_hours": "training an epoch, hours of a core (default, full-size)",
    "cores_for_an_epoch_a_day": "cores for an epoch a day (default, full-size)",
}
FRAMES_PER_HOUR = 3600 * MelSettings().sample_rate / MelSettings().hop_length
# of the full-size model, utterances as long as LJSpeech's
FULL_BATCH = {"items": 3, "tokens": TOKENS, "frames": FRAMES}
BYTES_PER_FRAME = 4 * MelSettings().n_mels
_SHARDS_OF_THE_CORPUS = 8


def main() -> None:
    """Measure, compute, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000]
    )
    parser.add_argument(
        "--n_utterances", type=int, default=200, help="of the small corpus"
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "scaling.json")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="torch.meshgrid")
    torch.set_num_threads(1)
    start = time.perf_counter()
    result: dict[str, Any] = {
        "machine": {**describe_machine(), "threads": "1"},
        "wanted_peak_mib": WANTED_MIB,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result["manifests"] = measure_manifests(folder, arguments.lines)
        result["growth"] = growth(result["manifests"])
        result |= measure_corpus(folder, arguments.n_utterances)
        result["export"] = measure_export(folder)
    result["training"] = measure_training()
    result["means"] = {str(hours): mean(result, hours) for hours in HOURS}
    result["seconds"] = round(time.perf_counter() - start)
    print_tables(result)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def measure_manifests(
    folder: Path, sizes: Iterable[int]
) -> list[dict[str, Any]]:
    """Check, split and batch, each manifest in a process of its own."""
    measured = []
    for n_lines in sizes:
        path = folder / "manifest.csv"
        write_manifest(path, n_lines)
        figures = apart("recordings", path)
        measured.append({**figures, "bytes": path.stat().st_size})
        print(f"{n_lines} lines: {figures}", flush=True)
        path.unlink()
    return measured


def apart(kind: str, path: Path) -> dict[str, Any]:
    """Measure a manifest in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.harness.large_manifest"]
    done = subprocess.run(
        [*command, kind, str(path)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def growth(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """Exponents of time and memory from the second largest to the largest."""
    few, many = manifests[-2:]
    factor = math.log(many["lines"] / few["lines"])

    def exponent(read: Callable[[dict[str, Any]], float]) -> float:
        """1 where it doubles with the lines."""
        return significant(math.log(read(many) / read(few)) / factor)

    return {
        "time_exponent": exponent(seconds_of),
        "peak_memory_exponent": exponent(lambda each: each["peak_mib"]),
        "bytes_per_line": significant(
            (many["peak_mib"] - few["peak_mib"])
            * 2**20
            / (many["lines"] - few["lines"])
        ),
    }


def seconds_of(figures: dict[str, Any]) -> float:
    """Of all stages of a manifest."""
    return sum(figures[stage]["processor_seconds"] for stage in NAMES)


def measure_corpus(folder: Path, n_utterances: int) -> dict[str, Any]:
    """Prepare in files and in shards, and read both."""
    manifest = write_recordings(folder, n_utterances)
    result: dict[str, Any] = {"preparation": {}}
    utterances_per_shard = max(1, n_utterances // _SHARDS_OF_THE_CORPUS)
    for name, size in (("files", 0), ("shards", utterances_per_shard)):
        corpus = folder / name
        start = time.process_time()
        prepare_speech(
            manifest, corpus, trim_db=40.0, utterances_per_shard=size
        )
        spent = time.process_time() - start
        train = load_manifests(corpus)["train"]
        hours = sum(entry["duration"] for entry in train.values()) / 3600
        all_hours = hours + held_out_hours(corpus)
        result["preparation"][name] = {
            "hours": all_hours,
            "processor_seconds_per_hour": significant(spent / all_hours),
            "bytes_per_hour": round(training_bytes(corpus, train) / hours),
            "files_per_utterance": 0 if size else 2,
        }
    ways = {
        "files": lambda: count_frames(read_files(folder / "files")),
        "shards": lambda: count_frames(read_mels(train)),
        "shards_as_batches": lambda: count_frames(
            read_batches(folder / "shards")
        ),
    }
    result["reading"] = {"of": "the page cache, one process"}
    for name, read in ways.items():
        seconds, frames = processor_seconds(read, rounds=3), read()
        result["reading"][name] = {
            "hours_per_second": significant(frames / FRAMES_PER_HOUR / seconds),
            "mb_per_second": significant(
                frames * BYTES_PER_FRAME / seconds / 1e6
            ),
        }
    result["open_shards"] = measure_opening(folder, train)
    return result


def write_recordings(folder: Path, n_utterances: int) -> Path:
    """Write recordings of eSpeak NG, and a manifest with their durations."""
    sys.path.insert(0, str(RECIPE))
    from embedded_prepare import prepare_embedded

    source = folder / "source"
    prepare_embedded(source, n_utterances, n_valid=2, n_test=2)
    path = folder / "recordings.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "wav", "text", "duration"])
        for manifest in load_manifests(source).values():
            for name, entry in manifest.items():
                row = (name, entry["wav"], entry["text"], entry["duration"])
                table.writerow(row)
    return path


def held_out_hours(corpus: Path) -> float:
    """Hours of validation and test."""
    manifests = load_manifests(corpus)
    return sum(
        entry["duration"] / 3600
        for split in ("valid", "test")
        for entry in manifests[split].values()
    )


def training_bytes(corpus: Path, train: Any) -> int:
    """Bytes on disk of all that is of the training split."""
    if isinstance(train, ShardManifest):
        paths = [train.path, *(corpus / "shards").iterdir()]
    else:
        paths = [Path(e[key]) for e in train.values() for key in ("wav", "mel")]
        paths.append(corpus / "train.json")
    return sum(path.stat().st_size for path in paths)


def processor_seconds(work: Callable[[], Any], rounds: int) -> float:
    """Median of some rounds, after one that does not count."""
    spent = []
    for _ in range(1 + rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent[1:])


def count_frames(mels: Iterable[torch.Tensor]) -> int:
    """Read them all."""
    return sum(len(mel) for mel in mels)


def read_files(corpus: Path) -> Iterable[torch.Tensor]:
    """Give the training mels of a corpus in files."""
    for entry in load_manifests(corpus)["train"].values():
        yield torch.from_numpy(np.load(entry["mel"]))


def read_batches(corpus: Path) -> Iterable[torch.Tensor]:
    """Give the same by the recipe's reader, batches and tokens made."""
    from train import make_item

    manifest = load_manifests(corpus)["train"]
    symbols = json.loads((corpus / "tokens.json").read_text(encoding="utf-8"))
    table = TokenTable(symbols)
    reader = ShardReader(manifest, lambda *item: make_item(*item, table))
    reader.sampler = ShardBatchSampler(
        manifest.lengths, manifest.shards, 24000, 64, mixed=4
    )
    loader = sb.dataio.dataloader.make_dataloader(
        reader.pipeline(), batch_size=None
    )
    for batch in loader:
        mels, lengths = with_lengths(batch.log_mel)
        yield from (mel[:length] for mel, length in zip(mels, lengths))


def measure_opening(folder: Path, train: ShardManifest) -> dict[str, float]:
    """Open a manifest of shards with 50,000 utterances like those."""
    entries = list(train.values())
    path = folder / "train.jsonl"
    n_lines = 50_000
    with open(path, "w", encoding="utf-8") as file:
        for number in range(n_lines):
            entry = dict(entries[number % len(entries)], id=f"u{number:08d}")
            entry["shard"] = f"train-{number // SHARD_SIZE:06d}.tar"
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    figures = apart("shards", path)
    path.unlink()
    return {
        **figures,
        "processor_seconds_per_million": significant(
            figures["processor_seconds"] * 1e6 / n_lines
        ),
        "mib_per_million": significant(figures["peak_mib"] * 1e6 / n_lines),
    }


def measure_export(folder: Path) -> dict[str, float]:
    """Write the default model as a folder that speaks."""
    output = folder / "output"
    script = str(RECIPE / "train.py")
    argv = [str(ROOT / "hparams" / "tts.yaml"), f"--output_folder={output}"]
    path, hparams, _, overrides = load_experiment(argv, script)
    write_experiment(str(output), path, script, overrides)
    sb.create_experiment_directory(experiment_directory=str(output))
    start = time.process_time()
    export_tts(
        output / "model",
        read_resolved(output),
        hparams["average"].module,
        ["a"],
        hparams["text_frontend"],
        speaking_settings(hparams),
    )
    seconds = time.process_time() - start
    size = sum(p.stat().st_size for p in (output / "model").rglob("*"))
    return {"seconds": significant(seconds), "mb": significant(size / 1e6)}


def measure_training() -> dict[str, Any]:
    """Time steps of the default and of the full-size model."""
    measured = {}
    for name, task, overrides, sizes, rounds in (
        ("default", "tts", {}, RECIPE_BATCH, 7),
        ("full_size", "ljspeech", {"data_folder": "not read"}, FULL_BATCH, 3),
    ):
        brain = make_brain("cpu", overrides, task)
        batch = make_batch(sizes, "cpu")
        step = recipe_step(brain, batch, brain.hparams.own_frames)
        seconds = processor_seconds(step, rounds)
        frames = int(with_lengths(batch.log_mel)[1].sum())
        measured[name] = {
            "frames": frames,
            "seconds_per_step": seconds,
            "seconds_per_hour": significant(seconds * FRAMES_PER_HOUR / frames),
        }
        print(f"{name}: {measured[name]}", flush=True)
    return measured


def mean(result: dict[str, Any], hours: int) -> dict[str, Any]:
    """Tell what so many hours take, by what was measured."""
    largest = result["manifests"][-1]
    lines = hours / largest["hours"] * largest["lines"]
    share = lines / largest["lines"]
    preparation = result["preparation"]
    core_hours = (
        preparation["shards"]["processor_seconds_per_hour"] * hours / 3600
    )
    opening = result["open_shards"]
    reading = result["reading"]["shards_as_batches"]["hours_per_second"]
    million = lines / 1e6
    return {
        "utterances": round(lines),
        "manifest_gb": significant(largest["bytes"] * share / 1e9),
        "check_split_batch_minutes": significant(
            seconds_of(largest) * share / 60
        ),
        "check_split_batch_gib": significant(
            result["growth"]["bytes_per_line"] * lines / 2**30
        ),
        "preparation_core_hours": significant(core_hours),
        f"preparation_hours_on_{CORES}_cores": significant(core_hours / CORES),
        "files_tb": disk(preparation["files"], hours),
        "n_files": round(2 * lines),
        "shards_tb": disk(preparation["shards"], hours),
        "n_shards": math.ceil(lines / SHARD_SIZE),
        "start_minutes": significant(
            opening["processor_seconds_per_million"] * million / 60
        ),
        "start_gib": significant(opening["mib_per_million"] * million / 1024),
        "epoch_reading_hours": significant(hours / reading / 3600),
        "epoch_core_hours": {
            name: significant(figures["seconds_per_hour"] * hours / 3600)
            for name, figures in result["training"].items()
        },
        "cores_for_an_epoch_a_day": {
            name: math.ceil(figures["seconds_per_hour"] * hours / 86400)
            for name, figures in result["training"].items()
        },
    }


def disk(figures: dict[str, Any], hours: int) -> float:
    """Terabytes of so many hours."""
    return significant(figures["bytes_per_hour"] * hours / 1e12)


def print_tables(result: dict[str, Any]) -> None:
    """Print the tables of `docs/scaling.md`."""
    print("\n| lines | " + " | ".join(NAMES.values()) + " | MiB |")
    print("|---" * (len(NAMES) + 2) + "|")
    for each in result["manifests"]:
        cells = [f"{each[s]['processor_seconds']:.2g}" for s in NAMES]
        row = " | ".join(cells)
        print(f"| {each['lines']:,} | {row} | {each['peak_mib']:.0f} |")
    print("grows with the lines to the power of", result["growth"])
    print("\n| stage | |\n|---|---|")
    for name, value in costs(result).items():
        print(f"| {name} | {value} |")
    print("\n| | " + " | ".join(f"{hours:,} hours" for hours in HOURS) + " |")
    print("|---" * (len(HOURS) + 1) + "|")
    for row, name in ROWS.items():
        cells = [shown(result["means"][str(h)][row]) for h in HOURS]
        print(f"| {name} | {' | '.join(cells)} |")
    peak = max(each["peak_mib"] for each in result["manifests"])
    verdict = "met" if peak <= WANTED_MIB else "missed"
    print(f"\npeak {peak:.0f} MiB, wanted at most {WANTED_MIB:.0f}: {verdict}")


def costs(result: dict[str, Any]) -> dict[str, str]:
    """Say what each stage costs, in words."""
    files, shards = (result["preparation"][k] for k in ("files", "shards"))
    reading, opening = result["reading"], result["open_shards"]
    export = result["export"]
    steps = {
        f"a training step's share, {name.replace('_', '-')} model": (
            f"{each['seconds_per_hour']:.0f} s per hour of speech"
        )
        for name, each in result["training"].items()
    }
    return {
        "preparing (reading, judging, trimming, tokens, mels)": (
            f"{files['processor_seconds_per_hour']:.0f} s per hour of speech; "
            f"in shards {shards['processor_seconds_per_hour']:.0f} s"
        ),
        "disk": (
            f"{files['bytes_per_hour'] / 1e6:.0f} MB per hour in files, "
            f"{shards['bytes_per_hour'] / 1e6:.0f} MB in shards"
        ),
        **{
            f"reading, {name.replace('_', ' ')}": (
                f"{reading[name]['hours_per_second']:.2g} hours of speech per "
                f"second ({reading[name]['mb_per_second']:.0f} MB/s)"
            )
            for name in ("files", "shards", "shards_as_batches")
        },
        "opening the manifest of shards": (
            f"{opening['processor_seconds_per_million']:.0f} s and "
            f"{opening['mib_per_million']:.0f} MiB per million utterances"
        ),
        **steps,
        "exporting the default model": (
            f"{export['seconds']:.2g} s, {export['mb']:.2g} MB"
        ),
    }


def shown(value: float | dict[str, float]) -> str:
    """Write a cell."""
    if isinstance(value, dict):
        return ", ".join(map(shown, value.values()))
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
