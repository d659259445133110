#!/usr/bin/env python3
"""How large is the house, and do its imports go one way?

Counts files for each folder, lines of code and of YAML, keys of each experiment,
and circles of files and of folders that import each other, late imports
included; measures what ``import sb_sma`` takes. The other figures of the house
are told from their own files: how long the tests take (``quick_to_start``), and
the ratios of the op and of a training step. With ``--before REF`` the same is
counted of an older commit. Prints the figures and stores them under
``results/``.

> python -m benchmarks.claims.structure --before 24a663f
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.harness.import_graph import circles_of, import_arrows
from benchmarks.harness.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path(__file__).parents[1] / "results" / "structure.json"
ROUNDS = 7


def main() -> None:
    """Count, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--before", help="an older commit to compare with")
    arguments = parser.parse_args()
    result = {"machine": describe_machine(), "now": count(ROOT)}
    if arguments.before:
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder) / "tree"
            clone = ["git", "clone", "--quiet", "--no-checkout", ROOT, tree]
            subprocess.run(clone, check=True)
            subprocess.run(
                ["git", "checkout", "--quiet", arguments.before],
                cwd=tree,
                check=True,
            )
            result["before"] = {
                "commit": arguments.before,
                **count(tree),
            }
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def count(root: Path) -> dict[str, Any]:
    """Count one checkout."""
    files = [
        path
        for path in sorted(root.glob("**/*"))
        if path.is_file() and not path.is_symlink()
    ]
    code = [
        path
        for path in files
        if path.suffix == ".py" and path.relative_to(root).parts[0] == "sb_sma"
    ]
    experiments = [
        path
        for path in files
        if path.suffix == ".yaml" and "hparams" in path.parts
    ]
    per_folder = Counter(str(path.parent.relative_to(root)) for path in code)
    for folder in list(per_folder):
        # folders are doors, too
        inner = Path(folder).parent
        if str(inner) in per_folder:
            per_folder[str(inner)] += 1
    lines = {
        str(path.relative_to(root)): len(path.read_text("utf-8").splitlines())
        for path in code
    }
    return {
        "files": len(code),
        "most_entries_of_a_folder": dict(per_folder.most_common(5)),
        "lines": sum(lines.values()),
        "longest_files": dict(Counter(lines).most_common(5)),
        "yaml_lines": sum(count_lines(path) for path in experiments),
        "keys": {
            str(path.relative_to(root)): count_keys(path)
            for path in experiments
        },
        "circles": {
            "of_files": circles_of(import_arrows(root)),
            "of_folders": circles_of(folder_arrows(root)),
        },
        "readme_lines": count_lines(root / "README.md"),
        "import_seconds": measure_import(root),
        **read_stored(root / "benchmarks" / "results"),
    }


def read_stored(results: Path) -> dict[str, Any]:
    """Read what the checkout's other claims have measured."""
    op = json.loads((results / "stepwise_monotonic.json").read_text())["cpu"]
    step = json.loads((results / "training_step.json").read_text())["cpu"]
    ratios = {
        "op_forward_share_of_copy": op["bandwidth"]["forward"]["share_of_copy"],
        "op_backward_share_of_copy": op["bandwidth"]["backward"][
            "share_of_copy"
        ],
        "loop_over_op": op["loop"]["unbound_loop"]["over_ours"],
        **{
            f"step_SMA_over_regularMHA, {name}": ratio
            for name, ratio in step["step_share"]["SMA_over_regularMHA"].items()
        },
    }
    stored: dict[str, Any] = {
        "ratios": {
            name: ratio["median_of_ratios"] for name, ratio in ratios.items()
        }
    }
    times = results / "quick_to_start.json"
    if times.exists():
        stored["check_minutes"] = json.loads(times.read_text())["minutes"]
    return stored


def folder_arrows(root: Path) -> dict[str, set[str]]:
    """Find which rooms of sb_sma import which."""
    arrows: dict[str, set[str]] = {}
    for module, targets in import_arrows(root).items():
        room = room_of(module)
        rooms = {room_of(target) for target in targets}
        arrows.setdefault(room, set()).update(rooms - {room})
    return arrows


def room_of(module: str) -> str:
    """Name the folder right below sb_sma."""
    return module.split(".")[1] if "." in module else module


def count_lines(path: Path) -> int:
    """Count the lines of a text."""
    return len(path.read_text("utf-8").splitlines())


def count_keys(path: Path) -> int:
    """Count the top-level keys of a YAML file."""
    return sum(
        line[:1].isalpha() and ":" in line
        for line in path.read_text("utf-8").splitlines()
    )


def measure_import(root: Path) -> float:
    """Measure the processor time of ``import sb_sma``, the median of some."""
    seconds = []
    for _ in range(ROUNDS):
        before = processor_seconds()
        command = [
            sys.executable,
            "-c",
            "import sb_sma; from sb_sma import cli",
        ]
        subprocess.run(command, cwd=root, check=True)
        seconds.append(processor_seconds() - before)
    return round(statistics.median(seconds), 3)


def processor_seconds() -> float:
    """Sum up what all commands that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
