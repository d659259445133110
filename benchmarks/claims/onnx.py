#!/usr/bin/env python3
"""Do ONNX graphs speak and pronounce as PyTorch does, and how fast?

- mels: of 200 texts of ``sb-sma evaluate``, soft and hard, each with a seed of
  its own, by graphs and by PyTorch: how many have the same number of frames and
  the same way of ending, and the largest differences.
- words: of 200 words of CMUdict, greedy and by beam search.
- time: processor seconds of text to mel over seconds of speech, on one thread, by
  both in turn, text after text.

Prints figures, and stores them under ``results/``; what is not measured stays what
it is there.

> python -m benchmarks.claims.onnx
> python -m benchmarks.claims.onnx --model results/tts/SMA/model --modes soft hard
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import significant
from sb_sma.attention.decoding import MODES
from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.evaluation.texts import own_texts
from sb_sma.inference import G2P, TTS
from sb_sma.inference.g2p.lexicon_first import find_packaged
from sb_sma.onnx import OnnxG2P, OnnxTTS, export_onnx

OUTPUT = Path(__file__).parents[1] / "results" / "onnx.json"
TOLERANCE = 1e-4
WANTED = {"largest_difference": "<= 1e-4", "same_ends": "all"}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", help="a voice's folder; without it, no mels are compared"
    )
    parser.add_argument(
        "--modes", nargs="*", choices=MODES, default=MODES, help="of the mels"
    )
    parser.add_argument(
        "--g2p",
        default=str(find_packaged()),
        help="folder of a model that pronounces (default: that of the package)",
    )
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    result: dict[str, Any] = {}
    if arguments.output.exists():
        result = json.loads(arguments.output.read_text(encoding="utf-8"))
    machine = {**describe_machine(), "threads": "1"}
    result |= {"machine": machine, "wanted": WANTED}
    measured = {
        "commit": machine["commit"],
        "load_average": machine["load_average"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        words = chosen_words(arguments.words)
        found = compare_words(arguments.g2p, folder, words)
        result["words"] = {**found, **measured}
        print("words", json.dumps(result["words"], indent=1), flush=True)
        for mode in arguments.modes if arguments.model else ():
            texts = chosen_texts(arguments.texts)
            found = compare_mels(arguments.model, folder, texts, mode)
            result[mode] = {**found, **measured}
            print(mode, json.dumps(result[mode], indent=1), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def chosen_texts(number: int) -> list[str]:
    """Take as many of each kind."""
    return spread([each.text for each in own_texts()], number)


def chosen_words(number: int) -> list[str]:
    """Take words of CMUdict, from the first letter to the last."""
    return spread(list(Cmudict()), number)


def spread(given: list[str], number: int) -> list[str]:
    """Take some at equal distances."""
    places = np.linspace(0, len(given), number, endpoint=False).astype(int)
    return [given[place] for place in places]


def exported(source: str, folder: Path) -> Path:
    """Export a model once."""
    graphs = folder / Path(source).absolute().as_posix()[1:]
    if not graphs.exists():
        export_onnx(source, graphs)
    return graphs


def compare_mels(
    source: str, folder: Path, texts: list[str], mode: str
) -> dict[str, Any]:
    """Speak all texts by both."""
    tts = TTS.from_hparams(source=source)
    # the runner says nothing again
    tts.attempts = 1
    runner = OnnxTTS(exported(source, folder))
    speakers = {
        "PyTorch": lambda text, seed: tts.speak(
            [text], mode=mode, seed=seed, split=False
        )[0],
        "ONNX": lambda text, seed: runner.speak(text, mode=mode, seed=seed),
    }
    spoken: dict[str, list[Any]] = {name: [] for name in speakers}
    seconds = dict.fromkeys(speakers, 0.0)
    for speak in speakers.values():
        # compiled when they are first called
        speak(texts[0], 0)
    for seed, text in enumerate(texts):
        for name, speak in speakers.items():
            start = time.process_time()
            speech = speak(text, seed)
            seconds[name] += time.process_time() - start
            spoken[name].append(
                SimpleNamespace(
                    mel=np.asarray(speech.mel),
                    alignment=np.asarray(speech.alignment),
                    finished=speech.finished,
                )
            )
    n_frames = sum(len(each.mel) for each in spoken["PyTorch"])
    length = n_frames * tts.hparams.mel_settings.seconds_per_frame
    return {
        "texts": len(texts),
        **differences(spoken["PyTorch"], spoken["ONNX"]),
        "real_time_factor": {
            name: significant(spent / length) for name, spent in seconds.items()
        },
        "PyTorch over ONNX": significant(seconds["PyTorch"] / seconds["ONNX"]),
    }


def differences(one: list[Any], other: list[Any]) -> dict[str, Any]:
    """Compare mels and ends."""
    alike = [
        (a, b)
        for a, b in zip(one, other)
        if a.mel.shape == b.mel.shape and a.finished == b.finished
    ]
    found = [float(np.abs(a.mel - b.mel).max()) for a, b in alike]
    aligned = [float(np.abs(a.alignment - b.alignment).max()) for a, b in alike]
    return {
        "same_ends": f"{len(found)} of {len(one)}",
        "within_1e-4": sum(each <= TOLERANCE for each in found),
        "largest_difference": significant(max(found, default=0.0)),
        "median_difference": significant(float(np.median(found or [0.0]))),
        "largest_difference_of_alignments": significant(
            max(aligned, default=0.0)
        ),
    }


def compare_words(
    source: str, folder: Path, words: list[str]
) -> dict[str, Any]:
    """Pronounce all words by both."""
    g2p = G2P.from_hparams(source=source)
    runner = OnnxG2P(exported(source, folder))
    figures: dict[str, Any] = {"number": len(words)}
    for name, beam_size in (("greedy", 1), ("beam 5", 5)):
        start = time.process_time()
        theirs = g2p.n_best(words, 1, beam_size=beam_size)
        middle = time.process_time()
        ours = runner.n_best(words, 1, beam_size=beam_size)
        end = time.process_time()
        pairs = [(a, b) for (a,), (b,) in zip(theirs, ours)]
        figures[name] = {
            "same": sum(a.phonemes == b.phonemes for a, b in pairs),
            "largest_difference": significant(
                max(
                    abs(a.log_probability - b.log_probability) for a, b in pairs
                )
            ),
            "seconds": {
                "PyTorch, in batches": significant(middle - start),
                "ONNX, one by one": significant(end - middle),
            },
        }
    return figures


if __name__ == "__main__":
    main()
