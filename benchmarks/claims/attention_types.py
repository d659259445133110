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
from pathlib import Path
from typing import Any

import torch

from benchmarks.claims.training_step import (
    RECIPE_BATCH,
    make_batch,
    make_brain,
    recipe_step,
)
from benchmarks.harness.experiment import (
    SOFT_AND_HARD,
    Decoding,
    Experiment,
    Variant,
    print_figures,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import compare, median, time_in_turn
from benchmarks.harness.training_run import ROOT

OUTPUT = Path(__file__).parents[1] / "results" / "attention_types.json"
N_EPOCHS = 1000  # the minutes are over before
OWN_FRAMES = 0.5
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
    "forward attention": Variant({"attention_type": "forward"}),
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
    experiment = Experiment(
        [
            "train.py",
            "hparams/tts.yaml",
            f"--max_minutes={arguments.minutes}",
            f"--number_of_epochs={N_EPOCHS}",
        ],
        VARIANTS,
        folder=ROOT / "results" / "attention_types",
    )
    experiment.train(arguments.train, at_a_time=os.cpu_count(), n_threads=1)
    result = {
        "machine": describe_machine(),
        "conditions": "one run of each, on one thread, its last epoch whole",
        "runs_at_a_time": os.cpu_count(),
        "step": time_steps(arguments.rounds),
        "variants": {name: experiment.measure(name)[0] for name in VARIANTS},
    }
    result["table"] = make_table(result["variants"])
    print_table(result)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


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


def make_table(variants: dict[str, Any]) -> list[dict[str, Any]]:
    """Say in a line for each variant how fast and how well it attends."""
    rows = []
    for name, figures in variants.items():
        reached = figures["minutes_to_99_percent"]
        bad_cases = next(iter(figures["bad_cases"].values()))["count"]
        rows.append(
            {
                "attention": name,
                "steps": figures["steps"],
                "minutes to 99 % of frames within one phoneme": (
                    "not reached" if reached is None else round(reached, 1)
                ),
                "% of test frames within one phoneme": round(
                    100 * figures["test"]["within_one"], 1
                ),
                f"bad cases of {figures['n_hard_texts']}": bad_cases,
            }
        )
    return rows


def print_table(result: dict[str, Any]) -> None:
    """Print the figures that docs/results.md quotes."""
    over_softmax = result["step"]["over_softmax"]
    for name, figures in result["variants"].items():
        print_figures(name, figures)
        ratio = over_softmax[name]["median_of_ratios"]
        print(f"  step over softmax's: {ratio:.2f}")


if __name__ == "__main__":
    main()
