#!/usr/bin/env python3
"""What a training step of the full-size model costs.

The recipe's own step (forward, losses, backward, gradient clipping, Adam,
weight average) of LJSpeech's ``train.yaml``, where half of the decoder steps
hear the model's own frames, on a batch of utterances as long as LJSpeech's:
median time and peak memory, on the CPU, and on a CUDA device if there is one.
Prints them, and stores everything under ``results/``.

> python -m benchmarks.claims.full_size
> python -m benchmarks.claims.full_size --frames 6000
"""

import argparse
import json
import resource
import warnings
from pathlib import Path
from typing import Any

import torch

from benchmarks.claims.training_step import make_batch, make_brain, recipe_step
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import count_parameters
from benchmarks.harness.timing import median, significant, time_in_turn
from sb_sma.data.batch import with_lengths

OUTPUT = Path(__file__).parents[1] / "results" / "full_size.json"
CPU_FRAMES = 2500  # of a batch; CUDA: as the YAML file says
ROUNDS = {"cpu": 7, "cuda": 30}
# of an utterance of LJSpeech, 6.5 s
TOKENS, FRAMES = 69, 560
MEAN_LENGTH = 0.95  # of a batch, over its longest item


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--frames",
        type=int,
        help="mel frames in a batch; by default "
        f"{CPU_FRAMES} on the CPU, max_batch_frames of the YAML on CUDA",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    # SpeechBrain's guided attention
    warnings.filterwarnings("ignore", message="torch.meshgrid")
    result: dict[str, Any] = {
        "machine": {
            **describe_machine(),
            "threads": str(torch.get_num_threads()),
        },
        "of": "one whole training step, float32, SMA, median",
        "cpu": measure("cpu", arguments.frames or CPU_FRAMES),
    }
    if torch.cuda.is_available():
        result["machine"]["cuda_device"] = torch.cuda.get_device_name()
        result["cuda"] = measure("cuda", arguments.frames)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def measure(device: str, n_frames: int | None) -> dict[str, Any]:
    """Time and memory of a step on one device."""
    brain = make_brain(device, {"data_folder": "not read"}, task="ljspeech")
    hparams = brain.hparams
    n_frames = n_frames or hparams.max_batch_frames
    sizes = {
        "items": max(1, round(n_frames / (MEAN_LENGTH * FRAMES))),
        "tokens": TOKENS,
        "frames": FRAMES,
    }
    batch = make_batch(sizes, device)
    step = recipe_step(brain, batch, hparams.own_frames)
    rounds = ROUNDS[device]
    seconds = median(time_in_turn({"step": step}, rounds, device)["step"])
    all_frames = int(with_lengths(batch.log_mel)[1].sum())
    figures = {
        "parameters": count_parameters(hparams.models["model"]),
        "batch": {**sizes, "all_frames": all_frames},
        "own_frames": hparams.own_frames,
        "rounds": rounds,
        "seconds": seconds,
        "frames_per_second": significant(all_frames / seconds),
        "peak_memory_gib": significant(peak_memory(device)),
    }
    print(f"{device}: {json.dumps(figures, indent=1)}")
    return figures


def peak_memory(device: str) -> float:
    """Of the whole process on the CPU, of PyTorch's tensors on CUDA, in GiB."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
