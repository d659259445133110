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

from benchmarks.harness.hard_texts import (
    make_reference,
    read_hard_texts,
    refuse_known_texts,
    speak_hard_texts,
    summarize_bad_cases,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.training_run import (
    ROOT,
    read_cost,
    summarize_history,
    train,
)
from sb_sma.attention import StepwiseMonotonicMHA
from sb_sma.inference import TTS
from sb_sma.metrics.alignment import most_focused_head
from sb_sma.plots.figures import plot_comparison

RESULTS = Path(__file__).parents[1] / "results"
SHOWN_TOKENS = 30


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
        "--attention_types", nargs="*", default=["SMA", "regularMHA"]
    )
    arguments = parser.parse_args()
    trained = dict(run.split("=", 1) for run in arguments.runs)
    texts = read_hard_texts()
    references = [make_reference(text) for text in texts]
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "n_hard_texts": len(texts),
        "attention": {},
    }
    spoken = {}
    for name in arguments.attention_types:
        folder = trained.get(name)
        folder = Path(folder or train_anew(name))
        refuse_known_texts(folder, texts)
        tts = TTS.from_hparams(source=str(folder / "model"))
        modes = ["soft"] + ["hard"] * isinstance(
            tts.mods.model.decoder.layers[0].cross_attn, StepwiseMonotonicMHA
        )
        figures = {
            **read_cost(folder),
            **summarize_history(folder),
            "bad_cases": {},
        }
        for mode in modes:
            items = speak_hard_texts(tts, texts, references, mode)
            spoken.setdefault(name, items)
            figures["bad_cases"][mode] = summarize_bad_cases(items)
        result["attention"][name] = figures
    print_table(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tts_quality.json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    )
    draw_comparison(texts, spoken)


def train_anew(attention_type: str) -> Path:
    """Run the README's command."""
    output_folder = ROOT / "results" / "tts_quality" / attention_type
    command = [
        "train.py",
        "hparams/tts.yaml",
        f"--attention_type={attention_type}",
    ]
    train(command, output_folder, output_folder / "corpus")
    return output_folder


def print_table(result: dict[str, Any]) -> None:
    """Return the figures that the README quotes."""
    for name, figures in result["attention"].items():
        print(f"\n{name}")
        for key in ("wall_minutes", "peak_memory_gib", "training_minutes"):
            if key in figures:
                print(f"  {key}: {figures[key]:.2f}")
        reached = figures["minutes_to_99_percent"]
        print(f"  minutes to 99 % of valid frames within one: {reached}")
        for key in ("within_one", "line_within_one", "exact", "line_exact"):
            print(f"  test {key}: {figures['test'][key]:.4f}")
        for mode, bad in figures["bad_cases"].items():
            print(
                f"  bad cases, {mode}: {bad['count']} of "
                f"{result['n_hard_texts']}, median mel distance "
                f"{bad['median_distance']:.3f}"
            )
            for kind, count in bad["kinds"].items():
                print(f"    {count} texts: {kind}")


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
