#!/usr/bin/env python3
"""Does ``sb-sma align`` find when words and phonemes are said?

What the command calls, on what it has never seen the times of:

``embedded``: corpora of eSpeak NG, another for each seed. An aligner is trained
on the training split; on the test split, its boundaries are compared with the
true ones. The phonemes that eSpeak NG names but gives no time to belong to the
one before them.

``hour``: how long an hour takes once the aligner is trained.

``half_hour``: half an hour in one piece; the error at its begin and end, and the
peak of the memory beside that of its first minute.

``kathleen``: a person's voice; starts of words beside those of pocketsphinx, a
constant taken off. Two machines agreeing, no truth.

> python -m benchmarks.claims.align
> python -m benchmarks.claims.align --only half_hour kathleen
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from benchmarks.harness.machine import describe_machine
from sb_sma.alignment.aligner import Aligner
from sb_sma.alignment.alignment import Alignment
from sb_sma.alignment.corpus import Job, align_corpus
from sb_sma.alignment.reader import TextReader
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.speech.manifest.read import Entry, read_entries
from sb_sma.data.speech.mel import MelSettings
from sb_sma.metrics.path import path_agreement, true_path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "Embedded"
RESULTS = Path(__file__).parents[1] / "results" / "align.json"
SHARED = Path(os.environ.get("SB_SMA_SHARED", ROOT.parent / "shared"))
MEL = MelSettings()
N_UTTERANCES, N_VALID, N_TEST = 240, 20, 60
HOUR_UTTERANCES, N_TRAINED = 1040, 200
HALF_HOUR_SECONDS = 1800


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--corpus_folder", type=Path, default=ROOT / "results" / "corpus"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(1, 11)])
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=[*PARTS], metavar="PART"
    )
    parser.add_argument("--one_piece", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one_piece is not None:
        print(json.dumps(align_one_piece(arguments.one_piece)))
        return
    for part in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            figures = PARTS[part](arguments, Path(folder))
        machine = describe_machine() | {"threads": torch.get_num_threads()}
        stored = {}
        if RESULTS.exists():
            stored = json.loads(RESULTS.read_text(encoding="utf-8"))
        stored[part] = {"machine": machine, **figures}
        print(json.dumps({part: figures}, indent=1))
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n")


def measure_embedded(
    arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Compare boundaries with the true ones, seed by seed."""
    runs = []
    for seed in arguments.seeds:
        splits = embedded(arguments.corpus_folder, seed, N_UTTERANCES)
        begin, cpu_begin = time.monotonic(), time.process_time()
        trained = run(splits["train"], folder / str(seed))
        train_seconds = time.monotonic() - begin
        cpu_seconds = time.process_time() - cpu_begin
        aligner = Aligner.load(folder / str(seed) / "model")
        found = run(splits["test"], folder / f"{seed}-test", aligner)
        errors, agreements = [], {}
        for name, entry in splits["test"].items():
            starts = starts_of(entry, found[name])
            errors.append((starts - seconds(entry))[1:])
            agreements[name] = frame_agreement(entry, starts)
        runs.append(
            {
                "seed": seed,
                "minutes": minutes_of(splits["train"].values()),
                "train_and_align_seconds": train_seconds,
                "train_and_align_cpu_seconds": cpu_seconds,
                "recordings": len(trained),
                **summary(np.concatenate(errors)),
                "worst_within_one": min(agreements.values()),
                "within_one": float(np.mean([*agreements.values()])),
            }
        )
        print(runs[-1], flush=True)
    return {
        "worst_median_ms": max(each["median_ms"] for each in runs),
        "worst_95th_percentile_ms": max(
            each["95th_percentile_ms"] for each in runs
        ),
        "worst_utterance_within_one": min(
            each["worst_within_one"] for each in runs
        ),
        "runs": runs,
    }


