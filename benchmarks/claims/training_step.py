#!/usr/bin/env python3
"""What a training step costs with SMA, with softmax, and in ESPnet2.

- step share: the recipe's own training step (forward, losses, backward,
  gradient clipping, Adam, weight average) of ``hparams/tts.yaml`` with SMA
  against the same with softmax attention (regularMHA), in the first steps,
  where the decoder hears true frames only, and in the last, where half of
  them are its own;
- ESPnet2: forward, losses, backward, clipping and Adam against ESPnet2's
  Transformer-TTS of the same size on a batch of the same size. Left out where
  ESPnet2 is not installed: pip install --no-deps espnet typeguard==2.13.3

Contestants run in turn on the CPU, and on a CUDA device if there is one, and
ratios are of the same round. Prints a table, and stores everything under
``results/``.

> python -m benchmarks.claims.training_step
"""

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import (
    ESPNET_COMMAND,
    N_MELS,
    SAME_SIZE,
    count_parameters,
    espnet_arguments,
    load_hparams,
)
from benchmarks.harness.timing import compare, median, time_in_turn
from sb_sma.attention import walk_switches
from sb_sma.data.batch import with_lengths
from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.training.schedules import LinearAnneal

OUTPUT = Path(__file__).parents[1] / "results" / "training_step.json"
ATTENTION_TYPES = ("SMA", "regularMHA")
OWN_FRAMES = (0.0, 0.5)  # at the start and at the end of training
FRAMES_PER_STEP = 4
WANTED_SHARE = "<= 1.05"
# items, their most tokens and mel frames; the shortest item has 0.9 of them
RECIPE_BATCH = {"items": 8, "tokens": 45, "frames": 312}
ESPNET_BATCH = {"items": 16, "tokens": 80, "frames": 400}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    # ESPnet2's and SpeechBrain's guided attention
    warnings.filterwarnings("ignore", message="torch.meshgrid")
    devices = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    result: dict[str, Any] = {
        "machine": {
            **describe_machine(),
            "threads": str(torch.get_num_threads()),
        },
        "of": "one whole training step, float32",
        "remark": "dropout on the weights of SMA is sb_sma.ops.dropout, that "
        "of regularMHA PyTorch's, which takes longer on the CPU",
        "rounds": arguments.rounds,
        "wanted": {"SMA over regularMHA": WANTED_SHARE},
    }
    if "cuda" in devices:
        result["machine"]["cuda_device"] = torch.cuda.get_device_name()
    for device in devices:
        result[device] = {
            "step_share": measure_share(device, arguments.rounds),
            "espnet": compare_with_espnet(device, arguments.rounds),
        }
        print_tables(device, result[device])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def measure_share(device: str, rounds: int) -> dict[str, Any]:
    """Return the recipe's step with SMA, as a share of that with softmax."""
    steps = {}
    for attention_type in ATTENTION_TYPES:
        brain = make_brain(device, {"attention_type": attention_type})
        batch = make_batch(RECIPE_BATCH, device)
        for share in OWN_FRAMES:
            steps[step_name(attention_type, share)] = recipe_step(
                brain, batch, share
            )
    seconds = time_in_turn(steps, rounds, device)
    return {
        "batch": RECIPE_BATCH,
        "seconds": {name: median(spent) for name, spent in seconds.items()},
        "SMA_over_regularMHA": {
            f"own_frames {share}": compare(
                *(seconds[step_name(name, share)] for name in ATTENTION_TYPES)
            )
            for share in OWN_FRAMES
        },
    }


def compare_with_espnet(device: str, rounds: int) -> dict[str, Any]:
    """Return a plain training step of both, the same size."""
    try:
        from espnet2.tts.transformer.transformer import Transformer
    except ImportError as error:
        return {"skipped": f"{error}; {ESPNET_COMMAND}"}
    steps, parameters = {}, {}
    for attention_type in ATTENTION_TYPES:
        overrides = {"attention_type": attention_type, **SAME_SIZE}
        brain = make_brain(device, overrides)
        batch = make_batch(ESPNET_BATCH, device)
        model = brain.hparams.models["model"]
        parameters[attention_type] = count_parameters(model)
        for share in OWN_FRAMES:
            steps[step_name(attention_type, share)] = plain_step(
                brain_loss(brain, batch, share), model
            )
    arguments = espnet_arguments(vars(brain.hparams))
    rival = Transformer(**arguments).to(device).train()
    parameters["ESPnet2"] = count_parameters(rival)
    steps["ESPnet2"] = plain_step(espnet_loss(rival, device), rival)
    seconds = time_in_turn(steps, rounds, device)
    return {
        "version": version("espnet"),
        "batch": ESPNET_BATCH,
        "ours": {**SAME_SIZE, "everything_else": "as in hparams/tts.yaml"},
        "espnet": arguments,
        "remarks": [
            "ESPnet2 appends an end token, and gets one token less",
            "mels reach ESPnet2 standardised; ours standardises them in the "
            "step",
            "ESPnet2's default positionwise layer, a convolution of kernel 1, "
            "is here the linear layer that ours has; both take the same time",
            "guided attention: ESPnet2 on 2 heads of 2 layers, its default; "
            "ours on all 4 heads of 2 layers",
            "ESPnet2 normalises batches in its convolutions, ours layers",
        ],
        "parameters": parameters,
        "seconds": {name: median(spent) for name, spent in seconds.items()},
        "over_espnet": {
            name: compare(spent, seconds["ESPnet2"])
            for name, spent in seconds.items()
            if name != "ESPnet2"
        },
    }


