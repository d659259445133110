#!/usr/bin/env python3
"""How long may a text be: memory, speed, the first chunk, and is all of it said?

The prose is that of LJSpeech (its metadata.csv, in the public domain), one line
after the other as the books have them. Each part is measured by itself, those
of memory in a process of their own:

- hour: ``sb-sma synthesize`` of as much text as makes an hour, against a minute:
  the highest memory, and seconds of work for a second of sound, sound included;
- one_piece: 10 minutes without taking the text apart, likewise;
- first_chunk: the time until `TTS.stream` gives the first chunk of 20,000
  characters, and of its first sentence;
- no_skip: the words of 100,000 that got less than 0.4 of the time that their
  phonemes usually take (`sb_sma.metrics.word_times`), mels alone;
- ear: 2,000 words of it, heard by Whisper tiny.en, beside eSpeak NG.

Prints what was found, and stores it under ``results/``; parts that are not
measured stay what they are there.

> python -m benchmarks.claims.long_text --model DIR --prose metadata.csv hour one_piece first_chunk
> python -m benchmarks.claims.long_text --model DIR --prose metadata.csv no_skip ear
"""

import argparse
import json
import multiprocessing
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import soundfile
import torch

from benchmarks.harness.ear import Ear, require_ear
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import median, significant
from sb_sma.cli import main as run_command
from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.data.text.pieces import cut_text
from sb_sma.inference import TTS
from sb_sma.inference.script import LONGEST_PIECE
from sb_sma.inference.spoken import SpokenTimes

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "benchmarks" / "results" / "long_text.json"
PROSE = ROOT.parent / "shared" / "data" / "ljspeech-transcripts.csv"
CHARACTERS_PER_MINUTE = 1150  # of the default voice
TEXT_CHARACTERS = 20_000
CHUNK_SECONDS = 0.25
ROUNDS = 5
WANTED = {
    "hour: peak memory over a minute's, sound aside": "<= 1.2",
    "hour: real-time factor over a minute's": "<= 1.3",
    "no_skip: unsaid of 100,000 words": "0",
}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--model", required=True)
    parser.add_argument("--prose", type=Path, default=PROSE)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--one_piece_minutes", type=float, default=10.0)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--heard_words", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"PART must be of {', '.join(PARTS)}; got {unknown[0]}")
    if "ear" in arguments.parts:
        require_ear()
    result = {}
    if arguments.output.is_file():
        result = json.loads(arguments.output.read_text())
    result["wanted"] = WANTED
    for name in arguments.parts:
        torch.set_num_threads(arguments.threads)
        found = PARTS[name](arguments)
        machine = {**describe_machine(), "threads": str(arguments.threads)}
        result[name] = {**found, "machine": machine}
        print(f"\n{name}")
        for key, value in found.items():
            print(f"  {key}: {value}")
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def read_prose(path: Path) -> Iterator[str]:
    """Yield texts of about 20,000 characters, lines of LJSpeech in order."""
    with open(path, encoding="utf-8") as stream:
        rows = (line.rstrip("\n").split("|") for line in stream)
        for _, chapter in groupby(rows, key=lambda row: row[0].split("-")[0]):
            text = " ".join(row[-1] for row in chapter)
            # the whole of a chapter is one paragraph
            yield from (piece for piece, _ in cut_text(text, TEXT_CHARACTERS))


def take(path: Path, n_characters: int) -> str:
    """Return the beginning of the prose, up to the end of a sentence."""
    found = ""
    for text in read_prose(path):
        found += f"{text}\n\n"
        if len(found) >= n_characters:
            break
    return cut_text(found.replace("\n\n", " "), n_characters)[0].text


def measure_hour(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare the command on a long text with that on a minute."""
    found = {
        name: synthesize_apart(arguments, minutes)
        for name, minutes in (("minute", 1.0), ("long", arguments.minutes))
    }
    return {**found, **compare(found["long"], found["minute"])}


def measure_one_piece(arguments: argparse.Namespace) -> dict[str, Any]:
    """Speak some minutes in one piece, and the same in passages."""
    minutes = arguments.one_piece_minutes
    found = {
        "one piece": synthesize_apart(arguments, minutes, "--one_piece"),
        "passages": synthesize_apart(arguments, minutes),
    }
    return {**found, **compare(found["one piece"], found["passages"])}


def compare(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """Return ratios of what `synthesize_apart` gives."""
    return {
        "peak memory over": significant(one["peak_mib"] / other["peak_mib"]),
        "peak memory over, sound aside": significant(
            (one["peak_mib"] - one["audio_mib"])
            / (other["peak_mib"] - other["audio_mib"])
        ),
        "real-time factor over": significant(
            one["real_time_factor"] / other["real_time_factor"]
        ),
    }


def synthesize_apart(
    arguments: argparse.Namespace, minutes: float, *options: str
) -> dict[str, float]:
    """Run the command in a process of its own."""
    text = take(arguments.prose, round(minutes * CHARACTERS_PER_MINUTE))
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(
            synthesize_here,
            (arguments.model, text, arguments.threads, options),
        )


def synthesize_here(
    model: str, text: str, threads: int, options: tuple[str, ...]
) -> dict[str, float]:
    """Run the command twice, the first time for what is compiled and loaded."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        lines, out = Path(folder) / "text.txt", Path(folder) / "a.wav"
        command = ["synthesize", "--model", model, "--seed", "0"]
        command += ["--input", str(lines), "--out", str(out)]
        for spoken, own in (("Hello there.", ()), (text, options)):
            lines.write_text(f"{spoken}\n", encoding="utf-8")
            start = time.perf_counter()
            if run_command([*command, *own]):
                raise SystemExit("sb-sma synthesize failed")
            spent = time.perf_counter() - start
        seconds = soundfile.info(out).duration
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "characters": len(text),
        "audio_seconds": significant(seconds),
        "seconds": significant(spent),
        "real_time_factor": significant(spent / seconds),
        "peak_mib": significant(peak),
        "audio_mib": significant(2 * 22050 * seconds / 2**20),
    }


