#!/usr/bin/env python3
"""Do style tokens carry how speech is spoken, and do they control it?

Trains ``hparams/tts_gst.yaml`` by the very command of the README. Then held-out
texts are spoken in the styles of other held-out recordings, whose speaking rate
and median F0 are compared with those of the result; and the token that changes
the rate most is swept. Prints a table, and stores everything under
``results/``.

> python benchmarks/style_control.py
> python benchmarks/style_control.py --run results/style_control
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import librosa
import numpy as np
import soundfile
import torch
from machine import describe_machine
from scipy.stats import spearmanr
from training_run import ROOT, read_cost, read_history, train

from sb_sma.data.corpus import load_manifests
from sb_sma.data.espeak import VoiceSettings, speak
from sb_sma.inference import TTS
from sb_sma.inference.spoken import SpokenText
from sb_sma.plots.style_figures import plot_style_transfer, plot_token_sweep

RESULTS = Path(__file__).with_name("results")
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

Entry = Dict[str, Any]


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
        "--processes", type=int, default=1, help="that share every batch"
    )
    arguments = parser.parse_args()
    folder = Path(arguments.run or train_anew(arguments.processes))
    tts = TTS.from_hparams(source=str(folder / "model"))
    valid, test = read_entries(folder)
    history = read_history(folder)
    result: Dict[str, Any] = {
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
        json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    )


def train_anew(n_processes: int) -> Path:
    """Run the README's command, or the same with its batches dealt out."""
    output_folder = ROOT / "results" / "style_control"
    command = ["train.py", "hparams/tts_gst.yaml"]
    if n_processes > 1:
        command += [
            f"--max_batch_frames={MAX_BATCH_FRAMES // n_processes}",
            f"--max_batch_items={MAX_BATCH_ITEMS // n_processes}",
        ]
    train(command, output_folder, output_folder / "corpus", n_processes)
    return output_folder


def read_entries(folder: Path) -> Tuple[List[Entry], List[Entry]]:
    """Held-out items of the run's corpus, for validation and for the test."""
    (corpus,) = {path.parent for path in folder.glob("corpus/**/corpus.json")}
    manifests = load_manifests(corpus)
    return list(manifests["valid"].values()), list(manifests["test"].values())


def measure_transfer(tts: TTS, entries: List[Entry]) -> Dict[str, Any]:
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
    measured = {
        "reference": [measure_recording(entry) for entry in references],
        "transferred": measure_spoken(tts, texts, style),
        "mean_style": measure_spoken(tts, texts, tts.styles.mean()),
    }
    values = {
        name: dict(zip(("rate", "f0"), np.array(pairs).T.tolist()))
        for name, pairs in measured.items()
    }
    figure = plot_style_transfer(
        {
            title: (
                values["reference"][quantity],
                values["transferred"][quantity],
            )
            for quantity, title in TITLES.items()
        }
    )
    figure.savefig(RESULTS / "style_transfer.png", bbox_inches="tight")
    return {
        "pairs": len(texts),
        "least_seconds": LEAST_SECONDS,
        **{
            quantity: summarize_transfer(
                *(values[name][quantity] for name in measured)
            )
            for quantity in TITLES
        },
        "values": values,
    }


def summarize_transfer(
    reference: List[float], transferred: List[float], mean_style: List[float]
) -> Dict[str, float]:
    """Rank correlation with the references, and the mean style's beside it."""
    reference, transferred, mean_style = map(
        np.log, (reference, transferred, mean_style)
    )
    error = np.abs(transferred - reference)
    error_of_mean_style = np.abs(mean_style - reference)
    return {
        "spearman": float(spearmanr(reference, transferred).statistic),
        "spearman_of_mean_style": float(
            spearmanr(reference, mean_style).statistic
        ),
        "median_error": float(np.expm1(np.median(error))),
        "median_error_of_mean_style": float(
            np.expm1(np.median(error_of_mean_style))
        ),
        "moved_towards": float(np.mean(error < error_of_mean_style)),
    }


def measure_recording(entry: Entry) -> Tuple[float, float]:
    """The rate that eSpeak NG was told, and the F0 of what it said."""
    return entry["rate"], median_f0(*soundfile.read(entry["wav"]))


