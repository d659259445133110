"""What a process holds, and whether it holds more and more."""

import ctypes
import gc
import os
import statistics
from pathlib import Path


def read_usage():
    """Memory in KiB, open files and threads of this process, on Linux.

    Memory that is free, but kept for the next one who asks, does not count.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "resident_kib": int(fields["VmRSS"].split()[0]),
        "n_files": len(os.listdir("/proc/self/fd")),
        "n_threads": int(fields["Threads"]),
    }


def kib_per_round(usages):
    """How much memory grows, from the second quarter to the last one.

    What is compiled or read once is there by then.
    """
    size = len(usages) // 4
    early, late = usages[size : 2 * size], usages[-size:]
    growth = statistics.median(each["resident_kib"] for each in late)
    growth -= statistics.median(each["resident_kib"] for each in early)
    return growth / (len(usages) - 2 * size)


def assert_steady(usages, most_kib):
    """Neither memory nor files nor threads grow with the rounds."""
    growth = kib_per_round(usages)
    assert growth < most_kib, f"resident_kib grows by {growth} each round"
    size = len(usages) // 4
    for name in ("n_files", "n_threads"):
        early, late = (
            max(each[name] for each in part)
            for part in (usages[size : 2 * size], usages[-size:])
        )
        assert late <= early, name