def measure_first_chunk(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time the first chunk of a long text, and of its first sentence."""
    tts = TTS.from_hparams(source=arguments.model)
    text = take(arguments.prose, TEXT_CHARACTERS)
    sentence = cut_text(text, 150)[0].text
    spent: dict[str, list[float]] = {"sentence": [], "text": []}
    for _ in range(ROUNDS + 1):
        for name, each in (("sentence", sentence), ("text", text)):
            start = time.perf_counter()
            next(tts.stream(each, seed=0, chunk_seconds=CHUNK_SECONDS))
            spent[name].append(time.perf_counter() - start)
    return {
        "characters": {"sentence": len(sentence), "text": len(text)},
        # the first round compiles
        "seconds": {name: median(times[1:]) for name, times in spent.items()},
    }


def measure_no_skip(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count the words that were not said, decoded both ways."""
    tts = TTS.from_hparams(source=arguments.model)
    texts, n_words = [], 0
    for text in read_prose(arguments.prose):
        words = text.split()[: arguments.words - n_words]
        texts.append(" ".join(words))
        n_words += len(words)
        if n_words >= arguments.words:
            break
    found = {"words": n_words, "attempts": tts.attempts}
    for mode in ("soft", "hard"):
        found[mode] = count_unsaid(tts, texts, mode)
    return found


def count_unsaid(tts: TTS, texts: list[str], mode: str) -> dict[str, Any]:
    """Say texts, and judge by the median times of all of them."""
    start, frames, cut_off, again = time.perf_counter(), 0, 0, 0
    kept, times = [], SpokenTimes()
    for _, passage in tts.narrate(texts, mode, seed=0):
        for _, timing in passage.timings:
            timing.times = times
            timing.tell_times()
            kept.append((timing, passage.text))
        frames += len(passage.mel)
        cut_off += not passage.finished
        again += passage.spoken_again
    spent = time.perf_counter() - start
    seconds = frames * tts.hparams.mel_settings.seconds_per_frame
    said = [(word, text) for timing, text in kept for word in timing.words()]
    unsaid = [
        f"{word.text!r} in {text!r}" for word, text in said if not word.said
    ]
    return {
        "words_as_spoken": len(said),
        "passages": len(kept),
        "spoken_again": again,
        "hours": significant(seconds / 3600),
        "real_time_factor_of_mels": significant(spent / seconds),
        "cut_off": cut_off,
        "unsaid": len(unsaid),
        "which": unsaid[:50],
    }


def measure_ear(arguments: argparse.Namespace) -> dict[str, Any]:
    """Let an ear hear the model, eSpeak NG, and its mels by Griffin-Lim."""
    tts = TTS.from_hparams(source=arguments.model)
    settings = tts.hparams.mel_settings
    passages, n_words = [], 0
    for text in read_prose(arguments.prose):
        for piece, _ in cut_text(text, LONGEST_PIECE):
            if n_words < arguments.heard_words and not re.search(r"\d", piece):
                passages.append(piece)
                n_words += len(piece.split())
    voice = getattr(tts.hparams.frontend, "settings", VoiceSettings())
    features = LogMel(settings)
    theirs = [speak(each, voice).samples / 32768.0 for each in passages]
    contestants = {
        "model": [
            tts.to_waveform(item.mel).numpy()
            for item in tts.speak(passages, seed=0)
        ],
        "espeak": theirs,
        "espeak, its mels by griffin_lim": [
            tts.to_waveform(
                features(torch.tensor(each)[None].float())[0]
            ).numpy()
            for each in theirs
        ],
    }
    ear = Ear(has_opinion=False, threads=arguments.threads)
    heard = {}
    for name, waveforms in contestants.items():
        verdict = ear.judge(passages, waveforms, settings.sample_rate)
        heard[name] = {
            "word_errors": verdict.word_errors,
            "words": verdict.words,
            "per_cent": significant(verdict.word_error_rate),
        }
    return {"passages": len(passages), "heard": heard}


PARTS = {
    "hour": measure_hour,
    "one_piece": measure_one_piece,
    "first_chunk": measure_first_chunk,
    "no_skip": measure_no_skip,
    "ear": measure_ear,
}


if __name__ == "__main__":
    main()
