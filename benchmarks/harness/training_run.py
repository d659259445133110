"""Trainings by the very command of the README, and what they cost."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
WANTED_AGREEMENT = 0.99


def train(
    command: list[str],
    output_folder: Path,
    corpus_folder: Path | None,
    n_processes: int = 1,
    n_threads: int | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Train, and note in the run's folder what it cost.

    Arguments
    ---------
    command : list of str
        Script, YAML and overrides, relative to the repository.
    output_folder : Path
        Of the run; what is there is deleted, or gone on with.
    corpus_folder : Path or None
        Of the run; None for a recipe that has none.
    n_processes : int
        That share every batch, by torchrun.
    n_threads : int, optional
        Of each process. Default: as many as PyTorch takes.
    resume : bool
        Whether the run goes on where it was, and the cost is added.

    Returns
    -------
    cost : dict of str to object
        ``command``, ``wall_minutes``, ``peak_memory_gib`` and ``machine``.

    Raises
    ------
    RuntimeError
        If the training fails.
    """
    wall_minutes, peak_memory = 0.0, 0.0
    if resume:
        before = read_cost(output_folder)
        wall_minutes = before["wall_minutes"]
        peak_memory = before["peak_memory_gib"]
    else:
        shutil.rmtree(output_folder, ignore_errors=True)
    machine = describe_machine()  # with the commit that is trained
    start = time.monotonic()
    launcher, shown = [], "python"
    if n_processes > 1:
        torchrun = [f"--nproc_per_node={n_processes}"]
        launcher = ["-m", "torch.distributed.run", *torchrun]
        shown = " ".join(["torchrun", *torchrun])
        command = [*command, "--distributed_backend=gloo"]
    environment = dict(os.environ)
    if n_threads is not None:
        environment["OMP_NUM_THREADS"] = str(n_threads)
    process = subprocess.Popen(
        [
            sys.executable,
            *launcher,
            *command,
            f"--output_folder={output_folder}",
            *([f"--corpus_folder={corpus_folder}"] if corpus_folder else []),
        ],
        cwd=ROOT,
        env=environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    cost = {
        "command": " ".join([shown, *command]),
        "wall_minutes": wall_minutes + (time.monotonic() - start) / 60,
        "peak_memory_gib": max(peak_memory, usage.ru_maxrss / 2**20),
        "machine": machine,
    }
    (output_folder / "cost.json").write_text(json.dumps(cost) + "\n")
    return cost


def read_cost(output_folder: Path) -> dict[str, Any]:
    """Read what `train` noted.

    Arguments
    ---------
    output_folder : Path
        Of the run.

    Returns
    -------
    cost : dict of str to object
        As of `train`.
    """
    return json.loads((output_folder / "cost.json").read_text())


def read_history(output_folder: Path) -> list[dict[str, Any]]:
    """Read the figures of every epoch.

    Arguments
    ---------
    output_folder : Path
        Of the run.

    Returns
    -------
    history : list of dict
        Records of ``sb_sma.training.history.History``.
    """
    lines = (output_folder / "history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def summarize_history(output_folder: Path) -> dict[str, Any]:
    """Read the held-out figures of a run.

    Arguments
    ---------
    output_folder : Path
        Of the run.

    Returns
    -------
    figures : dict of str to object
        Among them the minutes after which 99 % of the decoder steps attended
        within one token of the truth; None where they never did.
    """
    history = read_history(output_folder)
    reached = [
        record["minutes"]
        for record in history
        if record["valid"].get("within_one", 0.0) >= WANTED_AGREEMENT
    ]
    test = json.loads((output_folder / "test_stats.json").read_text())
    return {
        "minutes_to_99_percent": min(reached, default=None),
        "training_minutes": history[-1]["minutes"],
        "epochs": len(history),
        "steps": history[-1]["step"],
        "test": test,
        "valid_by_minutes": [
            [record["minutes"], record["valid"].get("within_one")]
            for record in history
        ],
    }


def read_seed(output_folder: Path) -> int:
    """Read which seed a run was given.

    Arguments
    ---------
    output_folder : Path
        Of the run.

    Returns
    -------
    seed : int
        That of its YAML file, overrides included.
    """
    yaml = (output_folder / "hyperparams.yaml").read_text()
    return int(re.search(r"^seed: (\d+)", yaml, flags=re.MULTILINE)[1])
