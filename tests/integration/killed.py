"""Run a script that is killed at a call of a function, or within one.

``python killed.py torch.save:3 train.py train.yaml`` never comes to its third
``torch.save``, ``torch.save:3:0.5`` not to half a second after its begin.
``python killed.py times.json:torch.save,json.dumps train.py train.yaml`` is not
killed: the file gets the seconds of each call of these.
"""

import json
import os
import pkgutil
import runpy
import signal
import sys
import threading
import time
from pathlib import Path


def kill_at_call(name, count, seconds=None):
    """Let a process be killed when it calls a function so often."""
    calls = iter(range(1, count))

    def count_call(call):
        """Call, unless it is time."""
        if next(calls, None) is not None:
            return call()
        if seconds is None:
            kill()
        else:
            timer = threading.Timer(seconds, kill)
            timer.daemon = True
            timer.start()
        return call()

    wrap(name, count_call)


def kill():
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def measure_calls(path, names):
    """Keep the seconds of every call of some functions in a file."""
    times = {name: [] for name in names}

    def measured(name):
        """Wrap one of them."""

        def measure(call):
            """Call, and look at the clock."""
            started = time.monotonic()
            try:
                return call()
            finally:
                times[name].append(time.monotonic() - started)
                Path(path).write_text(json.dumps(times))

        wrap(name, measure)

    for name in names:
        measured(name)


def wrap(name, around):
    """Put a function of calls in the place of a function."""
    owner, _, attribute = name.rpartition(".")
    owner = pkgutil.resolve_name(owner)
    original = getattr(owner, attribute)

    def wrapped(*args, **kwargs):
        """Call the function in its own way."""
        return around(lambda: original(*args, **kwargs))

    setattr(owner, attribute, wrapped)


if __name__ == "__main__":
    spot, *sys.argv = sys.argv[1:]
    name, _, rest = spot.partition(":")
    if name.endswith(".json"):
        measure_calls(name, rest.split(","))
    else:
        count, _, seconds = rest.partition(":")
        kill_at_call(name, int(count), float(seconds) if seconds else None)
    runpy.run_path(sys.argv[0], run_name="__main__")
