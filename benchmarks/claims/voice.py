#!/usr/bin/env python3
"""Is a person's voice understood, and how natural is it, after an hour or so?

Trains ``hparams/voice.yaml`` on recordings by the command of the README, and
listens to what is exported after some minutes, and at the end: the texts of the
test set and, if given, others, spoken freely and teacher-forced, through
Griffin-Lim and a universal HiFi-GAN, beside the recordings and eSpeak NG. Then
hard texts, and the time that speaking takes. Prints a table, and stores
everything under ``results/``. A run that was interrupted goes on.

> python -m benchmarks.claims.voice --data_folder manifest.csv
> python -m benchmarks.claims.voice --data_folder manifest.csv --prose FILE
> python -m benchmarks.claims.voice --data_folder manifest.csv --model DIR
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.claims.pace import espeak_mel
from benchmarks.harness.ear import Ear, require_ear, universal_vocoder
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import median, significant
from benchmarks.harness.training_run import ROOT, read_history
from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.speech.mel import LogMel
from sb_sma.inference import TTS
from sb_sma.models.tts.frame_noise import FrameNoise

OUTPUT = Path(__file__).parents[1] / "results" / "voice.json"
MARKS = (15, 30, 60)  # minutes
SEEDS = (0, 1, 2)
N_PROSE, WORDS = 60, (5, 20)
N_TIMED = 10
WANTED = {
    "word_error_rate": "<= 10 %",
    "opinion": ">= 3.5 (HiFi-GAN), >= 2.3 (Griffin-Lim)",
    "free_over_forced": "<= 1.5",
    "real_time_factor": "<= 0.15 on one core",
    "first_chunk_seconds": "<= 0.25",
}
Vocoder = Callable[[torch.Tensor], np.ndarray]


def main() -> None:
    """Train, listen, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data_folder", type=Path, required=True)
    parser.add_argument(
        "--prose", type=Path, help="id|text lines, read without digits"
    )
    parser.add_argument(
        "--model", type=Path, help="exported; nothing is trained"
    )
    parser.add_argument(
        "--corpus", type=Path, help="of --model: the prepared corpus"
    )
    parser.add_argument(
        "--output_folder", type=Path, default=Path("results/voice_benchmark")
    )
    parser.add_argument("--minutes", type=float, nargs="*", default=MARKS)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments, overrides = parser.parse_known_args()
    require_ear()
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "overrides": overrides,
        "wanted": WANTED,
        "curve": {},
    }
    models = {"end": arguments.model}
    corpus = arguments.corpus
    if arguments.model is None:
        models = train(arguments, overrides)
        (corpus,) = (arguments.output_folder / "corpus").glob("speech-*")
        result["training"] = [
            {"epoch": line["epoch"], "minutes": line["minutes"]}
            for line in read_history(arguments.output_folder)
        ][-1]
    ear, hifigan = Ear(), universal_vocoder()
    entries = read_entries(corpus)
    for name, folder in models.items():
        tts = TTS.from_hparams(source=str(folder))
        is_last = name == "end"
        result["curve"][name] = listen(
            tts, entries, ear, hifigan, SEEDS if is_last else SEEDS[:1]
        )
        print_line(name, result["curve"][name])
    result["bounds"] = listen_to_bounds(tts, entries, ear, hifigan)
    print_line("bounds", result["bounds"])
    if arguments.prose:
        result["prose"] = listen_to_prose(
            tts, read_prose(arguments.prose), ear, hifigan
        )
        print_line("prose", result["prose"])
    result["speed"] = time_speaking(tts, entries)
    print(result["speed"])
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def train(
    arguments: argparse.Namespace, overrides: list[str]
) -> dict[str, Path]:
    """Train to the end, and keep what is exported at some minutes."""
    folder = arguments.output_folder
    command = [
        sys.executable,
        "train.py",
        "hparams/voice.yaml",
        f"--data_folder={arguments.data_folder.absolute()}",
        f"--output_folder={folder.absolute()}",
        f"--corpus_folder={(folder / 'corpus').absolute()}",
        *overrides,
    ]
    models = {}
    for minutes in sorted(arguments.minutes):
        name = f"{minutes:g}"
        models[name] = folder / f"model_{name}"
        if models[name].exists():
            continue
        train_until(command, folder, minutes)
        # the time is over at once: it is tested and exported as it is
        run(command + ["--max_minutes=0.1"])
        shutil.copytree(folder / "model", models[name])
    run(command)
    return {**models, "end": folder / "model"}


def run(command: Sequence[str]) -> None:
    """Run a training to its end."""
    subprocess.run(command, cwd=ROOT, check=True)


def train_until(command: Sequence[str], folder: Path, minutes: float) -> None:
    """Run a training until a checkpoint of so many minutes, and kill it."""
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.poll() is None:
            time.sleep(5)
            if (folder / "history.jsonl").exists():
                history = read_history(folder)
                if history and history[-1]["minutes"] >= minutes:
                    time.sleep(5)  # until the checkpoint is written
                    process.kill()


def read_entries(corpus: Path) -> list[dict[str, Any]]:
    """Texts, tokens and mels of the test set."""
    text = (corpus / "test.json").read_text(encoding="utf-8")
    entries = json.loads(text.replace("{data_root}", str(corpus)))
    return [
        {**entry, "mel": torch.from_numpy(np.load(entry["mel"]))}
        for entry in entries.values()
    ]


