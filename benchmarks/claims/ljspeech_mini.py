#!/usr/bin/env python3
"""Does the recipe find the alignment of real speech, with no known timing?

Trains the small model of the recipe for LJSpeech on a folder in its layout,
small enough to be learnt by heart, with SMA and with softmax attention for as
many minutes each. Counts the utterances whose alignment is monotone in the
end, and stores counts, curves and pictures under ``results/``.

> python -m benchmarks.claims.ljspeech_mini
> python -m benchmarks.claims.ljspeech_mini --attention_types SMA
> python -m benchmarks.claims.ljspeech_mini --runs SMA=results/ljspeech_mini/SMA
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hyperpyyaml import load_hyperpyyaml

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import median, significant
from benchmarks.harness.training_run import ROOT, read_cost, read_history, train
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.tokens import TokenTable
from sb_sma.metrics.alignment import alignment_path, focus_rate
from sb_sma.metrics.bad_cases import BadCaseRules
from sb_sma.metrics.path import count_path, coverage
from sb_sma.plots.figures import plot_comparison, plot_curves

RECIPE = ROOT / "recipes" / "LJSpeech" / "TTS" / "transformer"
RESULTS = Path(__file__).parents[1] / "results"
DATA_FOLDER = ROOT.parent / "shared" / "data" / "ljspeech-mini"
MINUTES = 20.0
THREADS = 2
ENOUGH_EPOCHS = 100_000  # the minutes end the training
SHORT_FIRST_EPOCHS = 20  # an epoch has a few steps only
CURVES = {
    "train": ["mel_loss"],
    "valid": [
        "mel_loss",
        "focus_rate",
        "coverage",
        "skips",
        "backward_jumps",
    ],
}
STORED_EPOCHS = 200


def main() -> None:
    """Train, count, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data_folder", type=Path, default=DATA_FOLDER)
    parser.add_argument(
        "--attention_types", nargs="*", default=["SMA", "regularMHA"]
    )
    parser.add_argument(
        "--runs",
        nargs="*",
        default=[],
        metavar="TYPE=FOLDER",
        help="runs that this script has trained before",
    )
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if not arguments.data_folder.is_dir():
        print(f"skipped: {arguments.data_folder} is not here")
        return
    torch.set_num_threads(arguments.threads)
    trained = dict(run.split("=", 1) for run in arguments.runs)
    result: dict[str, Any] = {"machine": describe_machine(), "attention": {}}
    shown = {}
    for name in arguments.attention_types:
        folder = Path(trained.get(name) or train_anew(name, arguments))
        utterances, shown[name] = measure_alignments(folder)
        history = read_history(folder)
        result["attention"][name] = {
            **read_cost(folder),
            "training_minutes": history[-1]["minutes"],
            "epochs": len(history),
            "steps": history[-1]["step"],
            "monotone": {
                split: f"{sum(u['monotone'] for u in each)} of {len(each)}"
                for split, each in utterances.items()
            },
            "medians": {
                split: {
                    figure: median([u[figure] for u in each])
                    for figure in ("coverage", "focus_rate")
                }
                for split, each in utterances.items()
            },
            "curves": read_curves(history),
            "utterances": utterances,
        }
    print_table(result)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "ljspeech_mini.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    draw(result, shown, arguments.results)


def train_anew(attention_type: str, arguments: argparse.Namespace) -> Path:
    """Run the recipe until its time is over."""
    output_folder = ROOT / "results" / "ljspeech_mini" / attention_type
    recipe = RECIPE.relative_to(ROOT)
    command = [
        str(recipe / "train.py"),
        str(recipe / "hparams" / "train_small.yaml"),
        f"--data_folder={os.path.relpath(arguments.data_folder, ROOT)}",
        f"--attention_type={attention_type}",
        f"--max_minutes={arguments.minutes}",
        f"--number_of_epochs={ENOUGH_EPOCHS}",
        f"--samples_every={ENOUGH_EPOCHS}",
        f"--short_first_epochs={SHORT_FIRST_EPOCHS}",
    ]
    train(
        command,
        output_folder,
        output_folder / "corpus",
        n_threads=arguments.threads,
    )
    return output_folder


