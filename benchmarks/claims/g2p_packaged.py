#!/usr/bin/env python3
"""The English model that comes with the package: made again, and scored.

Trained on the training words of the recipe's split of CMUdict, with stress, by
the recipe's own command and seed:

- member: a model of 1.3 M parameters;
- longer: the member, trained on with less dropout.

What is in the folder is not trained again. ``--package`` puts the mean of their
weights into the package, in half precision. Else the test words are scored, with
stress and without: by each model, by all together, by the model of the package,
whose weights have not seen them and whose lexicon is off, and by that and analogy
with the training words. Speed and the time from the start of the command are
measured, too. Prints, and stores everything under ``results/``.

> OMP_NUM_THREADS=1 python -m benchmarks.claims.g2p_packaged --package
> python -m benchmarks.claims.g2p_packaged
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from benchmarks.harness.g2p_score import (
    Entries,
    load_entries,
    print_rates,
    pronounce,
    score,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import count_parameters
from benchmarks.harness.training_run import ROOT, read_history, train
from sb_sma.data.corpus.digests import sha256_of
from sb_sma.inference import G2P
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.rescoring import CombinedG2P

STORED = Path(__file__).parents[1] / "results" / "g2p_packaged.json"
PACKAGED = ROOT / "sb_sma" / "inference" / "g2p" / "packaged" / "en-us"
RECIPE = ["train.py", "hparams/g2p.yaml", "--precision=bf16", "--seed=1986"]
SHAPE = [
    *["--d_model=128", "--d_ffn=512", "--encoder_layers=4"],
    *["--decoder_layers=1", "--average_decay=0.999"],
]
RUNS = {
    "member": [
        *[*SHAPE, "--dropout=0.07", "--lr=0.002", "--number_of_epochs=18"]
    ],
    "longer": [
        *[*SHAPE, "--dropout=0.03", "--lr=0.001", "--number_of_epochs=7"],
        "--initial_model=member/model",
    ],
}


def main() -> None:
    """Train what is missing, and package it or score, time, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "results" / "g2p_packaged"
    )
    parser.add_argument("--package", action="store_true")
    parser.add_argument("--rounds", type=int, default=5, help="of timing")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for name in RUNS:
        train_once(name, folder)
    if arguments.package:
        put_into_package([folder / name / "model" for name in RUNS], PACKAGED)
    else:
        measure(folder, arguments.rounds)


def train_once(name: str, folder: Path) -> None:
    """Train a model that is not in the folder yet."""
    if (folder / name / "model").is_dir():
        return
    flags = [
        flag.replace("initial_model=", f"initial_model={folder}/")
        for flag in RUNS[name]
    ]
    train([*RECIPE, *flags], folder / name, folder / "corpus")


def put_into_package(models: list[Path], packaged: Path) -> None:
    """Write the mean of exported models, its weights in half precision."""
    shutil.rmtree(packaged, ignore_errors=True)
    shutil.copytree(models[-1], packaged)
    weights = packaged / "model.safetensors"
    digest = sha256_of(weights)
    states = [load_file(model / weights.name) for model in models]
    halves = {
        name: (sum(state[name] for state in states) / len(states)).half()
        if each.is_floating_point()
        else each
        for name, each in states[-1].items()
    }
    # save_file lets nobody else read the file
    weights.write_bytes(save(halves))
    yaml = packaged / "hyperparams.yaml"
    text = yaml.read_text(encoding="utf-8")
    yaml.write_text(text.replace(digest, sha256_of(weights)), encoding="utf-8")


def measure(folder: Path, rounds: int) -> None:
    """Score, time, print and store."""
    (corpus,) = (folder / "corpus").glob("cmudict-*")
    entries = load_entries(corpus, "test")
    packaged = G2P.pretrained("en-us", lexicon=False)
    models = {
        name: G2P.from_hparams(source=str(folder / name / "model"))
        for name in RUNS
    }
    both = G2P.from_hparams(source=str(folder / "member" / "model"))
    both.join([models["longer"]])
    result = {
        "machine": describe_machine(),
        "runs": {name: summarize(folder / name, name) for name in RUNS},
        "packaged": {
            "parameters": count_parameters(packaged.mods.model),
            "bytes": sum(path.stat().st_size for path in PACKAGED.iterdir()),
        },
        "test_words": len(entries),
        "scores": {},
    }

    def score_each(systems: dict[str, Any]) -> None:
        """Score systems, print and store."""
        for name, g2p in systems.items():
            said = (
                g2p([entry["word"] for entry in entries])
                if isinstance(g2p, partial)
                else pronounce(g2p, entries)
            )
            result["scores"][name] = score(entries, said)
            print_rates(name, result["scores"][name])
            STORED.write_text(json.dumps(result, indent=1) + "\n")

    score_each(
        {
            "packaged": packaged,
            **models,
            "both": both,
            "packaged, greedy": partial(packaged, beam_size=1),
        }
    )
    result["greedy"] = measure_speed(packaged, entries, rounds)
    result["start"] = measure_start(rounds)
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    analogy = Analogy(
        {
            entry["word"]: entry["pronunciations"]
            for entry in load_entries(corpus, "train")
        }
    )
    score_each(
        {
            "packaged and analogy": CombinedG2P([packaged], analogy),
            "both and analogy": CombinedG2P([both], analogy),
        }
    )
    for key in ("packaged", "greedy", "start"):
        print(key, json.dumps(result[key]))


def summarize(run: Path, name: str) -> dict[str, Any]:
    """Tell how a model was trained."""
    history = read_history(run)
    return {
        "flags": " ".join([*RECIPE[2:], *RUNS[name]]),
        "epochs": history[-1]["epoch"],
        "steps": history[-1]["step"],
        "training_minutes": history[-1]["minutes"],
        "greedy_valid_wer_no_stress_by_minutes": [
            [record["minutes"], record["valid"]["wer_no_stress"]]
            for record in history
        ],
    }


def measure_speed(g2p: G2P, entries: Entries, rounds: int) -> dict[str, Any]:
    """Return words per second, greedily in float32.

    Where other work keeps the cores busy, words per second of the processor
    tell more.
    """
    words = [entry["word"] for entry in entries]
    walls, processors = [], []
    for _ in range(1 + rounds):
        wall, processor = time.monotonic(), time.process_time()
        g2p(words, beam_size=1)
        walls.append(time.monotonic() - wall)
        processors.append(time.process_time() - processor)
    return {
        "threads": torch.get_num_threads(),
        "words_per_second": len(words) / statistics.median(walls[1:]),
        "words_per_second_at_best": len(words) / min(walls[1:]),
        "words_per_processor_second": len(words)
        / statistics.median(processors[1:]),
    }


def measure_start(rounds: int) -> dict[str, Any]:
    """Return seconds from the start of the command to its end, and those of
    the processor."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, word in (("known", "hello"), ("unknown", "speechbrain")):
            path = Path(folder) / f"{name}.txt"
            path.write_text(f"{word}\n")
            command = [sys.executable, "-m", "sb_sma.cli", "g2p", "--input"]
            walls, processors = [], []
            for _ in range(1 + rounds):
                wall, processor = time.monotonic(), _spent_by_children()
                subprocess.run(
                    [*command, str(path)], check=True, capture_output=True
                )
                walls.append(time.monotonic() - wall)
                processors.append(_spent_by_children() - processor)
            figures[name] = {
                "seconds": statistics.median(walls[1:]),
                "seconds_at_best": min(walls[1:]),
                "processor_seconds": statistics.median(processors[1:]),
            }
    return figures


def _spent_by_children() -> float:
    """Return the processor's seconds of the commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