def measure_hour(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take the time of an hour."""
    splits = embedded(arguments.corpus_folder, 1, HOUR_UTTERANCES)
    few = dict(list(splits["train"].items())[:N_TRAINED])
    run(few, folder / "few")
    aligner = Aligner.load(folder / "few" / "model")
    begin = time.monotonic()
    run(splits["train"], folder / "hour", aligner, n_processes=2)
    return {
        "minutes_of_speech": minutes_of(splits["train"].values()),
        "processes": 2,
        "seconds": time.monotonic() - begin,
    }


def measure_half_hour(
    arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Look for drift and for memory that grows."""
    splits = embedded(arguments.corpus_folder, 1, HOUR_UTTERANCES)
    entries = list(splits["train"].values())
    run(dict(list(splits["train"].items())[:N_TRAINED]), folder / "few")
    pieces = {"minute": 60.0, "half_hour": HALF_HOUR_SECONDS}
    results, errors = {}, None
    for name, length in pieces.items():
        joined = join(entries[N_TRAINED:], length, folder / f"{name}.wav")
        (folder / f"{name}.json").write_text(json.dumps(joined))
        command = [sys.executable, "-m", __spec__.name, "--one_piece"]
        done = subprocess.run(
            [*command, str(folder / f"{name}.json")],
            capture_output=True,
            text=True,
            check=True,
        )
        result = json.loads(done.stdout.splitlines()[-1])
        alignment = Alignment.from_json(result.pop("alignment"))
        starts = starts_of(joined, alignment)
        errors = starts - seconds(joined)
        results[name] = {"seconds_of_speech": alignment.duration, **result}
    times = seconds(joined)
    return {
        **results,
        **summary(errors[1:]),
        "first_five_minutes": summary(errors[1:][times[1:] < 300]),
        "last_five_minutes": summary(errors[times > times[-1] - 300]),
    }


def align_one_piece(path: Path) -> dict[str, Any]:
    """Align what a file names, in a process of its own."""
    entry = json.loads(path.read_text())
    aligner = Aligner.load(path.parent / "few" / "model")
    begin = time.monotonic()
    found = run({"piece": entry}, path.parent / path.stem, aligner)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": time.monotonic() - begin,
        "peak_gib": peak / 2**20,
        "alignment": found["piece"].as_json(),
    }


