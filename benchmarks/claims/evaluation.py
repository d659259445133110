#!/usr/bin/env python3
"""How many of the 500 texts of ``sb-sma evaluate`` does the default model say
wrongly, and how many does softmax attention?

Trains ``hparams/tts.yaml`` with SMA and with softmax attention, by the very
command of the README, and evaluates both models, each text as it comes: SMA soft
and hard, softmax as it is and through a window. Then SMA once more as it speaks,
what is not good up to five times; softmax has hardly a text that five attempts
would mend. Stores what it found under ``results/``.

> python -m benchmarks.claims.evaluation
> python -m benchmarks.claims.evaluation --runs SMA=results/tts/SMA
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.claims.tts_quality import EXPERIMENT, RESULTS
from benchmarks.harness.machine import describe_machine
from sb_sma.cli import main as sb_sma

WINDOW = ("1", "3")
N_FAULTS = 10


def main() -> None:
    """Train, evaluate and store."""
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
    parser.add_argument("--seeds", default="5")
    arguments = parser.parse_args()
    trained = dict(run.split("=", 1) for run in arguments.runs)
    names = arguments.attention_types
    EXPERIMENT.train([name for name in names if name not in trained])
    models = [
        str(Path(trained.get(name, EXPERIMENT.folder_of(name))) / "model")
        for name in names
    ]
    options = ["--seeds", arguments.seeds]
    once = ["--attempts", "1", "--model", *models]
    if "SMA" in names:
        once += ["--mode", "soft", "hard"]
    if "regularMHA" in names:
        once += ["--window", *WINDOW]
    content = summarize(evaluate([*options, *once], RESULTS / "evaluation.png"))
    if "SMA" in names:
        walking = models[names.index("SMA")]
        again = ["--model", walking, "--mode", "soft", "hard"]
        found = summarize(evaluate([*options, *again]))
        content["spoken again"] = found["systems"]
    (RESULTS / "evaluation.json").write_text(
        json.dumps(content, indent=1) + "\n"
    )


def evaluate(options: list[str], picture: Path | None = None) -> dict[str, Any]:
    """Run the command, and keep its picture where one is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        status = sb_sma(["evaluate", *options, "--out", folder])
        if status:
            raise SystemExit(status)
        if picture is not None:
            picture.parent.mkdir(exist_ok=True)
            shutil.copy(Path(folder) / "evaluation.png", picture)
        return json.loads((Path(folder) / "evaluation.json").read_text())


def summarize(found: dict[str, Any]) -> dict[str, Any]:
    """Keep what fits into a repository: no path, and few faulty texts."""
    kept = ("name", "mode", "window", "attempts", "bad_texts", "reading")
    systems = [
        {
            **{key: system[key] for key in kept},
            "faults": system["faults"][:N_FAULTS],
        }
        for system in found["systems"]
    ]
    return {
        "command": "python -m benchmarks.claims.evaluation",
        **{key: found[key] for key in ("n_texts", "seeds", "intervals")},
        "systems": systems,
        "machine": describe_machine(),
    }


if __name__ == "__main__":
    main()
