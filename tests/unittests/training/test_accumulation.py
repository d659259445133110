"""A step that is collected from several batches is that of their union."""

import importlib.util
from collections import defaultdict

import pytest
import torch
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch

from benchmarks.harness.models import RECIPES, load_hparams
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.training.schedules import LinearAnneal

N_STEPS = 3
SIZE = {"d_model": 32, "nhead": 4, "d_ffn": 64, "dropout": 0.0}
NO_NOISE = {"energy_noise": 0.0, "energy_noise_end": 0.0}
TTS = {**SIZE, **NO_NOISE, "prenet_dropout": 0.0, "postnet_dropout": 0.0}
G2P = {**SIZE, **NO_NOISE, "encoder_layers": 1}


def recipe_of(task):
    """The script of a recipe."""
    path = RECIPES[task] / "train.py"
    spec = importlib.util.spec_from_file_location(f"{task}_recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_brain(task, factor):
    """A recipe's Brain at the start of an epoch, with plain descent."""
    torch.manual_seed(0)
    hparams = load_hparams(TTS if task == "tts" else G2P, task)
    recipe = recipe_of(task)
    make = recipe.TTSBrain if task == "tts" else recipe.G2PBrain
    brain = make(
        modules=hparams["modules"],
        opt_class=lambda parameters: torch.optim.SGD(parameters, lr=0.05),
        hparams=hparams,
        run_opts={
            "device": "cpu",
            "precision": "fp32",
            "grad_accumulation_factor": factor,
        },
    )
    brain.manifest = defaultdict(dict)
    brain.speakers, brain.frozen = SpeakerTable([]), []
    brain.phonemes = PhonemeTable(["A", "B", "K", "T"])
    brain.on_fit_batch_start = lambda batch, should_step: None
    brain.init_optimizers()
    brain.hparams.own_frames_schedule = LinearAnneal(0.0, 0.0, steps=1)
    brain.hparams.epoch_counter.current = 1
    brain.on_stage_start(Stage.TRAIN, epoch=1)
    brain.modules.train()
    return brain


def make_items(task, lengths):
    """Random items of these lengths."""
    generator = torch.Generator().manual_seed(1)

    def draw(most, length):
        return torch.randint(1, most, (length,), generator=generator)

    if task == "tts":
        return [
            {
                "id": str(position),
                "token_ids": draw(90, length),
                "log_mel": torch.randn(8 * length, 80, generator=generator),
            }
            for position, length in enumerate(lengths)
        ]
    return [
        {
            "id": str(position),
            "grapheme_ids": draw(30, length),
            "phoneme_ids": draw(4, length),
        }
        for position, length in enumerate(lengths)
    ]


def train(task, items, factor):
    """The weights before and after some steps of all items."""
    brain = make_brain(task, factor)
    parameters = [*brain.modules.parameters()]
    before = torch.cat([each.detach().flatten() for each in parameters])
    for _ in range(N_STEPS):
        for start in range(0, len(items), len(items) // factor):
            brain.step += 1
            batch = items[start : start + len(items) // factor]
            brain.fit_batch(PaddedBatch(batch))
    assert brain.optimizer_step == N_STEPS
    after = torch.cat([each.detach().flatten() for each in parameters])
    return before, after


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("task", ["tts", "g2p"])
def test_steps_are_those_of_the_large_batch(task, factor):
    items = make_items(task, [9] * 8)
    before, large = train(task, items, factor=1)
    again, collected = train(task, items, factor)
    assert torch.equal(before, again)
    way = (large - before).norm()
    assert way > 0.01
    assert (collected - large).norm() < 1e-4 * way


@pytest.mark.parametrize("task", ["tts", "g2p"])
def test_batches_of_like_lengths_count_alike(task):
    items = make_items(task, [20, 20, 19, 19, 19, 18, 18, 18])
    before, large = train(task, items, factor=1)
    _, collected = train(task, items, factor=4)
    assert (collected - large).norm() < 0.05 * (large - before).norm()
