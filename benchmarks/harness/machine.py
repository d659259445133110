"""What a figure was measured on."""

import os
import platform
import subprocess

from sb_sma.training.reports.shared import describe_versions


def describe_machine() -> dict[str, str]:
    """Processor, memory, load, versions and commit.

    Returns
    -------
    machine : dict of str to str
        To be stored beside every result.
    """
    return {
        **describe_versions(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_gib():.0f} GiB",
        "load_average": f"{os.getloadavg()[0]:.2f}",
        "commit": _commit(),
    }


def _processor() -> str:
    """Name of the processor, as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            names = [line for line in stream if line.startswith("model name")]
    except OSError:
        names = []
    name = names[0].split(":", 1)[1].strip() if names else ""
    return name or platform.processor() or platform.machine()


def _memory_gib() -> float:
    """Physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _commit() -> str:
    """Commit of the working tree, marked if it has changes."""
    command = ["git", "describe", "--always", "--dirty"]
    folder = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
