#!/usr/bin/env python3
"""Does the default model follow the text, and does it say hard texts?

Trains ``hparams/tts.yaml`` with SMA and with softmax attention, by the very
command of the README, then lets both speak 100 hard texts freely and counts
the bad cases. Prints a table, and stores everything under ``results/``.

> python -m benchmarks.claims.tts_quality
> python -m benchmarks.claims.tts_quality --runs SMA=results/tts/SMA
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness.experiment import (
    SOFT_AND_HARD,
    Experiment,
    Variant,
    print_figures,
)
from benchmarks.harness.hard_texts import read_hard_texts
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.training_run import ROOT
from sb_sma.metrics.alignment import most_focused_head
from sb_sma.plots.figures import plot_comparison

RESULTS = Path(__file__).parents[1] / "results"
SHOWN_TOKENS = 30
EXPERIMENT = Experiment(
    ["train.py", "hparams/tts.yaml"],
    {
        "SMA": Variant({"attention_type": "SMA"}, SOFT_AND_HARD),
        "regularMHA": Variant({"attention_type": "regularMHA"}),
    },
    folder=ROOT / "results" / "tts_quality",
)


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs",
        nargs="*",
        default=[],
        metavar="TYPE=FOLDER",
        help="runs that this script has trained before",
    )
    parser.add_argument(
        "--attention_types",
        nargs="*",
        choices=EXPERIMENT.variants,
        default=list(EXPERIMENT.variants),
    )
    arguments = parser.parse_args()
    trained = dict(run.split("=", 1) for run in arguments.runs)
    names = arguments.attention_types
    EXPERIMENT.train([name for name in names if name not in trained])
    texts = read_hard_texts()
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "n_hard_texts": len(texts),
        "attention": {},
    }
    spoken = {}
    for name in names:
        folder = Path(trained.get(name, EXPERIMENT.folder_of(name)))
        figures, spoken[name] = EXPERIMENT.measure(name, folder)
        result["attention"][name] = figures
        print_figures(name, figures)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tts_quality.json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    )
    draw_comparison(texts, spoken)


def draw_comparison(texts: list[str], spoken: dict[str, list]) -> None:
    """Both attentions on a text that only SMA manages."""
    if not {"SMA", "regularMHA"} <= spoken.keys():
        return
    shown = [
        index
        for index, items in enumerate(zip(spoken["SMA"], spoken["regularMHA"]))
        if items[1]["faults"]
        and not items[0]["faults"]
        and items[0]["alignment"].shape[2] >= SHOWN_TOKENS
    ]
    index = shown[0] if shown else len(texts) - 1
    heads = {}
    for name, items in spoken.items():
        alignment = items[index]["alignment"]
        lengths = [torch.tensor([size]) for size in alignment.shape[1:]]
        head = int(most_focused_head(alignment[None], *lengths)[0])
        heads[name] = alignment[head]
    figure = plot_comparison(heads, title=texts[index])
    figure.savefig(RESULTS / "tts_quality.png", bbox_inches="tight")


if __name__ == "__main__":
    main()
