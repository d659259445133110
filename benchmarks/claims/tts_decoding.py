#!/usr/bin/env python3
"""How fast is speech made, frame after frame?

Every model has random weights and is made to speak for a given number of
frames, so that only the time differs. All but the default model, whose soft
steps are in float64, speak in float32.

- same size: ours against ESPnet2's Transformer-TTS of the same size, and what
  twice the frames cost;
- Tacotron: the model of ``hparams/tts.yaml``, and a model of about 30 million
  parameters at reduction factors 2 and 1, against SpeechBrain's Tacotron 2 in
  the size of its LJSpeech recipe;
- batch: eight texts at once against one after the other, where all take
  equally long and where they do not, and the largest difference of the mels;
- first chunk: the time until a stream gives the first part of a mel of a
  sentence of 20 words, its phonemes included, on one core.

Contestants run in turn, and ratios are of the same round. Prints a table, and
stores everything under ``results/``. ESPnet2 is left out where it is not
installed: pip install --no-deps espnet typeguard==2.13.3

> python -m benchmarks.claims.tts_decoding
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from speechbrain.lobes.models.Tacotron2 import Tacotron2

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import (
    ESPNET_COMMAND,
    SAME_SIZE,
    count_parameters,
    espnet_arguments,
    load_hparams,
)
from benchmarks.harness.timing import compare, median, significant, time_in_turn
from sb_sma.data.espeak.voice import phonemize
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.streaming import stream
from sb_sma.models.tts.synthesis import Manner, Narrator, Synthesis, assemble

OUTPUT = Path(__file__).parents[1] / "results" / "tts_decoding.json"
N_TOKENS = 80
FRAMES = 1600
TACOTRON_FRAMES = 800
BATCH_FRAMES = 400
BATCH_ITEMS = 8
CHUNK_SECONDS = 0.25  # the default of TTS.stream
SENTENCE = (
    "The old man who lives beside the river says that every winter the water "
    "rises a little higher than before."
)
FULL_SIZE = {
    "d_model": 384,
    "nhead": 6,
    "d_ffn": 1536,
    "encoder_layers": 6,
    "encoder_prenet_layers": 3,
    "decoder_layers": 6,
    "postnet_channels": 512,
    "soft_precision": "float32",
}
WANTED = {
    "ESPnet2 over ours": ">= 3",
    "twice the frames": "<= 2.5",
    "Tacotron 2 over the default model, r = 4": ">= 10",
    "Tacotron 2 over the full size, r = 2": ">= 1",
    "batch against single, largest difference": "<= 1e-4",
    "first chunk": "<= 0.1 s",
}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    result: dict[str, Any] = {
        "machine": {
            **describe_machine(),
            "threads": str(torch.get_num_threads()),
        },
        "rounds": arguments.rounds,
        "wanted": WANTED,
        "same_size": measure_same_size(arguments.rounds),
        "tacotron": measure_tacotron(arguments.rounds),
        "batch": measure_batch(arguments.rounds),
        "first_chunk": measure_first_chunk(arguments.rounds),
    }
    print_tables(result)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


class Contestant:
    """Our model with random weights, made to speak for so many frames.

    Arguments
    ---------
    **overrides
        Of ``hparams/tts.yaml``.
    """

    def __init__(self, **overrides: Any):
        self.hparams = load_hparams(overrides)
        self.model = self.hparams["models"]["model"].eval()
        settings = self.hparams["mel_settings"]
        self.seconds_per_frame = settings.seconds_per_frame
        self.parameters = count_parameters(self.model)

    def narrator(self, tokens: torch.Tensor, frames: int) -> Narrator:
        """Return a narrator of (B, T) tokens that only the frame limit ends.

        The longest text takes `frames`, a shorter one less in proportion.
        """
        lengths = (tokens > 0).sum(dim=1)
        seconds = frames * self.seconds_per_frame
        rule = StopRule(
            stop_threshold=1.0 - 1e-12,
            hold_seconds=2.0 * seconds,
            max_seconds_per_token=seconds / int(lengths.max()),
        )
        return Narrator(
            self.model,
            tokens,
            lengths,
            rule,
            self.seconds_per_frame,
            Manner(self.hparams["decoding"], seed=0),
        )

    def speak(self, tokens: torch.Tensor, frames: int) -> Synthesis:
        """Return the speech, with as many frames as were asked for."""
        speech = assemble(self.narrator(tokens, frames))
        assert speech.mels.shape[1] == frames, speech.mels.shape
        return speech


def random_texts(lengths: list[int]) -> torch.Tensor:
    """Return tokens that every model knows, padded with 0."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(
        1, 127, (len(lengths), max(lengths)), generator=generator
    )
    padding = torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]
    return tokens.masked_fill(padding, 0)


