#!/usr/bin/env python3
"""Do style tokens carry how speech is spoken, and do they control it?

Trains ``hparams/tts_gst.yaml`` by the very command of the README. Then held-out
texts are spoken in the styles of other held-out recordings, whose speaking rate
and median F0 are compared with those of the result; and the token that changes
the rate most is swept. Prints a table, and stores everything under
``results/``.

> python -m benchmarks.claims.style_control
> python -m benchmarks.claims.style_control --run results/style_control
> python -m benchmarks.claims.style_control --resume
"""

import argparse
import json
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import torch
from scipy.stats import spearmanr

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.training_run import ROOT, read_cost, read_history, train
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.inference import TTS
from sb_sma.inference.spoken import SpokenText
from sb_sma.plots.style_figures import plot_style_transfer, plot_token_sweep

RESULTS = Path(__file__).parents[1] / "results"
SEED = 0
MAX_BATCH_FRAMES, MAX_BATCH_ITEMS = 2500, 16  # of the YAML file
N_PAIRS = 50
LEAST_SECONDS = 2.0  # there is no rate to be heard in a word or two
N_SWEPT_TEXTS = 10
SCALES = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
NOMINAL_RATE = 150  # words per minute
LOWEST_F0, HIGHEST_F0 = 40.0, 600.0  # Hz
WANTED_CORRELATION = 0.8
WANTED_FACTOR = 1.3

TITLES = {
    "rate": "speaking rate, words per minute",
    "f0": "median F0, Hz",
}