def read_prose(path: Path) -> list[str]:
    """Take some sentences without digits, evenly over a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = [line.split("|")[-1].strip() for line in lines]
    texts = [
        text
        for text in texts
        if WORDS[0] <= len(text.split()) <= WORDS[1]
        and not any(character.isdigit() for character in text)
    ]
    return texts[:: len(texts) // N_PROSE][:N_PROSE]


@torch.no_grad()
def teacher_forced(tts: TTS, entry: dict[str, Any], seed: int) -> torch.Tensor:
    """Return what the model says when it hears the recording, (M, C)."""
    model = tts.mods.model
    ids = torch.tensor(tts.hparams.tokens.encode(entry["tokens"]))[None]
    lengths = torch.tensor([ids.shape[1]])
    mel, mel_lengths = entry["mel"][None], torch.tensor([len(entry["mel"])])
    torch.manual_seed(seed)
    output = model(ids, lengths, mel, mel_lengths)
    said = output.mels_after
    if model.refiner is not None:
        memory = model.encode(ids, lengths)
        text = model.text_by_frame(output.alignments, memory)
        noise = FrameNoise(model.decoder.n_mels, seed).take(said.shape[1])
        said = model.refiner(said, text, noise)
    return (said * model.mel_std + model.mel_mean)[0, : len(entry["mel"])]


def listen(
    tts: TTS,
    entries: Sequence[dict[str, Any]],
    ear: Ear,
    hifigan: Vocoder,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """Judge the test set, spoken freely and teacher-forced."""
    texts = [entry["text"] for entry in entries]
    said = {
        "free": [
            [item.mel for item in tts.speak(texts, mode=None, seed=seed)]
            for seed in seeds
        ],
        "forced": [
            [teacher_forced(tts, entry, seed) for entry in entries]
            for seed in seeds
        ],
    }
    result = {
        name: judge(tts, texts, mels, ear, hifigan)
        for name, mels in said.items()
    }
    frames = sum(len(entry["mel"]) for entry in entries)
    result["length"] = significant(sum(map(len, said["free"][0])) / frames)
    return result


def listen_to_bounds(
    tts: TTS,
    entries: Sequence[dict[str, Any]],
    ear: Ear,
    hifigan: Vocoder,
) -> dict[str, Any]:
    """Judge the recordings' own mels, and eSpeak NG's."""
    texts = [entry["text"] for entry in entries]
    features = LogMel(tts.hparams.mel_settings)
    mels = {
        "recordings": [entry["mel"] for entry in entries],
        "espeak": [
            espeak_mel(text, VoiceSettings(), features) for text in texts
        ],
    }
    return {
        name: judge(tts, texts, [each], ear, hifigan)
        for name, each in mels.items()
    }


def listen_to_prose(
    tts: TTS, texts: Sequence[str], ear: Ear, hifigan: Vocoder
) -> dict[str, Any]:
    """Judge texts of another kind, and eSpeak NG on them."""
    features = LogMel(tts.hparams.mel_settings)
    mels = {
        "free": [
            [item.mel for item in tts.speak(texts, mode=None, seed=seed)]
            for seed in SEEDS
        ],
        "espeak": [
            [espeak_mel(text, VoiceSettings(), features) for text in texts]
        ],
    }
    return {
        name: judge(tts, texts, each, ear, hifigan)
        for name, each in mels.items()
    }


def judge(
    tts: TTS,
    texts: Sequence[str],
    said: Sequence[Sequence[torch.Tensor]],
    ear: Ear,
    hifigan: Vocoder,
) -> dict[str, Any]:
    """Word errors and opinion by vocoder, the mean of all renderings."""
    vocoders: dict[str, Vocoder] = {
        "griffin_lim": lambda mel: tts.to_waveform(mel).cpu().numpy(),
        "universal_hifigan": hifigan,
    }
    sample_rate = tts.hparams.mel_settings.sample_rate
    result: dict[str, Any] = {}
    for name, to_waveform in vocoders.items():
        verdicts = [
            ear.judge(texts, list(map(to_waveform, mels)), sample_rate)
            for mels in said
        ]
        result[name] = {
            "word_error_rate": significant(
                float(np.mean([each.word_error_rate for each in verdicts]))
            ),
            "by_seed": [significant(each.word_error_rate) for each in verdicts],
            "words": verdicts[0].words,
            "opinion": significant(
                float(np.mean([each.opinion for each in verdicts]))
            ),
        }
    return result


def time_speaking(
    tts: TTS, entries: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Seconds of work for a second of mel, and until the first chunk."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    texts = [entry["text"] for entry in entries[:N_TIMED]]
    tts.speak(texts[:1], mode=None, seed=0)
    factors, firsts = [], []
    for text in texts:
        start = time.perf_counter()
        (item,) = tts.speak(text, mode=None, seed=0)
        seconds = len(item.mel) * tts.hparams.mel_settings.seconds_per_frame
        factors.append((time.perf_counter() - start) / seconds)
        start = time.perf_counter()
        next(iter(tts.stream(text, mode=None, seed=0)))
        firsts.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return {
        "real_time_factor": significant(median(factors)),
        "first_chunk_seconds": significant(median(firsts)),
    }


def print_line(name: str, figures: dict[str, Any]) -> None:
    """Print word errors and opinions."""
    for kind, by_vocoder in figures.items():
        if not isinstance(by_vocoder, dict):
            print(f"{name:8}{kind:12}{by_vocoder}", flush=True)
            continue
        print(
            f"{name:8}{kind:12}"
            + "".join(
                f"  {vocoder} {line['word_error_rate']:5.1f} % "
                f"{line['opinion']:.2f}"
                for vocoder, line in by_vocoder.items()
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