def measure_same_size(rounds: int) -> dict[str, Any]:
    """Return ours and ESPnet2's on one sentence, and ours for half as long."""
    ours = Contestant(**SAME_SIZE, soft_precision="float32")
    tokens = random_texts([N_TOKENS])
    contestants = {
        "ours": partial(ours.speak, tokens, FRAMES),
        "ours, half the frames": partial(ours.speak, tokens, FRAMES // 2),
    }
    figures: dict[str, Any] = {"tokens": N_TOKENS, "frames": FRAMES}
    try:
        from espnet2.tts.transformer.transformer import Transformer
    except ImportError as error:
        figures["espnet"] = f"skipped: {error}; {ESPNET_COMMAND}"
    else:
        rival = Transformer(**espnet_arguments(ours.hparams)).eval()
        figures["espnet"] = version("espnet")
        contestants["ESPnet2"] = partial(espnet_speaks, rival, tokens, FRAMES)
    seconds = time_in_turn(contestants, rounds)
    figures["seconds"] = {n: median(spent) for n, spent in seconds.items()}
    figures["real_time_factor"] = median(seconds["ours"]) / (
        FRAMES * ours.seconds_per_frame
    )
    figures["twice the frames"] = compare(
        seconds["ours"], seconds["ours, half the frames"]
    )
    if "ESPnet2" in seconds:
        figures["ESPnet2 over ours"] = compare(
            seconds["ESPnet2"], seconds["ours"]
        )
    return figures


@torch.no_grad()
def espnet_speaks(
    rival: torch.nn.Module, tokens: torch.Tensor, frames: int
) -> torch.Tensor:
    """ESPnet2's inference, made to go on to its frame limit."""
    n_tokens = tokens.shape[1] + 1  # it appends an end token
    mel = rival.inference(
        tokens[0], threshold=2.0, minlenratio=0.0, maxlenratio=frames / n_tokens
    )["feat_gen"]
    assert len(mel) == frames, mel.shape
    return mel


def measure_tacotron(rounds: int) -> dict[str, Any]:
    """Three sizes of ours against SpeechBrain's Tacotron 2."""
    tacotron = Tacotron2(
        max_decoder_steps=TACOTRON_FRAMES, decoder_no_early_stopping=True
    ).eval()
    ours = {
        "the default model, r = 4": Contestant(),
        "the full size, r = 2": Contestant(**FULL_SIZE, reduction_factor=2),
        "the full size, r = 1": Contestant(**FULL_SIZE, reduction_factor=1),
    }
    tokens = random_texts([N_TOKENS])
    contestants: dict[str, Callable[[], Any]] = {
        name: partial(one.speak, tokens, TACOTRON_FRAMES)
        for name, one in ours.items()
    }
    contestants["Tacotron 2"] = partial(tacotron_speaks, tacotron, tokens)
    seconds = time_in_turn(contestants, rounds, warm_up=1)
    audio = TACOTRON_FRAMES * ours["the default model, r = 4"].seconds_per_frame
    return {
        "tokens": N_TOKENS,
        "frames": TACOTRON_FRAMES,
        "full_size": FULL_SIZE,
        "parameters": {
            **{name: one.parameters for name, one in ours.items()},
            "Tacotron 2": count_parameters(tacotron),
        },
        "seconds": {name: median(spent) for name, spent in seconds.items()},
        "real_time_factor": {
            name: median([one / audio for one in spent])
            for name, spent in seconds.items()
        },
        "Tacotron 2 over": {
            name: compare(seconds["Tacotron 2"], seconds[name]) for name in ours
        },
    }


@torch.no_grad()
def tacotron_speaks(
    tacotron: torch.nn.Module, tokens: torch.Tensor
) -> torch.Tensor:
    """Tacotron 2's inference, to its frame limit."""
    mels, _, _ = tacotron.infer(tokens, torch.tensor([tokens.shape[1]]))
    assert mels.shape[2] == TACOTRON_FRAMES, mels.shape
    return mels


def measure_batch(rounds: int) -> dict[str, Any]:
    """Eight texts of the default model at once, and one after the other."""
    ours = Contestant()
    figures: dict[str, Any] = {"items": BATCH_ITEMS, "frames": BATCH_FRAMES}
    for name, lengths in {
        "equal lengths": [N_TOKENS] * BATCH_ITEMS,
        "unequal lengths": [
            N_TOKENS * (item + 1) // BATCH_ITEMS for item in range(BATCH_ITEMS)
        ],
    }.items():
        tokens = random_texts(lengths)
        together = ours.speak(tokens, BATCH_FRAMES)
        frames = together.mel_lengths.tolist()
        singles = [
            partial(ours.speak, tokens[item : item + 1, :length], n_frames)
            for item, (length, n_frames) in enumerate(zip(lengths, frames))
        ]
        difference = max(
            float((mel[:n_frames] - single().mels[0]).abs().max())
            for mel, n_frames, single in zip(together.mels, frames, singles)
        )
        seconds = time_in_turn(
            {
                "together": partial(ours.speak, tokens, BATCH_FRAMES),
                "one by one": lambda singles=singles: [
                    one() for one in singles
                ],
            },
            rounds,
        )
        figures[name] = {
            "frames": frames,
            "largest_difference": significant(difference),
            "seconds": {n: median(spent) for n, spent in seconds.items()},
            "one by one over together": compare(
                seconds["one by one"], seconds["together"]
            ),
        }
    return figures


def measure_first_chunk(rounds: int) -> dict[str, Any]:
    """Return the first part of a sentence's mel, on one core."""
    ours = Contestant()
    chunk_frames = round(CHUNK_SECONDS / ours.seconds_per_frame)
    n_tokens = len(phonemize(SENTENCE))

    def first_chunk():
        phonemes = phonemize(SENTENCE)
        tokens = random_texts([len(phonemes)])
        narrator = ours.narrator(tokens, FRAMES)
        return next(stream(narrator, chunk_frames))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = time_in_turn({"first chunk": first_chunk}, rounds)["first chunk"]
    torch.set_num_threads(threads)
    return {
        "sentence": SENTENCE,
        "words": len(SENTENCE.split()),
        "tokens": n_tokens,
        "chunk_frames": chunk_frames,
        "threads": 1,
        "seconds": median(seconds),
        "longest": significant(max(seconds)),
    }


def print_tables(result: dict[str, Any]) -> None:
    """Return the figures, each with what is wanted of it."""
    same = result["same_size"]
    print(f"\none sentence of {N_TOKENS} tokens, {FRAMES} frames")
    print_seconds(same["seconds"])
    print_ratio("twice the frames", same["twice the frames"])
    if "ESPnet2 over ours" in same:
        print_ratio("ESPnet2 over ours", same["ESPnet2 over ours"])
    else:
        print(f"ESPnet2: {same['espnet']}")
    tacotron = result["tacotron"]
    print(f"\none sentence of {N_TOKENS} tokens, {TACOTRON_FRAMES} frames")
    print_seconds(tacotron["seconds"])
    for name, ratio in tacotron["Tacotron 2 over"].items():
        print_ratio(f"Tacotron 2 over {name}", ratio)
    for name in ("equal lengths", "unequal lengths"):
        batch = result["batch"][name]
        print(f"\n{BATCH_ITEMS} texts of {name}, {BATCH_FRAMES} frames")
        print_seconds(batch["seconds"])
        print(
            f"largest difference {batch['largest_difference']:.1e} (wanted "
            f"{WANTED['batch against single, largest difference']})"
        )
    chunk = result["first_chunk"]
    print(
        f"\nfirst chunk of {chunk['words']} words on one core: "
        f"{1e3 * chunk['seconds']:.0f} ms, at most "
        f"{1e3 * chunk['longest']:.0f} ms (wanted {WANTED['first chunk']})"
    )


def print_seconds(seconds: dict[str, float]) -> None:
    """One line for each contestant."""
    for name, spent in seconds.items():
        print(f"{name:40}{1e3 * spent:10.1f} ms")


def print_ratio(name: str, ratio: dict[str, float]) -> None:
    """Return a ratio, with what is wanted of it if anything is."""
    wanted = f"  (wanted {WANTED[name]})" if name in WANTED else ""
    print(f"{name:40}{ratio['median_of_ratios']:10.2f} x{wanted}")


if __name__ == "__main__":
    main()
