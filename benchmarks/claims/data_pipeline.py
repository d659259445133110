#!/usr/bin/env python3
"""Does training wait for its data?

Prepares a small embedded corpus twice, to see what the features cost and that
they are computed once; then trains the default model on it by the recipe's own
Brain, datasets, sampler and loader, and measures which share of the time
passes inside ``next(iterator)``, without workers and with two. Prints a table,
and stores everything under ``results/``.

> python -m benchmarks.claims.data_pipeline
"""

import argparse
import importlib
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import speechbrain as sb
import torch

from benchmarks.harness.machine import describe_machine
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.tokens import TokenTable
from sb_sma.hparams import load_experiment
from sb_sma.training.history import History

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "Embedded" / "TTS" / "transformer"
RESULTS = Path(__file__).parents[1] / "results"
WANTED_SHARE = 0.05


def main() -> None:
    """Prepare, train, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--n_utterances", type=int, default=400)
    parser.add_argument(
        "--number_of_epochs",
        type=int,
        default=2,
        help="for each number of workers; the first has short sentences first",
    )
    parser.add_argument(
        "--num_workers",
        type=int,
        nargs="+",
        default=[0, 2],
        help="of the loader; one run for each",
    )
    arguments = parser.parse_args()
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "torch_threads": torch.get_num_threads(),
        "start_method": multiprocessing.get_start_method(),
        "model": "hparams/tts.yaml, its defaults",
        "step": "forward, losses, backward, clipping, optimizer, average",
        "files": "just written, so in the page cache",
        "wanted_share": WANTED_SHARE,
    }
    # beside this file, `train` is the recipe, not the runner in the root
    sys.path.insert(0, str(RECIPE))
    recipe = importlib.import_module("train")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = [
            f"--n_utterances={arguments.n_utterances}",
            "--n_valid=20",
            "--n_test=20",
            f"--number_of_epochs={arguments.number_of_epochs}",
            f"--corpus_folder={folder}/corpus",
            f"--output_folder={folder}/output",
            f"--device={result['device']}",
        ]
        result["preparation"] = measure_preparation(recipe, flags)
        result["training"] = {
            str(num_workers): measure_training(recipe, flags, num_workers)
            for num_workers in arguments.num_workers
        }
    print_table(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "data_pipeline.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )


def load(flags: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return hyperparameters of the default run, freshly seeded, and run options."""
    argv = [str(ROOT / "hparams" / "tts.yaml"), *flags]
    _, hparams, run_opts, _ = load_experiment(argv, RECIPE / "train.py")
    return hparams, run_opts


def prepare(recipe: Any, hparams: dict[str, Any]) -> Path:
    """Make or find the corpus, and return its folder."""
    return recipe.plan_corpus(hparams).make_in(hparams["corpus_folder"])


def measure_preparation(recipe: Any, flags: list[str]) -> dict[str, Any]:
    """Make the corpus, and ask for it once more."""
    hparams, _ = load(flags)
    start = time.perf_counter()
    folder = prepare(recipe, hparams)
    seconds = time.perf_counter() - start
    before = written(folder)
    start = time.perf_counter()
    prepare(recipe, hparams)
    seconds_again = time.perf_counter() - start
    entries = [
        entry
        for manifest in load_manifests(folder).values()
        for entry in manifest.values()
    ]
    audio_seconds = sum(entry["duration"] for entry in entries)
    mel_bytes = sum(Path(entry["mel"]).stat().st_size for entry in entries)
    return {
        "utterances": len(entries),
        "audio_seconds": audio_seconds,
        "mel_mib": mel_bytes / 2**20,
        "seconds": seconds,
        "times_real_time": audio_seconds / seconds,
        "seconds_again": seconds_again,
        "files_written_again": len(written(folder) - before),
    }


