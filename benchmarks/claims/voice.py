#!/usr/bin/env python3
r"""Is a person's voice understood, and how natural is it, after an hour or so?

Trains ``hparams/voice.yaml`` on recordings by the command of the README, and
listens to what is exported after some minutes, and at the end: the texts of the
test set and, if given, others, spoken freely and teacher-forced, through
Griffin-Lim and a universal HiFi-GAN, beside the recordings and eSpeak NG. Then
it measures the time that speaking takes. Prints a table, and stores everything
under ``results/``. A run that was interrupted goes on, and what has been measured
is not measured again: delete the file to begin anew.

> python -m benchmarks.claims.voice --data_folder manifest.csv
> python -m benchmarks.claims.voice --data_folder manifest.csv --prose FILE
> python -m benchmarks.claims.voice --data_folder manifest.csv \
    --exported end results/voice/SMA/model --corpus CORPUS
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
LAST = "end"
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
        "--output_folder", type=Path, default=Path("results/voice_benchmark")
    )
    parser.add_argument("--minutes", type=float, nargs="*", default=MARKS)
    parser.add_argument(
        "--exported",
        nargs=2,
        action="append",
        metavar=("NAME", "DIR"),
        default=[],
        help="listen to this, too; given once or more, nothing is trained",
    )
    parser.add_argument("--corpus", type=Path, help="of --exported")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments, overrides = parser.parse_known_args()
    require_ear()
    models = {name: Path(folder) for name, folder in arguments.exported}
    corpus = arguments.corpus
    if not models:
        models = train(arguments, overrides)
        (corpus,) = (arguments.output_folder / "corpus").glob("speech-*")
    results = Results(arguments.output)
    entries = read_entries(corpus)
    listener = Listener(entries)
    for name, folder in models.items():
        tts = TTS.from_hparams(source=str(folder))
        seeds = SEEDS if name == LAST else SEEDS[:1]
        for kind in ("free", "forced"):
            results.measure(
                (name, kind), lambda: listener.hear(tts, kind, seeds)
            )
        if name != LAST:
            continue
        results.measure((name, "speed"), lambda: time_speaking(tts, entries))
        if arguments.prose:
            texts = read_prose(arguments.prose)
            for who in ("free", "espeak"):
                results.measure(
                    ("prose", who),
                    lambda: listener.hear(tts, who, SEEDS, texts),
                )
    for kind in ("recordings", "espeak"):
        results.measure(
            ("bounds", kind), lambda: listener.hear(tts, kind, SEEDS[:1])
        )


class Results:
    """Figures that are printed and stored one by one; those there are kept.

    Arguments
    ---------
    path : Path
        A JSON file, there or not.
    """

    def __init__(self, path: Path):
        self.path = path
        self.figures: dict[str, Any] = {"wanted": WANTED, "measured": {}}
        if path.exists():
            self.figures = json.loads(path.read_text(encoding="utf-8"))

    def measure(
        self, name: Sequence[str], measure: Callable[[], dict[str, Any]]
    ) -> None:
        """Measure what is not there yet."""
        key = " ".join(name)
        measured = self.figures["measured"]
        if key not in measured:
            measured[key] = {**measure(), "machine": describe_machine()}
            self.path.write_text(json.dumps(self.figures, indent=1) + "\n")
        print_line(key, measured[key])


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
    return {**models, LAST: folder / "model"}


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


class Listener:
    """Hears what a model says, and what it should say.

    Arguments
    ---------
    entries : sequence of dict
        Of the test set, as `read_entries` gives them.
    """

    def __init__(self, entries: Sequence[dict[str, Any]]):
        self.entries = entries
        self.ear, self.hifigan = Ear(), universal_vocoder()

    def hear(
        self,
        tts: TTS,
        kind: str,
        seeds: Sequence[int],
        texts: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Judge one way of saying texts, by default those of the test set.

        Arguments
        ---------
        tts : TTS
            The model.
        kind : str
            ``free``, ``forced``, ``recordings`` or ``espeak``.
        seeds : sequence of int
            Of what is drawn; what draws nothing is heard once.
        texts : sequence of str, optional
            Others than those of the test set.

        Returns
        -------
        figures : dict
            By vocoder.
        """
        said = texts or [entry["text"] for entry in self.entries]
        frames = sum(len(entry["mel"]) for entry in self.entries)
        figures: dict[str, Any] = {}
        if kind == "free":
            mels = [
                [item.mel for item in tts.speak(said, seed=seed)]
                for seed in seeds
            ]
            if texts is None:
                length = sum(map(len, mels[0])) / frames
                figures["length"] = significant(length)
        elif kind == "forced":
            mels = [
                [teacher_forced(tts, entry, seed) for entry in self.entries]
                for seed in seeds
            ]
        elif kind == "recordings":
            mels = [[entry["mel"] for entry in self.entries]]
        else:
            features = LogMel(tts.hparams.mel_settings)
            voice = VoiceSettings()
            mels = [[espeak_mel(text, voice, features) for text in said]]
        return {**figures, **self._judge(tts, said, mels)}

    def _judge(
        self,
        tts: TTS,
        texts: Sequence[str],
        said: Sequence[Sequence[torch.Tensor]],
    ) -> dict[str, Any]:
        """Word errors and opinion by vocoder, the mean of all renderings."""
        vocoders: dict[str, Vocoder] = {
            "griffin_lim": lambda mel: tts.to_waveform(mel).cpu().numpy(),
            "universal_hifigan": self.hifigan,
        }
        rate = tts.hparams.mel_settings.sample_rate
        figures: dict[str, Any] = {}
        for name, to_waveform in vocoders.items():
            verdicts = [
                self.ear.judge(texts, list(map(to_waveform, mels)), rate)
                for mels in said
            ]
            errors = [verdict.word_error_rate for verdict in verdicts]
            opinions = [verdict.opinion for verdict in verdicts]
            figures[name] = {
                "word_error_rate": significant(float(np.mean(errors))),
                "by_seed": [significant(error) for error in errors],
                "words": verdicts[0].words,
                "opinion": significant(float(np.mean(opinions))),
            }
        return figures


def time_speaking(
    tts: TTS, entries: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Seconds of work for a second of mel, and until the first chunk."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    texts = [entry["text"] for entry in entries[:N_TIMED]]
    tts.speak(texts[:1], seed=0)
    factors, firsts = [], []
    for text in texts:
        start = time.perf_counter()
        (item,) = tts.speak(text, seed=0)
        seconds = len(item.mel) * tts.hparams.mel_settings.seconds_per_frame
        factors.append((time.perf_counter() - start) / seconds)
        start = time.perf_counter()
        next(iter(tts.stream(text, seed=0)))
        firsts.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return {
        "real_time_factor": significant(median(factors)),
        "first_chunk_seconds": significant(median(firsts)),
    }


def print_line(name: str, figures: dict[str, Any]) -> None:
    """Print word errors and opinions by vocoder, or numbers."""
    line = f"{name:18}"
    for kind, figure in figures.items():
        if kind in ("griffin_lim", "universal_hifigan"):
            line += f"  {kind} {figure['word_error_rate']:5.1f} %"
            line += f" {figure['opinion']:.2f}"
        elif isinstance(figure, float):
            line += f"  {kind} {figure:.3g}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
