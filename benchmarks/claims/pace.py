#!/usr/bin/env python3
"""Does everything last 1 / pace of its time, and is it still understood?

A trained model of the embedded voice speaks sentences at several paces, soft,
hard and streamed. Durations of texts and of their pauses, and median F0, are
held against those at pace 1. An ear that this project did not train then counts
word errors, and those of eSpeak NG at the same rate: both through the same
vocoders. Prints a table, and stores everything under ``results/``.

> python -m benchmarks.claims.pace --model results/tts/SMA/model
> python -m benchmarks.claims.pace --model DIR --texts sentences.txt
> python -m benchmarks.claims.pace --model DIR --deaf   # without the ear
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch

from benchmarks.harness.ear import Ear, require_ear, universal_vocoder
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import significant
from sb_sma.data.espeak.text_grammar import generate_texts
from sb_sma.data.espeak.voice import PAUSE, VoiceSettings, speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.inference import TTS
from sb_sma.inference.spoken import SpokenText

OUTPUT = Path(__file__).parents[1] / "results" / "pace.json"
PACES = (0.5, 0.8, 1.25, 2.0)
HEARD_PACES = (0.5, 0.8, 1.0, 1.25)  # at 2, eSpeak NG is not understood either
MODES = ("soft", "hard")
VOCODERS = ("griffin_lim", "universal_hifigan")
RATE = 175  # words per minute, of the embedded voice
SEED = 0
N_TEXTS, TEXT_SEED = 40, 7919
WORDS = (6, 20)
N_F0_TEXTS = 12
LOWEST_F0, HIGHEST_F0 = 70.0, 400.0  # Hz
F0_SAMPLES = 1024
WANTED = {
    "duration": "within 5 % of 1 / pace, or one decoder step",
    "f0": "within 3 %",
    "word_errors": "<= 1.1 times those of eSpeak NG",
}


def main() -> None:
    """Speak, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True)
    parser.add_argument(
        "--texts", type=Path, help="a text a line; default: invented ones"
    )
    parser.add_argument("--n_texts", type=int, default=N_TEXTS)
    parser.add_argument(
        "--deaf", action="store_true", help="measure times and F0 alone"
    )
    parser.add_argument(
        "--vocoders", nargs="+", choices=VOCODERS, default=VOCODERS
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    if not arguments.deaf:
        require_ear()
    texts = (
        arguments.texts.read_text(encoding="utf-8").splitlines()
        if arguments.texts
        else invent_texts(arguments.n_texts)
    )
    tts = TTS.from_hparams(source=arguments.model)
    said = {
        mode: {
            pace: tts.speak(texts, mode=mode, pace=pace, seed=SEED)
            for pace in sorted({1.0, *PACES, *HEARD_PACES})
        }
        for mode in MODES
    }
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "texts": len(texts),
        "wanted": WANTED,
        "times": {
            mode: {
                str(pace): measure_times(tts, by_pace[1.0], by_pace[pace], pace)
                for pace in PACES
            }
            for mode, by_pace in said.items()
        },
        "streamed": measure_streams(tts, texts, said["soft"]),
        "f0": {
            str(pace): measure_f0(tts, said["soft"][1.0], said["soft"][pace])
            for pace in PACES
        },
    }
    if not arguments.deaf:
        result["heard"] = listen(tts, texts, said, arguments.vocoders)
    print_table(result)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def invent_texts(count: int) -> list[str]:
    """Sentences of the embedded corpus's grammar that no model has read."""
    texts = (
        text
        for text in generate_texts(50 * count, TEXT_SEED)
        if WORDS[0] <= len(text.split()) <= WORDS[1]
        and not any(character.isdigit() for character in text)
        and not any(len(word.strip(".,;:?!")) == 1 for word in text.split())
    )
    return [text for text, _ in zip(texts, range(count))]


def measure_times(
    tts: TTS,
    usual: Sequence[SpokenText],
    paced: Sequence[SpokenText],
    pace: float,
) -> dict[str, float]:
    """Durations over 1 / pace of those at pace 1: of texts, and of pauses.

    The worst text is the one whose share is furthest from 1, that of less than
    a decoder step left out.
    """
    step = tts.mods.model.decoder.reduction_factor
    shares = [
        len(b.mel) * pace / len(a.mel)
        for a, b in zip(usual, paced)
        if abs(len(b.mel) - len(a.mel) / pace) > step
    ]
    pauses = [sum(map(pause_steps, items)) for items in (usual, paced)]
    return {
        "all": significant(
            pace
            * sum(len(b.mel) for b in paced)
            / sum(len(a.mel) for a in usual)
        ),
        "worst": significant(max(shares, key=lambda s: abs(s - 1), default=1)),
        "pauses": significant(pace * pauses[1] / pauses[0]),
    }