def step_name(attention_type: str, own_frames: float) -> str:
    """How a contestant is called."""
    return f"{attention_type}, own_frames {own_frames}"


def make_brain(
    device: str, overrides: dict[str, Any], task: str = "tts"
) -> Any:
    """Return the recipe's brain, as it is when an epoch of training starts."""
    hparams = load_hparams(overrides, task)
    from train import TTSBrain  # the recipe's, whose folder is now known

    brain = TTSBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts={"device": device},
    )
    # random items, of no speaker
    brain.manifest = defaultdict(dict)
    brain.speakers = SpeakerTable([])
    brain.frozen = []
    # the first of many batches
    brain.train_sampler, brain.step = range(1000), 1
    brain.init_optimizers()
    brain.hparams.average.to(device)
    brain.hparams.epoch_counter.current = 1
    brain.on_stage_start(Stage.TRAIN, epoch=1)
    brain.modules.train()
    model = brain.hparams.models["model"]
    # random mels are standardised already
    model.set_frames_per_token(RECIPE_BATCH["frames"] / RECIPE_BATCH["tokens"])
    walk_switches.set_energy_noise(model, brain.hparams.energy_noise)
    return brain


def make_batch(sizes: dict[str, int], device: str) -> PaddedBatch:
    """Random tokens and mels, the shortest item 0.9 of the longest."""
    generator = torch.Generator().manual_seed(0)
    items = []
    for share in torch.linspace(1.0, 0.9, sizes["items"]).tolist():
        n_tokens = round(share * sizes["tokens"])
        # whole decoder steps: ESPnet2 would drop the rest
        n_steps = round(share * sizes["frames"] / FRAMES_PER_STEP)
        items.append(
            {
                "id": f"item {len(items)}",
                "token_ids": torch.randint(
                    1, 127, (n_tokens,), generator=generator
                ),
                "log_mel": torch.randn(
                    n_steps * FRAMES_PER_STEP, N_MELS, generator=generator
                ),
            }
        )
    return PaddedBatch(items).to(device)


def recipe_step(
    brain: Any, batch: PaddedBatch, own_frames: float
) -> Callable[[], torch.Tensor]:
    """Return a step as ``brain.fit`` makes it."""
    schedule = LinearAnneal(own_frames, own_frames, steps=1)

    def step():
        brain.hparams.own_frames_schedule = schedule
        return brain.fit_batch(batch)

    return step


def brain_loss(
    brain: Any, batch: PaddedBatch, own_frames: float
) -> Callable[[], torch.Tensor]:
    """Return the recipe's forward and losses."""
    schedule = LinearAnneal(own_frames, own_frames, steps=1)

    def loss():
        brain.hparams.own_frames_schedule = schedule
        output = brain.compute_forward(batch, Stage.TRAIN)
        return brain.compute_objectives(output, batch, Stage.TRAIN)

    return loss


def espnet_loss(
    rival: torch.nn.Module, device: str
) -> Callable[[], torch.Tensor]:
    """ESPnet2's forward and losses on the same batch."""
    batch = make_batch(ESPNET_BATCH, device)
    tokens, n_tokens = with_lengths(batch.token_ids)
    mels, n_frames = with_lengths(batch.log_mel)
    # the end token comes on top
    inputs = tokens[:, :-1], n_tokens - 1, mels, n_frames
    return lambda: rival(*inputs)[0]


def plain_step(
    compute_loss: Callable[[], torch.Tensor], model: torch.nn.Module
) -> Callable[[], torch.Tensor]:
    """Forward, loss, backward, clipping, Adam: the same for everyone."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step():
        loss = compute_loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return step


def print_tables(device: str, figures: dict[str, Any]) -> None:
    """Return times, and the ratios that matter."""
    share = figures["step_share"]
    print(f"\n{device}: the recipe's step, batch {share['batch']}")
    print_seconds(share["seconds"])
    for name, ratio in share["SMA_over_regularMHA"].items():
        print(
            f"SMA / regularMHA, {name}: {ratio['median_of_ratios']:.3f} "
            f"(wanted {WANTED_SHARE})"
        )
    espnet = figures["espnet"]
    if "skipped" in espnet:
        print(f"ESPnet2 is left out: {espnet['skipped']}")
        return
    print(f"\n{device}: ESPnet2 {espnet['version']}, batch {espnet['batch']}")
    print_seconds(espnet["seconds"], espnet["over_espnet"])


def print_seconds(
    seconds: dict[str, float], over: dict[str, Any] | None = None
) -> None:
    """One line for each contestant."""
    for name, spent in seconds.items():
        ratio = (over or {}).get(name)
        text = "" if ratio is None else f"{ratio['median_of_ratios']:8.2f} x"
        print(f"{name:30}{1e3 * spent:8.1f} ms{text}")


if __name__ == "__main__":
    main()