def written(folder: Path) -> set[tuple[Path, int]]:
    """Every file of a folder with the time of its last change.

    That of ``corpus.json`` is the time of the last use.
    """
    return {
        (path, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "corpus.json"
    }


def measure_training(
    recipe: Any, flags: list[str], num_workers: int
) -> dict[str, Any]:
    """Train like the recipe, and time the loader and the steps."""
    hparams, run_opts = load([*flags, f"--num_workers={num_workers}"])
    folder = prepare(recipe, hparams)
    manifests = load_manifests(folder)
    symbols = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    recipe.set_up_model(hparams, folder, manifests)
    brain = recipe.TTSBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
    )
    brain.history = History(folder.parent / "history.jsonl")
    dataset = recipe.make_datasets(manifests, TokenTable(symbols))["train"]
    brain.train_sampler = recipe.make_sampler(manifests["train"], hparams, True)
    loader = brain.make_dataloader(
        dataset,
        sb.Stage.TRAIN,
        batch_sampler=brain.train_sampler,
        num_workers=hparams["num_workers"],
    )
    brain.on_fit_start()
    epochs = [
        time_epoch(brain, loader, epoch) for epoch in hparams["epoch_counter"]
    ]
    return {
        **summarize(epochs),
        "epochs": [summarize([times]) for times in epochs],
    }


def time_epoch(
    brain: sb.Brain, loader: torch.utils.data.DataLoader, epoch: int
) -> dict[str, Any]:
    """One epoch of `Brain.fit`, with a clock.

    There is a wait more than steps: the last one brings no batch.
    """
    brain.on_stage_start(sb.Stage.TRAIN, epoch)
    brain.modules.train()
    brain.train_sampler.set_epoch(epoch)
    waits, steps, items, frames = [], [], 0, 0
    start = now(brain.device)
    iterator = iter(loader)
    while True:
        batch = next(iterator, None)
        ready = now(brain.device)
        waits.append(ready - start)
        if batch is None:
            break
        brain.fit_batch(batch)
        items += len(batch)
        frames += batch.log_mel.data.shape[:2].numel()
        start = now(brain.device)
        steps.append(start - ready)
    brain.on_stage_end(sb.Stage.TRAIN, None, epoch)
    return {"waits": waits, "steps": steps, "items": items, "frames": frames}


def now(device: str | torch.device) -> float:
    """Seconds, when the device has done all that it was given."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def summarize(epochs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is stored of some epochs.

    The first wait of an epoch starts the workers, the last one ends them. The
    share counts the last one; what the first one adds is given beside it.
    """
    first = sum(times["waits"][0] for times in epochs)
    last = sum(times["waits"][-1] for times in epochs)
    between = [wait for times in epochs for wait in times["waits"][1:-1]]
    steps = [step for times in epochs for step in times["steps"]]
    waiting, stepping = sum(between) + last, sum(steps)
    return {
        "batches": len(steps),
        "items_per_batch": sum(t["items"] for t in epochs) / len(steps),
        "padded_frames_per_batch": (
            sum(t["frames"] for t in epochs) / len(steps)
        ),
        "mean_step_seconds": stepping / len(steps),
        "mean_wait_seconds": sum(between) / max(len(between), 1),
        "longest_wait_seconds": max(between, default=0.0),
        "first_wait_seconds": first / len(epochs),
        "last_wait_seconds": last / len(epochs),
        "loop_seconds": waiting + stepping,
        "waiting_share": waiting / (waiting + stepping),
        "waiting_share_with_first": (
            (first + waiting) / (first + waiting + stepping)
        ),
    }


def print_table(result: dict[str, Any]) -> None:
    """Return the figures in short."""
    preparation = result["preparation"]
    print(
        f"\n{preparation['utterances']} utterances, "
        f"{preparation['audio_seconds']:.0f} s of audio: prepared in "
        f"{preparation['seconds']:.1f} s "
        f"({preparation['times_real_time']:.0f} x real time), found again in "
        f"{preparation['seconds_again'] * 1000:.1f} ms"
    )
    print(
        f"{result['device']}, {result['torch_threads']} threads; times in ms; "
        f"wanted with two workers: waiting at most {WANTED_SHARE:.0%}\n"
        "workers  batches    step    wait  longest   first  waiting  with first"
    )
    for num_workers, figures in result["training"].items():
        print(
            f"{num_workers:>7}  {figures['batches']:>7}"
            f"  {figures['mean_step_seconds'] * 1000:>6.1f}"
            f"  {figures['mean_wait_seconds'] * 1000:>6.2f}"
            f"  {figures['longest_wait_seconds'] * 1000:>7.2f}"
            f"  {figures['first_wait_seconds'] * 1000:>6.1f}"
            f"  {figures['waiting_share']:>7.2%}"
            f"  {figures['waiting_share_with_first']:>10.2%}"
        )


if __name__ == "__main__":
    main()