def pause_steps(item: SpokenText) -> float:
    """Count decoder steps on pauses, by the most focused head."""
    focus = item.alignment.amax(-1).mean(-1)
    held = item.alignment[int(focus.argmax())].sum(0)
    return float(sum(held[i] for i, t in enumerate(item.tokens) if t == PAUSE))


def measure_streams(
    tts: TTS, texts: Sequence[str], said: dict[float, list[SpokenText]]
) -> dict[str, float]:
    """Largest difference between what is streamed and the whole, by pace."""
    return {
        str(pace): significant(
            max(
                float(
                    (
                        torch.cat(list(tts.stream(text, pace=pace, seed=SEED)))
                        - item.mel
                    )
                    .abs()
                    .max()
                )
                for text, item in zip(texts[:10], said[pace])
            )
        )
        for pace in PACES
    }


def measure_f0(
    tts: TTS, usual: Sequence[SpokenText], paced: Sequence[SpokenText]
) -> float:
    """Median F0 of some texts, over that at pace 1."""
    medians = []
    for items in (usual, paced):
        loud = [
            loud_f0(tts.to_waveform(item.mel).cpu().numpy(), tts)
            for item in items[:N_F0_TEXTS]
        ]
        medians.append(np.median(np.concatenate(loud)))
    return significant(medians[1] / medians[0])


def loud_f0(samples: np.ndarray, tts: TTS) -> np.ndarray:
    """F0 of the louder half of the frames, in Hz.

    By YIN: probabilistic YIN takes hardly a frame of this voice for voiced.
    """
    f0 = librosa.yin(
        samples,
        fmin=LOWEST_F0,
        fmax=HIGHEST_F0,
        sr=tts.hparams.mel_settings.sample_rate,
        frame_length=F0_SAMPLES,
    )
    loudness = librosa.feature.rms(
        y=samples, frame_length=F0_SAMPLES, hop_length=F0_SAMPLES // 4
    )[0]
    return f0[loudness > np.median(loudness)]


def listen(
    tts: TTS,
    texts: Sequence[str],
    said: dict[str, dict[float, list[SpokenText]]],
    names: Sequence[str],
) -> dict[str, Any]:
    """Count word errors of eSpeak NG and the model, by vocoder and pace."""
    ear = Ear(has_opinion=False)
    settings = tts.hparams.mel_settings
    features = LogMel(settings)
    vocoders: dict[str, Callable[[torch.Tensor], np.ndarray]] = {
        "griffin_lim": lambda mel: tts.to_waveform(mel).cpu().numpy(),
        "universal_hifigan": universal_vocoder(),
    }
    heard: dict[str, Any] = {name: {} for name in names}
    for pace in HEARD_PACES:
        voice = VoiceSettings(rate=round(RATE * pace))
        contestants = {
            "espeak": [espeak_mel(text, voice, features) for text in texts],
            **{mode: [item.mel for item in said[mode][pace]] for mode in MODES},
        }
        for name in names:
            heard[name][str(pace)] = lines = {}
            for contestant, mels in contestants.items():
                verdict = ear.judge(
                    texts,
                    list(map(vocoders[name], mels)),
                    settings.sample_rate,
                )
                lines[contestant] = {
                    "word_error_rate": significant(verdict.word_error_rate),
                    "words": verdict.words,
                }
                print(name, pace, contestant, lines[contestant], flush=True)
    return heard


def espeak_mel(
    text: str, voice: VoiceSettings, features: LogMel
) -> torch.Tensor:
    """Mel of a text as eSpeak NG says it, (M, C)."""
    samples = torch.from_numpy(speak(text, voice).samples / 32768.0)
    return features(samples[None].float())[0]


def print_table(result: dict[str, Any]) -> None:
    """Print the figures, each with what is wanted of it."""
    print(f"durations over 1 / pace (wanted {WANTED['duration']})")
    print(f"{'':8}{'pace':>6}{'all':>8}{'worst':>8}{'pauses':>8}{'F0':>8}")
    for mode, by_pace in result["times"].items():
        for pace, line in by_pace.items():
            print(
                f"{mode:8}{pace:>6}{line['all']:8.3f}{line['worst']:8.3f}"
                f"{line['pauses']:8.3f}{result['f0'][pace]:8.3f}"
            )
    worst = max(result["streamed"].values())
    print(f"streamed: at most {worst:.2g} from the whole")
    for vocoder, by_pace in result.get("heard", {}).items():
        print(f"word errors, {vocoder} (wanted {WANTED['word_errors']})")
        for pace, lines in by_pace.items():
            print(
                f"{'':8}{pace:>6}"
                + "".join(
                    f"  {name} {line['word_error_rate']:.1f} %"
                    for name, line in lines.items()
                )
            )


if __name__ == "__main__":
    main()