Entry = dict[str, Any]


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--run", metavar="FOLDER", help="a run that this script has trained"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="train further what this script has trained",
    )
    parser.add_argument(
        "--processes", type=int, default=1, help="that share every batch"
    )
    arguments = parser.parse_args()
    folder = Path(arguments.run or train_model(arguments))
    tts = TTS.from_hparams(source=str(folder / "model"))
    valid, test = read_entries(folder)
    history = read_history(folder)
    result: dict[str, Any] = {
        "machine": describe_machine(),
        **read_cost(folder),
        "training_minutes": history[-1]["minutes"],
        "epochs": len(history),
        "test": json.loads((folder / "test_stats.json").read_text()),
        "wanted_correlation": WANTED_CORRELATION,
        "wanted_factor": WANTED_FACTOR,
        "transfer": measure_transfer(tts, test),
        "sweep": measure_sweep(tts, valid, test),
    }
    print_table(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "style_control.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    draw(result)


def train_model(arguments: argparse.Namespace) -> Path:
    """Run the README's command, or the same with its batches dealt out."""
    n_processes = arguments.processes
    output_folder = ROOT / "results" / "style_control"
    command = ["train.py", "hparams/tts_gst.yaml"]
    if n_processes > 1:
        command += [
            f"--max_batch_frames={MAX_BATCH_FRAMES // n_processes}",
            f"--max_batch_items={MAX_BATCH_ITEMS // n_processes}",
        ]
    train(
        command,
        output_folder,
        output_folder / "corpus",
        n_processes,
        resume=arguments.resume,
    )
    return output_folder


def read_entries(folder: Path) -> tuple[list[Entry], list[Entry]]:
    """Held-out items of the run's corpus, for validation and for the test."""
    (corpus,) = {path.parent for path in folder.glob("corpus/**/corpus.json")}
    manifests = load_manifests(corpus)
    return list(manifests["valid"].values()), list(manifests["test"].values())


def measure_transfer(tts: TTS, entries: list[Entry]) -> dict[str, Any]:
    """Speak each text in the style of the next item, and in the mean style."""
    chosen = [item for item in entries if item["duration"] >= LEAST_SECONDS]
    chosen = chosen[:N_PAIRS]
    texts = [entry["text"] for entry in chosen]
    references = [*chosen[1:], chosen[0]]
    if len(set(texts)) < N_PAIRS:
        raise ValueError(
            f"the test set must have {N_PAIRS} different texts of "
            f"{LEAST_SECONDS} s or more; got {len(set(texts))}. Train with "
            "a larger --n_test."
        )
    style = torch.cat(
        [tts.styles.from_wavs([entry["wav"]]) for entry in references]
    )
    transferred, n_unfinished = measure_spoken(tts, texts, style)
    mean_style, _ = measure_spoken(tts, texts, tts.styles.mean())
    measured = {
        "reference": [measure_recording(entry) for entry in references],
        "transferred": transferred,
        "mean_style": mean_style,
    }
    values = {
        quantity: {
            name: [pair[column] for pair in pairs]
            for name, pairs in measured.items()
        }
        for column, quantity in enumerate(TITLES)
    }
    return {
        "pairs": len(texts),
        "least_seconds": LEAST_SECONDS,
        "unfinished": n_unfinished,
        **{name: summarize_transfer(**values[name]) for name in TITLES},
        "values": values,
    }


def summarize_transfer(
    reference: list[float], transferred: list[float], mean_style: list[float]
) -> dict[str, float]:
    """Rank correlation with the references, and the mean style's beside it."""
    reference, transferred, mean_style = map(
        np.array, (reference, transferred, mean_style)
    )
    error = np.abs(transferred / reference - 1.0)
    error_of_mean_style = np.abs(mean_style / reference - 1.0)
    return {
        "spearman": float(spearmanr(reference, transferred).statistic),
        "spearman_of_mean_style": float(
            spearmanr(reference, mean_style).statistic
        ),
        "median_error": float(np.median(error)),
        "median_error_of_mean_style": float(np.median(error_of_mean_style)),
        "moved_towards": float(np.mean(error < error_of_mean_style)),
        "unvoiced": int((transferred == 0.0).sum()),
    }


def measure_recording(entry: Entry) -> tuple[float, float]:
    """Return the rate that eSpeak NG was told, and the F0 of what it said."""
    return entry["rate"], median_f0(*soundfile.read(entry["wav"]))


def measure_spoken(
    tts: TTS, texts: list[str], style: torch.Tensor
) -> tuple[list[tuple[float, float]], int]:
    """Rate and F0 of what the model says; and how often it did not end."""
    sample_rate = tts.hparams.mel_settings.sample_rate
    spoken = tts.speak(texts, seed=SEED, style=style)
    measured = [
        (
            speaking_rate(item.text, seconds(tts, item)),
            median_f0(tts.to_waveform(item.mel).cpu().numpy(), sample_rate),
        )
        for item in spoken
    ]
    return measured, sum(not item.finished for item in spoken)


def speaking_rate(text: str, duration: float) -> float:
    """Return words per minute on eSpeak NG's scale, whatever the words are."""
    frontend = EspeakFrontend(VoiceSettings(rate=NOMINAL_RATE))
    nominal = speak(frontend.written_out(text), frontend.settings)
    seconds_then = len(nominal.samples) / nominal.sample_rate
    return NOMINAL_RATE * seconds_then / duration


def median_f0(samples: np.ndarray, sample_rate: int) -> float:
    """Median F0 of the voiced frames, in Hz; 0 where there is none."""
    f0, is_voiced, _ = librosa.pyin(
        samples, fmin=LOWEST_F0, fmax=HIGHEST_F0, sr=sample_rate
    )
    return float(np.median(f0[is_voiced])) if is_voiced.any() else 0.0


def seconds(tts: TTS, item: SpokenText) -> float:
    """Duration of what was spoken."""
    settings = tts.hparams.mel_settings
    return len(item.mel) * settings.seconds_per_frame


def measure_sweep(
    tts: TTS, valid: list[Entry], test: list[Entry]
) -> dict[str, Any]:
    """Find the most rate-like token on some texts, and sweep it on others."""
    on_valid, finished = sweep_tokens(tts, valid[:N_SWEPT_TEXTS])
    means = on_valid.mean(axis=2)
    factors = means.max(axis=1) / means.min(axis=1)
    token = int(np.where(finished, factors, 0.0).argmax())
    on_test, finished = sweep_tokens(tts, test[:N_SWEPT_TEXTS])
    durations = on_test[token]
    mean = durations.mean(axis=1)
    direction = np.sign(mean[-1] - mean[0])
    return {
        "token": token,
        "scales": SCALES,
        "texts": durations.shape[1],
        "finished": bool(finished[token]),
        "seconds": mean.tolist(),
        "factor": float(mean.max() / mean.min()),
        "monotone": bool((np.diff(mean) * direction > 0).all()),
        "monotone_texts": int(
            (np.diff(durations, axis=0) * direction >= 0).all(axis=0).sum()
        ),
        "seconds_by_token": on_test.mean(axis=2).tolist(),
    }


def sweep_tokens(
    tts: TTS, entries: list[Entry]
) -> tuple[np.ndarray, np.ndarray]:
    """Return durations in seconds, (tokens, scales, texts), of each token's styles;
    and for which tokens every text ended by itself, (tokens,)."""
    texts = [entry["text"] for entry in entries]
    durations, finished = [], []
    for token in range(tts.styles.n_tokens):
        for scale in SCALES:
            style = tts.styles.from_token(token, scale)
            spoken = tts.speak(texts, seed=SEED, style=style)
            durations.append([seconds(tts, item) for item in spoken])
            finished.append(all(item.finished for item in spoken))
    shape = (-1, len(SCALES))
    return (
        np.reshape(durations, (*shape, len(texts))),
        np.reshape(finished, shape).all(axis=1),
    )


def print_table(result: dict[str, Any]) -> None:
    """Return the figures that the README quotes."""
    transfer, sweep = result["transfer"], result["sweep"]
    print(
        f"\n{transfer['pairs']} pairs, of which {transfer['unfinished']} did "
        f"not end; wanted: {WANTED_CORRELATION} or more"
    )
    for quantity in TITLES:
        figures = transfer[quantity]
        print(
            f"  {quantity:>4}: Spearman {figures['spearman']:.3f} "
            f"(mean style {figures['spearman_of_mean_style']:.3f}), median "
            f"error {figures['median_error']:.1%} (mean style "
            f"{figures['median_error_of_mean_style']:.1%}), moved towards the "
            f"reference: {figures['moved_towards']:.0%}; unvoiced: "
            f"{figures['unvoiced']}"
        )
    print(f"token {sweep['token']}; wanted: a factor of {WANTED_FACTOR}")
    for scale, duration in zip(sweep["scales"], sweep["seconds"]):
        print(f"  weight {scale:+.2f}: {duration:.2f} s")
    print(
        f"  factor {sweep['factor']:.2f}, monotone: {sweep['monotone']}, of "
        f"{sweep['monotone_texts']} of {sweep['texts']} texts alone; all "
        f"ended: {sweep['finished']}"
    )


def draw(result: dict[str, Any]) -> None:
    """Every pair, and the sweep of every token."""
    values, sweep = result["transfer"]["values"], result["sweep"]
    figure = plot_style_transfer(
        {
            title: (
                values[quantity]["reference"],
                values[quantity]["transferred"],
            )
            for quantity, title in TITLES.items()
        }
    )
    figure.savefig(RESULTS / "style_transfer.png", bbox_inches="tight")
    figure = plot_token_sweep(
        sweep["scales"],
        np.array(sweep["seconds_by_token"]),
        f"the mean of {sweep['texts']} texts",
    )
    figure.savefig(RESULTS / "style_sweep.png", bbox_inches="tight")


if __name__ == "__main__":
    main()
