"""``sb-sma serve`` in a process of its own, at a port that is free."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_LISTENING = re.compile(r"listening at (http://\S+), speaking")
_SECONDS_TO_START, _SECONDS_TO_END = 300.0, 120.0


@dataclass(frozen=True)
class RunningServer:
    """A server that answers.

    Arguments
    ---------
    url : str
        Where.
    process : subprocess.Popen
        That it is.
    output : binary file
        What it prints.
    """

    url: str
    process: subprocess.Popen
    output: IO[bytes]

    def printed(self) -> str:
        """Return what it has printed up to now.

        Returns
        -------
        text : str
            All of it.
        """
        return Path(self.output.name).read_text(encoding="utf-8")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end, and wait until it has.

        Arguments
        ---------
        number : int
            Of the signal.

        Returns
        -------
        status : int
            Of the process.
        """
        self.process.send_signal(number)
        return self.process.wait(_SECONDS_TO_END)


@contextlib.contextmanager
def run_server(*arguments: Any) -> Iterator[RunningServer]:
    """Start a server, and end it in the end.

    Arguments
    ---------
    *arguments : Any
        Of the command, but for the port.

    Returns
    -------
    server : context manager of RunningServer
        Which answers.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    command = [sys.executable, "-m", "sb_sma.cli", "serve", "--port", "0"]
    with tempfile.NamedTemporaryFile() as output:
        process = subprocess.Popen(
            [*command, *map(str, arguments)], stdout=output, stderr=output
        )
        try:
            url = _wait_for_url(process, Path(output.name))
            yield RunningServer(url, process, output)
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_url(process: subprocess.Popen, printed: Path) -> str:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        text = printed.read_text(encoding="utf-8")
        if found := _LISTENING.search(text):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"the server does not start:\n{text}")
