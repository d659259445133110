"""Runs recipes as a user would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

ROOT = Path(__file__).resolve().parents[2]
KILLED = Path(__file__).with_name("killed.py")


def run_recipe(
    script,
    yaml,
    output_folder,
    defaults,
    flags,
    n_processes=1,
    killed_at=None,
):
    """Run a command of the README from another folder.

    What `flags` give, `defaults` do not. Several processes share the batches.
    They may be killed at a call, as `killed.py` has it.
    """
    given = {flag.split("=")[0] for flag in flags}
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc_per_node={n_processes}",
    ]
    command = [
        sys.executable,
        *(launcher if n_processes > 1 else []),
        *([str(KILLED), killed_at] if killed_at else []),
        str(ROOT / script),
        str(ROOT / yaml),
        f"--output_folder={output_folder}",
        f"--corpus_folder={output_folder.parent / 'corpus'}",
        *(flag for flag in defaults if flag.split("=")[0] not in given),
        *flags,
    ]
    return subprocess.run(
        command,
        cwd=output_folder.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


def read_history(output_folder):
    """The records of every epoch."""
    lines = (output_folder / "history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def describe_run(output_folder):
    """What two runs have in common to the bit, which is all but the time."""
    history = read_history(output_folder)
    for record in history:
        del record["minutes"]
    log = (output_folder / "train_log.txt").read_text()
    events = EventAccumulator(str(output_folder / "tensorboard")).Reload()
    timeless = ("model", "average", "optimizer", "brain", "random_state")
    description = {
        "history": history,
        "log": re.sub("minutes: [^ ]*", "", log).splitlines(),
        "curve": [(each.step, each.value) for each in events.Scalars("lr")],
        "checkpoints": [
            [(folder / f"{name}.ckpt").read_bytes() for name in timeless]
            for folder in sorted((output_folder / "save").glob("CKPT*"))
        ],
    }
    for file in output_folder.glob("*_stats.json"):
        description[file.name] = file.read_text()
    model = load_file(output_folder / "model" / "model.safetensors")
    description["exported"] = {key: x.tolist() for key, x in model.items()}
    return description