def measure_spoken(
    tts: TTS, texts: List[str], style: torch.Tensor
) -> List[Tuple[float, float]]:
    """Rate and F0 of what the model says."""
    sample_rate = tts.hparams.mel_settings.sample_rate
    return [
        (
            speaking_rate(item.text, seconds(tts, item)),
            median_f0(tts.to_waveform(item.mel).cpu().numpy(), sample_rate),
        )
        for item in tts.speak(texts, seed=SEED, style=style)
    ]


def speaking_rate(text: str, duration: float) -> float:
    """Words per minute on eSpeak NG's scale, whatever the words are."""
    nominal = speak(text, VoiceSettings(rate=NOMINAL_RATE))
    seconds_then = len(nominal.samples) / nominal.sample_rate
    return NOMINAL_RATE * seconds_then / duration


def median_f0(samples: np.ndarray, sample_rate: int) -> float:
    """Median F0 of the voiced frames, in Hz."""
    f0, is_voiced, _ = librosa.pyin(
        samples, fmin=LOWEST_F0, fmax=HIGHEST_F0, sr=sample_rate
    )
    return float(np.median(f0[is_voiced]))


def seconds(tts: TTS, item: SpokenText) -> float:
    """Duration of what was spoken."""
    settings = tts.hparams.mel_settings
    return len(item.mel) * settings.hop_length / settings.sample_rate


def measure_sweep(
    tts: TTS, valid: List[Entry], test: List[Entry]
) -> Dict[str, Any]:
    """Find the most rate-like token on some texts, and sweep it on others."""
    n_tokens = tts.styles.n_tokens
    chosen_on = [entry["text"] for entry in valid[:N_SWEPT_TEXTS]]
    texts = [entry["text"] for entry in test[:N_SWEPT_TEXTS]]
    by_token = np.array(
        [
            mean_durations(tts, chosen_on, token, SCALES)
            for token in range(n_tokens)
        ]
    )
    factors = by_token.max(axis=1) / by_token.min(axis=1)
    token = int(factors.argmax())
    durations = np.array(mean_durations(tts, texts, token, SCALES))
    steps = np.diff(durations)
    shown = f"mean of {len(chosen_on)} texts"
    figure = plot_token_sweep(SCALES, by_token, shown)
    figure.savefig(RESULTS / "style_sweep.png", bbox_inches="tight")
    return {
        "token": token,
        "scales": SCALES,
        "seconds": durations.tolist(),
        "factor": float(durations.max() / durations.min()),
        "monotone": bool((steps > 0).all() or (steps < 0).all()),
        "seconds_by_token_on_other_texts": by_token.tolist(),
    }


def mean_durations(
    tts: TTS, texts: List[str], token: int, scales: Sequence[float]
) -> List[float]:
    """Mean duration of some texts for each weight of a token, in seconds."""
    return [
        float(
            np.mean(
                [
                    seconds(tts, item)
                    for item in tts.speak(
                        texts,
                        seed=SEED,
                        style=tts.styles.from_token(token, scale),
                    )
                ]
            )
        )
        for scale in scales
    ]


def print_table(result: Dict[str, Any]) -> None:
    """The figures that the README quotes."""
    transfer, sweep = result["transfer"], result["sweep"]
    print(f"\n{transfer['pairs']} pairs; wanted: {WANTED_CORRELATION} or more")
    for quantity in TITLES:
        figures = transfer[quantity]
        print(
            f"  {quantity:>4}: Spearman {figures['spearman']:.3f} "
            f"(mean style {figures['spearman_of_mean_style']:.3f}), median "
            f"error {figures['median_error']:.1%} (mean style "
            f"{figures['median_error_of_mean_style']:.1%}), moved towards the "
            f"reference: {figures['moved_towards']:.0%}"
        )
    print(f"token {sweep['token']}; wanted: a factor of {WANTED_FACTOR}")
    for scale, duration in zip(sweep["scales"], sweep["seconds"]):
        print(f"  weight {scale:+.2f}: {duration:.2f} s")
    print(f"  factor {sweep['factor']:.2f}, monotone: {sweep['monotone']}")


if __name__ == "__main__":
    main()
