#!/usr/bin/env python3
"""Does the minimal recipe align as well as the full one?

Trains ``hparams/tts.yaml`` on the embedded corpus, and the minimal recipe on the
same recordings, with the same tokens, widths and numbers of layers, for exactly
as many optimizer steps.
A frame of a held-out utterance counts if, taught by the true frames before it,
the head that is most focused in validation attends to the phoneme that is
spoken, or to one beside it. Prints a table, and stores it under ``results/``.

> python -m benchmarks.claims.minimal_recipe
> python -m benchmarks.claims.minimal_recipe --reuse
"""

import argparse
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import speechbrain as sb
import torch
from hyperpyyaml import load_hyperpyyaml

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.training_run import (
    ROOT,
    read_cost,
    summarize_history,
    train,
)
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.metrics.alignment_statistics import AlignmentStatistics
from sb_sma.metrics.path import true_path

OUTPUT = ROOT / "benchmarks" / "results" / "minimal_recipe.json"
RUNS = ROOT / "results" / "minimal_recipe"
RECIPE = Path("recipes", "LJSpeech", "TTS", "transformer_minimal")
HOP_LENGTH, REDUCTION_FACTOR = 256, 4
# those of hparams/tts.yaml
SIZES = {
    "d_model": 128,
    "nhead": 4,
    "d_ffn": 512,
    "num_encoder_layers": 1,
    "num_decoder_layers": 2,
    "reduction_factor": REDUCTION_FACTOR,
    "lr": 0.002,
    "n_warmup_steps": 200,
}
# those of the full recipe have 5.8 in the mean
BATCH_SIZE = 5
STORED = ("within_one", "exact", "coverage", "end_mass", "focus_rate")
FULL, MINIMAL = "full recipe", "minimal recipe"


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="do not train anew what has been trained to its end",
    )
    arguments = parser.parse_args()
    runs = {}
    for seed in arguments.seeds:
        runs[seed] = run_seed(seed, arguments.epochs, arguments.reuse)
        for name, figures in runs[seed].items():
            share = 100 * figures["within_one"]
            print(f"seed {seed}, {name}: {share:.2f} %", flush=True)
    result = {
        "machine": describe_machine(),
        "conditions": "one thread each; frames of 60 test utterances, in "
        "percent, within one phoneme of the true one",
        "table": make_table(runs),
        "largest_shortfall": find_largest_shortfall(runs),
        "runs": runs,
    }
    for row in result["table"]:
        print(row)
    print(f"largest shortfall: {result['largest_shortfall']:.2f} points")
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def run_seed(seed: int, epochs: int, reuse: bool) -> dict[str, Any]:
    """Train and measure everything with one seed."""
    folder = RUNS / f"seed_{seed}"
    full = folder / "full"
    command = [
        *("train.py", "hparams/tts.yaml", f"--seed={seed}"),
        *(f"--number_of_epochs={epochs}", "--samples_every=0"),
    ]
    train_once(command, full, folder / "corpus", reuse)
    summary = summarize_history(full)
    figures = {FULL: describe(full, summary["test"], summary["steps"])}
    (corpus,) = (folder / "corpus").glob("embedded-*/corpus.json")
    manifests = load_manifests(corpus.parent)
    flags = write_data(folder / "data", manifests)
    yaml = write_yaml(folder / "train.yaml", summary["steps"])
    minimal = folder / "minimal"
    command = [
        *(str(RECIPE / "train.py"), str(yaml)),
        *(f"--{key}={value}" for key, value in SIZES.items()),
        *(f"--seed={seed}", f"--batch_size={BATCH_SIZE}"),
        *("--num_workers=0", f"--epochs={2 * epochs}"),
        *("--device=cpu", "--noprogressbar", *flags),
    ]
    train_once(command, minimal, None, reuse)
    test = measure(minimal, manifests)
    figures[MINIMAL] = describe(minimal, test, summary["steps"])
    return figures


