"""``sb-sma serve`` in a process of its own, at a port that is free."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
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

    def memory(self) -> int:
        """Return how much memory it has.

        Returns
        -------
        n_bytes : int
            Resident.
        """
        path = Path(f"/proc/{self.process.pid}/statm")
        n_pages = int(path.read_text(encoding="utf-8").split()[1])
        return n_pages * resource.getpagesize()

    def processor_seconds(self) -> float:
        """Return how long it has computed.

        Returns
        -------
        seconds : float
            Of all threads together.
        """
        path = Path(f"/proc/{self.process.pid}/stat")
        fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

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


@contextlib.contextmanager
def post_and_stall(
    address: str, wanted: Mapping[str, Any], key: str
) -> Iterator[None]:
    """Ask for speech, and listen to nothing of it.

    Arguments
    ---------
    address : str
        Host and port.
    wanted : mapping
        Fields of the request.
    key : str
        Of the client.

    Returns
    -------
    stalled : context manager
        In the end, the connection is closed.
    """
    host, port = address.rsplit(":", 1)
    body = json.dumps(wanted).encode()
    head = (
        f"POST /v1/audio/speech HTTP/1.1\r\nHost: {address}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket() as connection:
        # or the system keeps a minute of sound for it
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.sendall(head.encode() + body)
        yield


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
