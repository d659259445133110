#!/usr/bin/env python3
"""Every way to attend, on the same data, for the same minutes.

Trains ``hparams/tts.yaml`` with each attention type, each on one thread and as
many at a time as there are cores, and lets each speak the hard texts in every
way that it can be decoded. Training steps are timed in turn, on one thread.
Prints a table, and stores everything under ``results/``.

> python -m benchmarks.claims.attention_types
> python -m benchmarks.claims.attention_types --train "forward attention" softmax
> python -m benchmarks.claims.attention_types --train
"""

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.claims.training_step import (
    RECIPE_BATCH,
    make_batch,
    make_brain,
    recipe_step,
)
from benchmarks.harness.hard_texts import (
    make_reference,
    read_hard_texts,
    refuse_known_texts,
    speak_hard_texts,
    summarize_bad_cases,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import compare, median, time_in_turn
from benchmarks.harness.training_run import (
    ROOT,
    read_cost,
    summarize_history,
    train,
)
from sb_sma.inference import TTS

RUNS = ROOT / "results" / "attention_types"
OUTPUT = Path(__file__).parents[1] / "results" / "attention_types.json"
N_EPOCHS = 1000  # the minutes are over before
OWN_FRAMES = 0.5


class Decoding(NamedTuple):
    """How a text is spoken."""

    mode: str = "soft"
    attention_window: list[int] | None = None


class Variant(NamedTuple):
    """What is trained, and how it is decoded."""

    overrides: dict[str, Any]
    decodings: dict[str, Decoding]


SOFT_AND_HARD = {"soft": Decoding(), "hard": Decoding("hard")}
WINDOWS = {
    "no window": Decoding(),
    **{
        f"window {window}": Decoding(attention_window=window)
        for window in ([0, 2], [1, 3], [2, 5])
    },
}
VARIANTS = {
    "SMA": Variant({}, SOFT_AND_HARD),
    "SMA, one head reads for all": Variant(
        {"monotonic_head_choice": "focused"}, SOFT_AND_HARD
    ),
    "forward attention": Variant(
        {"attention_type": "forward"}, {"soft": Decoding()}
    ),
    "softmax": Variant({"attention_type": "regularMHA"}, WINDOWS),
    "softmax, guided to the end": Variant(
        {"attention_type": "regularMHA", "guided_half_life": None}, WINDOWS
    ),
}


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--train",
        nargs="*",
        choices=VARIANTS,
        default=list(VARIANTS),
        metavar="VARIANT",
        help="those to train anew; the others were trained before",
    )
    arguments = parser.parse_args()
    train_variants(arguments.train, arguments.minutes)
    result = {
        "machine": describe_machine(),
        "conditions": "one run of each, on one thread, its last epoch whole",
        "runs_at_a_time": os.cpu_count(),
        "step": time_steps(arguments.rounds),
        "variants": {name: measure(name) for name in VARIANTS},
    }
    print_table(result)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


def train_variants(names: list[str], minutes: float) -> None:
    """Return the README's command with the overrides of each variant."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [
            pool.submit(
                train,
                [
                    "train.py",
                    "hparams/tts.yaml",
                    f"--max_minutes={minutes}",
                    f"--number_of_epochs={N_EPOCHS}",
                    *flags_of(name),
                ],
                folder_of(name),
                folder_of(name) / "corpus",
                n_threads=1,
            )
            for name in names
        ]
        for run in runs:
            run.result()


def flags_of(name: str) -> list[str]:
    """Return what a variant is, on the command line."""
    overrides = VARIANTS[name].overrides
    return [f"--{key}={json.dumps(value)}" for key, value in overrides.items()]


def folder_of(name: str) -> Path:
    """Where a variant is trained."""
    return RUNS / name.replace(", ", "-").replace(" ", "_")


def time_steps(rounds: int) -> dict[str, Any]:
    """Time the recipe's step with each variant, in turn, on one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    batch = make_batch(RECIPE_BATCH, "cpu")
    steps = {
        name: recipe_step(
            make_brain("cpu", variant.overrides), batch, OWN_FRAMES
        )
        for name, variant in VARIANTS.items()
    }
    seconds = time_in_turn(steps, rounds)
    torch.set_num_threads(n_threads)
    return {
        "batch": RECIPE_BATCH,
        "own_frames": OWN_FRAMES,
        "rounds": rounds,
        "seconds": {name: median(spent) for name, spent in seconds.items()},
        "over_softmax": {
            name: compare(spent, seconds["softmax"])
            for name, spent in seconds.items()
        },
    }


def measure(name: str) -> dict[str, Any]:
    """Return figures of a variant that has been trained."""
    folder = folder_of(name)
    texts = read_hard_texts()
    refuse_known_texts(folder, texts)
    references = [make_reference(text) for text in texts]
    tts = TTS.from_hparams(source=str(folder / "model"))
    trained_decoding = tts.hparams.decoding
    bad_cases = {}
    for label, decoding in VARIANTS[name].decodings.items():
        tts.hparams.decoding = replace(
            trained_decoding, attention_window=decoding.attention_window
        )
        items = speak_hard_texts(tts, texts, references, decoding.mode)
        bad_cases[label] = summarize_bad_cases(items)
    return {
        "overrides": VARIANTS[name].overrides,
        **read_cost(folder),
        **summarize_history(folder),
        "n_hard_texts": len(texts),
        "bad_cases": bad_cases,
    }


def print_table(result: dict[str, Any]) -> None:
    """Return the figures that the README quotes."""
    over_softmax = result["step"]["over_softmax"]
    for name, figures in result["variants"].items():
        reached = figures["minutes_to_99_percent"]
        shown = "never" if reached is None else f"{reached:.1f}"
        bad = ", ".join(
            f"{label} {cases['count']}"
            for label, cases in figures["bad_cases"].items()
        )
        print(f"\n{name}: {figures['training_minutes']:.1f} minutes")
        print(f"  minutes to 99 %: {shown}")
        print(f"  test within one: {figures['test']['within_one']:.4f}")
        print(f"  bad cases of {figures['n_hard_texts']}: {bad}")
        ratio = over_softmax[name]["median_of_ratios"]
        print(f"  step over softmax's: {ratio:.2f}")


if __name__ == "__main__":
    main()