def measure_alignments(
    folder: Path,
) -> tuple[dict[str, list[dict[str, Any]]], torch.Tensor]:
    """Judge every teacher-forced alignment; give the first in training, too.

    The weights are the last ones: the best on the few validation utterances
    are from long before the training utterances are known by heart.
    """
    if str(RECIPE) not in sys.path:
        sys.path.insert(0, str(RECIPE))
    with open(folder / "hyperparams.yaml", encoding="utf-8") as stream:
        hparams = load_hyperpyyaml(stream)
    hparams["checkpointer"].recover_if_possible()
    model = hparams["average"].module
    (corpus,) = {path.parent for path in folder.glob("corpus/*/corpus.json")}
    table = TokenTable(json.loads((corpus / "tokens.json").read_text()))
    utterances: dict[str, list[dict[str, Any]]] = {}
    alignments = {}
    for split, manifest in load_manifests(corpus).items():
        utterances[split] = []
        for name, entry in manifest.items():
            token_ids = torch.tensor(table.encode(entry["tokens"]))
            log_mel = torch.from_numpy(np.load(entry["mel"]))
            alignments[name] = find_alignment(model, token_ids, log_mel)
            utterances[split].append({"name": name, **judge(alignments[name])})
    return utterances, alignments[utterances["train"][0]["name"]]


@torch.no_grad()
def find_alignment(
    model: torch.nn.Module, token_ids: torch.Tensor, log_mel: torch.Tensor
) -> torch.Tensor:
    """Return the most focused head on one utterance, (Q, K)."""
    n_tokens = torch.tensor([len(token_ids)])
    n_frames = torch.tensor([len(log_mel)])
    output = model(token_ids[None], n_tokens, log_mel[None], n_frames)
    heads = torch.cat(output.alignments, dim=1)
    rates = focus_rate(heads, output.query_lengths, n_tokens)[0]
    return heads[0, int(rates.argmax())]


def judge(alignment: torch.Tensor) -> dict[str, Any]:
    """Follow an alignment, (Q, K)."""
    n_queries, n_tokens = (torch.tensor([size]) for size in alignment.shape)
    head = alignment[None, None]
    path = alignment_path(head, n_tokens)[0, 0]
    counts = count_path(path, int(n_tokens))
    monotone = (
        counts.backward_jumps == 0
        and counts.longest_skip <= BadCaseRules().max_skip
        and counts.ends_on_last
    )
    return {
        "monotone": monotone,
        "backward_jumps": counts.backward_jumps,
        "longest_skip": counts.longest_skip,
        "coverage": significant(coverage(path, int(n_tokens))),
        "focus_rate": significant(float(focus_rate(head, n_queries, n_tokens))),
    }


def read_curves(history: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return figures of the epochs, evenly spaced ones, and of the last."""
    every = -(-len(history) // STORED_EPOCHS)
    records = history[::-every][::-1]
    curves = {"minutes": [significant(r["minutes"]) for r in records]}
    for part, names in CURVES.items():
        for name in names:
            curves[f"{part}_{name}"] = [
                significant(record[part][name]) for record in records
            ]
    return curves


def print_table(result: dict[str, Any]) -> None:
    """Return the counts, and the last point of every curve."""
    for name, figures in result["attention"].items():
        print(f"\n{name}, {figures['training_minutes']:.1f} minutes")
        print(f"  monotone: {figures['monotone']}")
        print(f"  medians: {figures['medians']}")
        for curve, values in figures["curves"].items():
            print(f"  {curve}: {values[0]:.4g} -> {values[-1]:.4g}")


def draw(
    result: dict[str, Any], shown: dict[str, torch.Tensor], folder: Path
) -> None:
    """Return the alignments of one utterance, and the curves."""
    figure = plot_comparison(shown, title="Teacher-forced, real speech")
    figure.savefig(folder / "ljspeech_mini.png", bbox_inches="tight")
    rows = []
    for name, figures in result["attention"].items():
        curves = figures["curves"]
        for values in zip(*curves.values()):
            point = dict(zip(curves, values))
            row = {"minutes": point.pop("minutes")}
            row.update({f"{name}/{curve}": v for curve, v in point.items()})
            rows.append(row)
    figure = plot_curves(rows, x="minutes")
    figure.savefig(folder / "ljspeech_mini_curves.png", bbox_inches="tight")


if __name__ == "__main__":
    main()
