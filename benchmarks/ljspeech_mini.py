#!/usr/bin/env python3
"""Does the recipe find the alignment of real speech, with no known timing?

Trains ``hparams/tts.yaml`` on a folder in LJSpeech-1.1 layout, small enough to
be learnt by heart, and stores the losses and the alignment pictures.

> python benchmarks/ljspeech_mini.py --data_folder=../shared/data/ljspeech-mini
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Train, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_folder", type=Path, required=True)
    parser.add_argument("--number_of_epochs", type=int, default=120)
    arguments = parser.parse_args()
    if not arguments.data_folder.is_dir():
        print(f"skipped: {arguments.data_folder} is not here")
        return
    output_folder = ROOT / "results" / "ljspeech_mini"
    shutil.rmtree(output_folder, ignore_errors=True)
    flags = [
        f"--number_of_epochs={arguments.number_of_epochs}",
        f"--samples_every={arguments.number_of_epochs}",
        "--n_samples=2",
        "--short_first_epochs=8",
        f"--guided_half_life={arguments.number_of_epochs // 3}",
    ]
    command = [
        sys.executable,
        "train.py",
        "hparams/tts.yaml",
        f"--data_folder={arguments.data_folder.resolve()}",
        f"--output_folder={output_folder}",
        f"--corpus_folder={output_folder}/corpus",
        *flags,
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    lines = (output_folder / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    shown = ("mel_loss", "focus_rate", "skips", "backward_jumps", "coverage")
    result = {
        "machine": describe_machine(),
        "flags": flags,
        "minutes": history[-1]["minutes"],
        "epochs": [
            {
                "epoch": record["epoch"],
                "step": record["step"],
                "train_mel_loss": record["train"]["mel_loss"],
                "valid": {name: record["valid"][name] for name in shown},
            }
            for record in history
        ],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ljspeech_mini.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    samples = output_folder / "samples" / f"epoch_{len(history):03d}"
    shutil.copy(samples / "1_alignment.png", RESULTS / "ljspeech_mini.png")
    for record in (result["epochs"][0], result["epochs"][-1]):
        print(json.dumps(record))


if __name__ == "__main__":
    main()
