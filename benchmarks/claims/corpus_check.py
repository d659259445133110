#!/usr/bin/env python3
"""How long do checking and preparing a corpus take?

Checks the lines of a manifest as long as LJSpeech (13,100 utterances), by the
command that a user runs, start of Python included; then prepares real speech
in LJSpeech's layout by one process and reports its processor time. Prints both
and stores them under ``results/``.

> python -m benchmarks.claims.corpus_check --data_folder=../shared/data/ljspeech-mini --transcripts=../shared/data/ljspeech-transcripts.csv
"""

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness.machine import describe_machine
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.speech.splits import HoldOut

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parents[1] / "results"
WANTED_SECONDS = 2.0
WANTED_TIMES_REAL_TIME = 100.0
TRIM_DB = 40.0


def main() -> None:
    """Check, prepare, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data_folder", type=Path, required=True)
    parser.add_argument(
        "--transcripts",
        type=Path,
        required=True,
        help="LJSpeech's metadata.csv; no recordings are needed",
    )
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for path in (arguments.data_folder, arguments.transcripts):
        if not path.exists():
            print(f"skipped: {path} is not here")
            return
    torch.set_num_threads(1)
    result = {
        "machine": describe_machine(),
        "rounds": arguments.rounds,
        "check": measure_check(arguments.transcripts, arguments.rounds),
        "preparation": measure_preparation(
            arguments.data_folder, arguments.rounds
        ),
    }
    check, preparation = result["check"], result["preparation"]
    print(
        f"\n{check['lines']} lines checked in {check['seconds']:.2f} s "
        f"(wanted: {WANTED_SECONDS:g}), {check['processor_seconds']:.2f} s of "
        f"them on the processor; {preparation['audio_seconds']:.0f} s of "
        f"speech prepared at {preparation['times_real_time_per_core']:.0f} x "
        f"real time per core (wanted: {WANTED_TIMES_REAL_TIME:g}), "
        f"{preparation['times_real_time']:.0f} x by the clock"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "corpus_check.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )


def measure_check(transcripts: Path, rounds: int) -> dict[str, Any]:
    """Run the command on a manifest of all transcripts."""
    lines = transcripts.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.csv"
        with open(manifest, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "wav", "text"])
            for line in lines:
                name, _, text = line.split("|")
                writer.writerow([name, f"wavs/{name}.wav", text])
        command = [
            sys.executable,
            "-m",
            "sb_sma.cli",
            "check",
            str(manifest),
        ]
        seconds, output = [], ""
        processor_start = processor_seconds_of_children()
        for _ in range(rounds):
            start = time.perf_counter()
            output = subprocess.run(
                [*command, "--skip_audio"],
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            seconds.append(time.perf_counter() - start)
        processor = processor_seconds_of_children() - processor_start
    return {
        "lines": len(lines),
        "output": output.strip(),
        "seconds": statistics.median(seconds),
        "all_seconds": seconds,
        "processor_seconds": processor / rounds,
        "wanted_seconds": WANTED_SECONDS,
    }


def processor_seconds_of_children() -> float:
    """Of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_preparation(data_folder: Path, rounds: int) -> dict[str, Any]:
    """Prepare the recordings, each time from nothing."""
    spent = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "corpus"
            start, processor_start = time.perf_counter(), time.process_time()
            prepare_speech(data_folder, corpus, HoldOut(), trim_db=TRIM_DB)
            spent.append(
                (
                    time.perf_counter() - start,
                    time.process_time() - processor_start,
                )
            )
            report = json.loads((corpus / "report.json").read_text())
    seconds, processor_seconds = map(statistics.median, zip(*spent))
    return {
        "utterances": sum(report["utterances"].values()),
        "audio_seconds": report["seconds"],
        "frontend": "espeak",
        "trim_db": TRIM_DB,
        "torch_threads": torch.get_num_threads(),
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "times_real_time": report["seconds"] / seconds,
        "times_real_time_per_core": report["seconds"] / processor_seconds,
        "wanted_times_real_time": WANTED_TIMES_REAL_TIME,
    }


if __name__ == "__main__":
    main()
