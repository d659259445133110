#!/usr/bin/env python3
"""How many words does G2P get wrong, and does monotonic attention help?

Trains by the very commands of the README: CMUdict; the English of SIGMORPHON
2021, whose data are given by `--shared_task`; and, for fewer epochs, every kind
of attention on the latter. Prints a table, and stores everything under
``results/``; a run that is named by `--runs` is not trained again, and what is
stored of other runs stays.

> python -m benchmarks.claims.g2p_quality --shared_task=DIR
> python -m benchmarks.claims.g2p_quality --only cmudict --processes=2 --precision=bf16
> python -m benchmarks.claims.g2p_quality --only cmudict --runs cmudict=results/g2p_quality/cmudict
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from benchmarks.harness.g2p_rates import format_rates
from benchmarks.harness.training_run import (
    ROOT,
    read_cost,
    read_history,
    read_seed,
    train,
)

STORED = Path(__file__).parents[1] / "results" / "g2p_quality.json"
SHARED_TASK = "recipes/SIGMORPHON2021/G2P/transformer"
ATTENTION_EPOCHS = 5
ATTENTION = {
    "2 of 4 heads monotonic": [],
    "all heads monotonic": ["--monotonic_heads=4"],
    "softmax": ["--attention_type=regularMHA"],
    "2 of 4 heads monotonic, unguided": ["--guided_weight=0"],
    "softmax, unguided": ["--attention_type=regularMHA", "--guided_weight=0"],
}


def main() -> None:
    """Train, collect, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--shared_task", help="folder with high/, medium/ and low/"
    )
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument(
        "--runs",
        nargs="*",
        default=[],
        metavar="NAME=FOLDER",
        help="runs that this script has trained before",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="that share every batch",
    )
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["fp32", "bf16"],
        help="of training; where a processor has bf16, it is faster",
    )
    arguments = parser.parse_args()
    trained = dict(run.split("=", 1) for run in arguments.runs)
    commands = list_commands(arguments.shared_task)
    for name, command in commands.items():
        if arguments.only is not None and name not in arguments.only:
            continue
        if arguments.precision != "fp32":
            command = [*command, f"--precision={arguments.precision}"]
        folder = Path(
            trained.get(name) or train_anew(name, command, arguments.processes)
        )
        stored = read_stored()  # another process may have added to it
        stored[name] = summarize(folder)
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(json.dumps(stored, indent=1) + "\n")
    print_table(read_stored())


def read_stored() -> dict[str, Any]:
    """Return what is stored of every run so far."""
    return json.loads(STORED.read_text()) if STORED.exists() else {}


def list_commands(shared_task: str) -> dict[str, list[str]]:
    """Return the command of every run, by name."""
    commands = {"cmudict": ["train.py", "hparams/g2p.yaml"]}
    if shared_task is None:
        print("The shared task is skipped: give its folder by --shared_task.")
        return commands
    eng_us = [
        f"{SHARED_TASK}/train.py",
        f"{SHARED_TASK}/hparams/train.yaml",
        f"--data_folder={Path(shared_task).resolve()}",
    ]
    commands["eng_us"] = eng_us
    for name, flags in ATTENTION.items():
        epochs = f"--number_of_epochs={ATTENTION_EPOCHS}"
        commands[f"eng_us, {name}"] = [*eng_us, epochs, *flags]
    return commands


def train_anew(name: str, command: list[str], n_processes: int) -> Path:
    """Run a command; runs share their corpora."""
    if n_processes > 1:
        yaml = (ROOT / command[1]).read_text(encoding="utf-8")
        batch_words = re.search(r"^batch_words: (\d+)", yaml, re.MULTILINE)[1]
        share = int(batch_words) // n_processes
        command = [*command, f"--batch_words={share}"]
    results = ROOT / "results" / "g2p_quality"
    output_folder = results / name.replace(", ", "_").replace(" ", "_")
    corpus_folder = results / "corpus" / name.split(",")[0]
    train(command, output_folder, corpus_folder, n_processes)
    return output_folder


def summarize(folder: Path) -> dict[str, Any]:
    """Return what is stored of a run; no path of this machine."""
    history = read_history(folder)
    cost = read_cost(folder)
    flags = []
    for flag in cost["command"].split():
        name, _, value = flag.partition("=")
        if name == "--initial_model":
            flag = f"{name}={'/'.join(Path(value).parts[-2:])}"  # RUN/model
        if name not in ("--data_folder", "--extra_folder"):
            flags.append(flag)
    measured = {
        path.stem.removesuffix("_stats"): json.loads(path.read_text())
        for path in sorted(folder.glob("*_stats.json"))
    }
    return {
        **cost,
        "command": " ".join(flags),
        "seed": read_seed(folder),
        "training_minutes": history[-1]["minutes"],
        "epochs": history[-1]["epoch"],
        "steps": history[-1]["step"],
        "beam_search": measured,
        "greedy_valid_wer_by_minutes": [
            [record["minutes"], record["valid"]["wer"]] for record in history
        ],
    }


def print_table(stored: dict[str, Any]) -> None:
    """Return the figures that the README quotes."""
    for name, figures in stored.items():
        print(
            f"\n{name}: {figures['epochs']} epochs, "
            f"{figures['wall_minutes']:.1f} minutes"
        )
        for split, stats in figures["beam_search"].items():
            print(f"  {split}: {format_rates(stats)}")


if __name__ == "__main__":
    main()
