"""Runs recipes as a user would."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_recipe(script, yaml, output_folder, defaults, flags, n_processes=1):
    """Run a command of the README from another folder.

    What `flags` give, `defaults` do not. Several processes share the batches.
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