def train_once(
    command: list[str], run: Path, corpus: Path | None, reuse: bool
) -> None:
    """Train on one thread, but not again what is to be used again."""
    if not (reuse and (run / "cost.json").exists()):
        train(command, run, corpus, n_threads=1)


def describe(
    run: Path, test: Mapping[str, float], steps: int
) -> dict[str, Any]:
    """Choose what is stored of a run."""
    return {
        **{name: test[name] for name in STORED},
        "steps": steps,
        "wall_minutes": read_cost(run)["wall_minutes"],
    }


def write_yaml(path: Path, steps: int) -> Path:
    """Limit the steps; SpeechBrain's command line takes a text for it."""
    yaml = (ROOT / RECIPE / "hparams" / "train.yaml").read_text("utf-8")
    path.write_text(f"{yaml}\noptimizer_step_limit: {steps}\n", "utf-8")
    return path


def write_data(folder: Path, manifests: Mapping[str, Any]) -> list[str]:
    """Write manifests as SpeechBrain's recipes read them, and name them."""
    folder.mkdir(exist_ok=True)
    flags = ["--skip_prep=True", f"--data_folder={folder}"]
    tokens = set()
    for split, entries in manifests.items():
        path = folder / f"{split}.json"
        kept = {
            name: {
                "wav": entry["wav"],
                "label_phoneme": " ".join(entry["tokens"]),
            }
            for name, entry in entries.items()
        }
        path.write_text(json.dumps(kept), encoding="utf-8")
        flags.append(f"--{split}_json={path}")
        tokens.update(*(entry["tokens"] for entry in entries.values()))
    phonemes = json.dumps(sorted(tokens), ensure_ascii=False)
    return [*flags, f"--phonemes={phonemes}", f"--n_symbols={len(tokens) + 1}"]


def measure(run: Path, manifests: Mapping[str, Any]) -> dict[str, float]:
    """Compare the attention of a minimal run with the truth."""
    with open(run / "hyperparams.yaml", encoding="utf-8") as stream:
        hparams = load_hyperpyyaml(stream)
    recipe = runpy.run_path(str(ROOT / RECIPE / "train.py"))
    datasets = recipe["dataio_prepare"](hparams)
    hparams["checkpointer"].recover_if_possible(min_key="mel_loss")
    model = hparams["model"].eval()
    statistics = {}
    for split in ("valid", "test"):
        statistics[split] = AlignmentStatistics()
        for batch in sb.dataio.dataloader.make_dataloader(
            datasets[split], batch_size=BATCH_SIZE
        ):
            with torch.no_grad():
                predictions = model(*batch.tokens, *batch.mel)
            entries = [manifests[split][name] for name in batch.id]
            steps = predictions.step_lengths
            statistics[split].append(
                [predictions.alignments],
                steps,
                torch.tensor([len(entry["tokens"]) for entry in entries]),
                [
                    true_path(
                        entry["token_starts"],
                        n_steps,
                        HOP_LENGTH,
                        REDUCTION_FACTOR,
                    )
                    for entry, n_steps in zip(entries, steps.tolist())
                ],
            )
    return statistics["test"].summarize(statistics["valid"].guide())


def make_table(runs: Mapping[int, Any]) -> list[dict[str, Any]]:
    """Put the shares of the seeds side by side, in percent."""
    table = []
    for name in (FULL, MINIMAL):
        shares = {
            f"seed {seed}": 100 * figures[name]["within_one"]
            for seed, figures in runs.items()
        }
        mean = sum(shares.values()) / len(shares)
        table.append({"model": name, **shares, "mean": mean})
    return table


def find_largest_shortfall(runs: Mapping[int, Any]) -> float:
    """By how many points the minimal recipe is below, in the worst seed."""
    return max(
        100 * (figures[FULL]["within_one"] - figures[MINIMAL]["within_one"])
        for figures in runs.values()
    )


if __name__ == "__main__":
    main()