def measure_kathleen(
    arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Compare starts of words with another machine's."""
    source = SHARED / "data" / "kathleen"
    if not source.is_dir():
        return {"skipped": f"there is no {source}"}
    entries, _ = read_entries(source / "manifest.csv")
    other = json.loads((source / "pocketsphinx_alignment.json").read_text())
    begin = time.monotonic()
    found = align_corpus(Job(entries, folder, n_processes=2, tell=print))
    differences, n_compared = [], 0
    for name, alignment in found.alignments.items():
        ours = [
            (plain(word.label), word.start)
            for word in alignment.words
            if word.label
        ]
        theirs = [
            (plain(word), start)
            for word, start, _ in other[name]["words"]
            if word[0] not in "<["
        ]
        if [word for word, _ in ours] == [word for word, _ in theirs]:
            n_compared += 1
            differences += [a - b for (_, a), (_, b) in zip(ours, theirs)]
    offset = float(np.median(differences))
    return {
        "recordings": len(found.alignments),
        "compared": n_compared,
        "minutes_of_speech": sum(
            each.duration for each in found.alignments.values()
        )
        / 60,
        "train_and_align_seconds": time.monotonic() - begin,
        "words": len(differences),
        "constant_taken_off_ms": 1000 * offset,
        **summary(np.array(differences) - offset),
    }


PARTS = {
    "embedded": measure_embedded,
    "hour": measure_hour,
    "half_hour": measure_half_hour,
    "kathleen": measure_kathleen,
}


def embedded(
    corpus_folder: Path, seed: int, n_utterances: int
) -> dict[str, dict[str, Any]]:
    """Make or find a corpus; leave out what is read otherwise by word."""
    sys.path.insert(0, str(RECIPE))
    from embedded_prepare import prepare_embedded

    corpus = prepare_embedded(
        n_utterances=n_utterances,
        n_valid=N_VALID,
        n_test=N_TEST,
        seed=seed,
        mel=MEL,
    )
    return {
        split: {
            name: entry
            for name, entry in manifest.items()
            if is_read_alike(entry)
        }
        for split, manifest in load_manifests(
            corpus.make_in(corpus_folder)
        ).items()
    }


def run(
    entries: dict[str, Any],
    folder: Path,
    aligner: Aligner | None = None,
    n_processes: int = 1,
) -> dict[str, Alignment]:
    """Do what the command does; every recording has to be aligned."""
    job = Job(
        [
            Entry(name, name, Path(entry["wav"]), entry["text"])
            for name, entry in entries.items()
        ],
        folder,
        reader=TextReader(),
        aligner=aligner,
        n_processes=n_processes,
    )
    outcome = align_corpus(job)
    assert not outcome.problems, outcome.problems
    return outcome.alignments


def truth_of(entry: dict[str, Any]) -> tuple[list[str], list[int]]:
    """Return tokens and their first samples, each pause as one."""
    kept = [
        index
        for index, token in enumerate(entry["tokens"])
        if token != PAUSE or entry["tokens"][index - 1 : index] != [PAUSE]
    ]
    tokens, starts = entry["tokens"], entry["token_starts"]
    return [tokens[i] for i in kept], [starts[i] for i in kept]


def seconds(entry: dict[str, Any]) -> np.ndarray:
    """Return when its tokens truly begin."""
    return np.array(truth_of(entry)[1]) / MEL.sample_rate


def starts_of(entry: dict[str, Any], alignment: Alignment) -> np.ndarray:
    """Return when the true tokens begin, as they were found.

    A pause that was not found begins with what follows it; one that was found
    where there is none, and a phoneme without a time of its own, belong to what
    is before them.
    """
    tokens, _ = truth_of(entry)
    found = alignment.phones
    starts, position = [], 0
    pause = None  # where the last one was found that no token has taken
    for token in tokens:
        if token in (PAUSE, END):
            starts.append(None)
            continue
        while found[position].label != token:
            if not found[position].label:
                pause = found[position].start
            position += 1
        start = found[position].start
        if starts[-1:] == [None]:
            starts[-1] = start if pause is None else pause
        starts.append(start)
        pause = None
        position += 1
    ending = [each.start for each in found[position:] if not each.label]
    starts[-1] = ending[-1] if ending else alignment.duration
    starts[0] = 0.0
    return np.array(starts)


def is_read_alike(entry: dict[str, Any]) -> bool:
    """Whether its phonemes are among those of its text, word by word."""
    phonemes = (
        phoneme
        for word in TextReader()(entry["text"])
        for phoneme in word.phonemes
    )
    tokens, _ = truth_of(entry)
    return all(
        token in phonemes for token in tokens if token not in (PAUSE, END)
    )


def frame_agreement(entry: dict[str, Any], starts: np.ndarray) -> float:
    """Return the share of mel frames within one phoneme of the truth."""
    n_frames = entry["mel_length"]
    truth = true_path(truth_of(entry)[1], n_frames, MEL.hop_length, 1)
    times = np.arange(n_frames) * MEL.seconds_per_frame
    path = np.searchsorted(starts, times, side="right") - 1
    return path_agreement(torch.from_numpy(path), truth, tolerance=1)


def summary(errors: np.ndarray) -> dict[str, float]:
    """Return the figures of errors in seconds."""
    size = np.abs(errors) * 1000
    return {
        "boundaries": len(size),
        "median_ms": float(np.median(size)),
        "mean_ms": float(size.mean()),
        "95th_percentile_ms": float(np.percentile(size, 95)),
        "bias_ms": float(np.median(errors) * 1000),
    }


def join(
    entries: list[dict[str, Any]], length: float, wav: Path
) -> dict[str, Any]:
    """Put recordings together, up to a length in seconds."""
    texts, tokens, starts, samples, total = [], [], [], [], 0
    for entry in entries:
        if total >= length * MEL.sample_rate:
            break
        heard, _ = soundfile.read(entry["wav"], dtype="int16")
        texts.append(entry["text"])
        ended = [PAUSE if token == END else token for token in entry["tokens"]]
        tokens += ended
        starts += [total + start for start in entry["token_starts"]]
        samples.append(heard)
        total += len(heard)
    tokens[-1] = END
    soundfile.write(wav, np.concatenate(samples), MEL.sample_rate)
    return {
        "wav": str(wav),
        "text": "\n\n".join(texts),
        "tokens": tokens,
        "token_starts": starts,
    }


def minutes_of(entries) -> float:
    """Return how long they are together."""
    return sum(entry["duration"] for entry in entries) / 60


def plain(word: str) -> str:
    """Return a word as both machines write it."""
    return re.sub(r"[^a-z0-9']", "", re.sub(r"\(\d\)", "", word.lower()))


if __name__ == "__main__":
    main()
