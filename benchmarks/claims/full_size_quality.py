#!/usr/bin/env python3
"""Does the full-size model say hard texts after 25 minutes on a GPU?

eSpeak NG speaks the transcripts of LJSpeech at varied rates and pitches, a
corpus as large as LJSpeech, whose timing is known. Trains LJSpeech's
``train.yaml`` on it with SMA and with softmax, lets both speak 100 hard texts
freely and counts the bad cases. Prints a table, and stores everything under
``results/``. Without a CUDA device it does nothing unless told so.

> python -m benchmarks.claims.full_size_quality
> python -m benchmarks.claims.full_size_quality --device=cpu --n_utterances=200 --minutes=1
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness.experiment import Experiment, Variant, print_figures
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.training_run import ROOT

OUTPUT = Path(__file__).parents[1] / "results" / "full_size_quality.json"
TRANSCRIPTS = ROOT.parent / "shared" / "data" / "ljspeech-transcripts.csv"
RUNS = ROOT / "results" / "full_size_quality"
RECIPE = Path("recipes/LJSpeech/TTS/transformer")
N_UTTERANCES = 13_050  # some transcripts come twice
RATE, PITCH = [140, 220], [30, 70]
ENOUGH_EPOCHS = 1000  # the minutes end the training


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--transcripts",
        type=Path,
        default=TRANSCRIPTS,
        help="metadata.csv of LJSpeech",
    )
    parser.add_argument(
        "--attention_types", nargs="*", default=["SMA", "regularMHA"]
    )
    parser.add_argument("--n_utterances", type=int, default=N_UTTERANCES)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("skipped: no CUDA device is here; --device=cpu trains on the CPU")
        return
    if not arguments.transcripts.is_file():
        print(f"skipped: {arguments.transcripts} is not here")
        return
    result: dict[str, Any] = {
        "machine": {**describe_machine(), "device": arguments.device},
        "n_utterances": arguments.n_utterances,
        "attention": {},
    }
    if arguments.device == "cuda":
        result["machine"]["cuda_device"] = torch.cuda.get_device_name()
    experiment = make_experiment(arguments)
    for name in experiment.variants:
        experiment.train([name])
        figures, _ = experiment.measure(name)
        result["attention"][name] = figures
        print_figures(name, figures)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


def make_experiment(arguments: argparse.Namespace) -> Experiment:
    """Write the texts; the runs share one corpus, and end with their time."""
    RUNS.mkdir(parents=True, exist_ok=True)
    texts = RUNS / "texts.txt"
    lines = arguments.transcripts.read_text(encoding="utf-8").splitlines()
    spoken = [line.rsplit("|", 1)[1] for line in lines]
    texts.write_text("\n".join(spoken) + "\n", encoding="utf-8")
    command = [
        str(RECIPE / "train.py"),
        str(RECIPE / "hparams" / "train.yaml"),
        "--data_folder=null",
        f"--texts={texts.relative_to(ROOT)}",
        f"--n_utterances={arguments.n_utterances}",
        f"--rate={RATE}",
        f"--pitch={PITCH}",
        f"--n_processes={os.cpu_count()}",
        f"--max_minutes={arguments.minutes}",
        f"--number_of_epochs={ENOUGH_EPOCHS}",
        f"--samples_every={ENOUGH_EPOCHS}",
        f"--device={arguments.device}",
    ]
    variants = {
        name: Variant({"attention_type": name})
        for name in arguments.attention_types
    }
    return Experiment(
        command, variants, RUNS, RUNS / "corpus", arguments.device
    )


if __name__ == "__main__":
    main()
