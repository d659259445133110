#!/usr/bin/env python3
"""What a second process saves of an epoch, and what a training step needs.

- epochs: one process with one thread, two with one thread each, and one with
  two threads train on the same embedded corpus by the README's command. Two
  processes take half as many steps, each of them of twice as many frames; with
  "half batches", as many steps of as many frames. The second epoch is timed: in
  the first, everything is compiled and read for the first time. Ratios are of
  the same round;
- step: time, memory and loss of the full-size model's step as it is, in
  bfloat16, with activations that are computed again, and with gradients that
  are collected from two halves of the batch.

Prints everything, and stores it under ``results/``; what is left out stays as
it was measured before.

> python -m benchmarks.claims.scaling_processes
> python -m benchmarks.claims.scaling_processes --only "full size"
"""

import argparse
import json
import multiprocessing
import resource
import warnings
from pathlib import Path
from typing import Any

import torch

from benchmarks.claims.training_step import make_batch, make_brain, recipe_step
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import (
    Seconds,
    compare,
    median,
    significant,
    time_in_turn,
)
from benchmarks.harness.training_run import ROOT, read_history, train
from sb_sma.models.recomputation import set_recomputation

OUTPUT = ROOT / "benchmarks" / "results" / "scaling_processes.json"
RUNS = ROOT / "results" / "scaling_processes"
RECIPE = "recipes/LJSpeech/TTS/transformer"
WANTED_SHARE = 0.6
# of an epoch's time; processes, threads of each, and what divides their batches
CONTESTANTS = {
    "1 process": (1, 1, 1),
    "2 processes": (2, 1, 1),
    "2 processes, half batches": (2, 1, 2),
    "1 process, 2 threads": (1, 2, 1),
}
MODELS: dict[str, dict[str, Any]] = {
    "default": {
        "command": ["train.py", "hparams/tts.yaml"],
        "n_utterances": 800,
        "max_batch_frames": 2500,
        "max_batch_items": 16,
    },
    "full size": {
        "command": [f"{RECIPE}/train.py", f"{RECIPE}/hparams/train.yaml"],
        "n_utterances": 240,
        "max_batch_frames": 5000,
        "max_batch_items": 64,
    },
}
STEPS: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"precision": "bf16"},
    "activations again": {"recomputes": True},
    "bfloat16, activations again": {"precision": "bf16", "recomputes": True},
    "collected from 2": {"grad_accumulation_factor": 2},
}
# of utterances as long as LJSpeech's
STEP_BATCH = {"items": 4, "tokens": 69, "frames": 560}
N_STEPS = 3


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = [*MODELS, "step"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--precision", default="fp32", help="of the epochs")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    result: dict[str, Any] = {}
    if arguments.output.exists():
        result = json.loads(arguments.output.read_text())
    result["wanted"] = {"2 processes over 1": f"<= {WANTED_SHARE}"}
    for part in arguments.only:
        machine = describe_machine()
        if part == "step":
            figures = measure_steps()
        else:
            figures = measure_epochs(
                part, arguments.rounds, arguments.precision
            )
        result[part] = {"machine": machine, **figures}
        print(f"{part}: {json.dumps(figures, indent=1)}", flush=True)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def measure_epochs(name: str, rounds: int, precision: str) -> dict[str, Any]:
    """Time an epoch of each contestant, in turn."""
    seconds: Seconds = {contestant: [] for contestant in CONTESTANTS}
    valid: dict[str, float] = {}
    for _ in range(rounds):
        for contestant, how in CONTESTANTS.items():
            n_processes, n_threads, divisor = how
            folder = RUNS / contestant.replace(", ", "-").replace(" ", "_")
            train(
                command_of(name, divisor, precision),
                folder,
                RUNS / "corpus",
                n_processes,
                n_threads,
            )
            first, second = read_history(folder)
            spent = 60 * (second["minutes"] - first["minutes"])
            seconds[contestant].append(spent)
            valid[contestant] = significant(second["valid"]["mel_loss"])
    alone = seconds["1 process"]
    return {
        "command": " ".join(command_of(name, 1, precision)),
        "rounds": rounds,
        "seconds": {each: median(spent) for each, spent in seconds.items()},
        "over_1_process": {
            each: compare(spent, alone)
            for each, spent in seconds.items()
            if spent is not alone
        },
        "valid_mel_loss": valid,
    }


def command_of(name: str, divisor: int, precision: str) -> list[str]:
    """Return a training of two epochs, with smaller batches."""
    model = MODELS[name]
    flags = {
        "n_utterances": model["n_utterances"],
        "n_valid": 8,
        "n_test": 2,
        "max_batch_frames": model["max_batch_frames"] // divisor,
        "max_batch_items": model["max_batch_items"] // divisor,
        "number_of_epochs": 2,
        "samples_every": 0,
        "n_samples": 0,
        "num_workers": 0,
        "data_folder": "null",
        "device": "cpu",
        "precision": precision,
        "use_tensorboard": False,
    }
    return [
        *model["command"],
        *(f"--{key}={value}" for key, value in flags.items()),
        "--noprogressbar",
    ]


def measure_steps() -> dict[str, Any]:
    """Measure each way to make a step in a process of its own."""
    context = multiprocessing.get_context("spawn")
    figures = {}
    for name, how in STEPS.items():
        with context.Pool(1) as pool:
            figures[name] = pool.apply(measure_step, kwds=how)
    plain = figures["float32"]
    return {
        "of": f"the full-size model, {STEP_BATCH}, {N_STEPS} steps",
        "ways": figures,
        "over_float32": {
            name: {
                key: significant(each[key] / plain[key])
                for key in ("seconds", "memory_gib")
            }
            for name, each in figures.items()
        },
    }


def measure_step(
    precision: str = "fp32",
    recomputes: bool = False,
    grad_accumulation_factor: int = 1,
) -> dict[str, float]:
    """Time and memory of a step, and the loss after some."""
    # SpeechBrain's guided attention
    warnings.filterwarnings("ignore", message="torch.meshgrid")
    torch.set_num_threads(1)
    brain = make_brain(
        "cpu",
        {"data_folder": "not read"},
        task="ljspeech",
        precision=precision,
        grad_accumulation_factor=grad_accumulation_factor,
    )
    set_recomputation(brain.hparams.models["model"], recomputes)
    n_items = STEP_BATCH["items"] // grad_accumulation_factor
    batch = make_batch({**STEP_BATCH, "items": n_items}, "cpu")
    part = recipe_step(brain, batch, brain.hparams.own_frames)
    before = peak_memory()
    losses = []

    def step() -> None:
        """Make one step, of as many batches as are collected."""
        for _ in range(grad_accumulation_factor):
            brain.step += 1
            losses.append(float(part()))

    seconds = time_in_turn({"step": step}, N_STEPS - 1, warm_up=1)["step"]
    return {
        "seconds": median(seconds),
        "memory_gib": significant(peak_memory() - before),
        "loss": significant(losses[-1]),
    }


def peak_memory() -> float:
    """Most memory that this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
