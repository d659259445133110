#!/usr/bin/env python3
"""How long until the command answers, and until a change is checked?

Processor time of what needs no model (``sb-sma --version``, ``--help``, a
mistyped command, ``import sb_sma``), beside that of ``import torch``; then the
wall time of the tests, and of ``.ci/run``, each with what was wanted. Prints
them and stores them under ``results/``.

> python -m benchmarks.claims.quick_to_start
> python -m benchmarks.claims.quick_to_start --checks pytest
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.harness.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
RESULT = Path(__file__).parents[1] / "results" / "quick_to_start.json"
WANTED_SECONDS = 0.2
WANTED_MINUTES = {"pytest -m 'not integration'": 2, "pytest": 8, ".ci/run": 12}
SB_SMA = str(Path(sys.executable).with_name("sb-sma"))
# with the status that each ends with
STARTS = {
    "sb-sma --version": ([SB_SMA, "--version"], 0),
    "sb-sma --help": ([SB_SMA, "--help"], 0),
    "sb-sma synthesise": ([SB_SMA, "synthesise"], 2),
    "import sb_sma": ([sys.executable, "-c", "import sb_sma"], 0),
    "import torch": ([sys.executable, "-c", "import torch"], 0),
}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--checks",
        nargs="*",
        default=list(WANTED_MINUTES),
        help="commands whose wall time is measured",
    )
    arguments = parser.parse_args()
    result = {
        "machine": describe_machine(),
        "rounds": arguments.rounds,
        "wanted_processor_seconds": WANTED_SECONDS,
        "processor_seconds": {
            name: measure_start(command, status, arguments.rounds)
            for name, (command, status) in STARTS.items()
        },
        "wanted_minutes": WANTED_MINUTES,
        "minutes": {name: measure_check(name) for name in arguments.checks},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def measure_start(command: list[str], status: int, rounds: int) -> float:
    """Median processor time of a command, its start included."""
    seconds = []
    for _ in range(rounds):
        before = processor_seconds()
        done = subprocess.run(command, capture_output=True, check=False)
        seconds.append(processor_seconds() - before)
        if done.returncode != status:
            raise RuntimeError(f"{command}: {done.stderr.decode()}")
    return round(statistics.median(seconds), 3)


def processor_seconds() -> float:
    """Of all commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_check(command: str) -> float:
    """Wall time of a command that must pass."""
    started = time.monotonic()
    # the pytest of this Python, whatever is on the path
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ["PATH"]])
    subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )
    return round((time.monotonic() - started) / 60, 2)


if __name__ == "__main__":
    main()
