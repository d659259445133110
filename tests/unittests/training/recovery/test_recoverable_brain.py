"""A run that is interrupted anywhere ends as one that never was."""

import copy
import math
import random
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import speechbrain as sb
import torch
from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain.utils.train_logger import FileTrainLogger
from torch import nn

from sb_sma.data.sampler import BatchShare, LengthBatchSampler
from sb_sma.training.history import History, log_epoch
from sb_sma.training.moving_average import average_weights
from sb_sma.training.recovery import recoverable_brain
from sb_sma.training.recovery.checkpointer import AtomicCheckpointer
from sb_sma.training.recovery.recoverable_brain import RecoverableBrain

pytestmark = pytest.mark.usefixtures("own_streams")

N_EPOCHS = 3
N_BATCHES = 6
EVENTS = (
    (sb.Brain, "fit_batch"),
    (sb.Brain, "evaluate_batch"),
    (torch, "save"),
    (shutil, "rmtree"),
    (Path, "rename"),
    (Path, "replace"),
)


class Killed(Exception):
    """Stands for the end of the process."""


class SmallBrain(RecoverableBrain):
    """Learns noise of all random streams."""

    def compute_forward(self, batch, stage):
        if stage != sb.Stage.TRAIN:
            return self.hparams.average.module(batch)
        noise = torch.randn(()) + random.gauss(0, 1) + np.random.normal()
        return self.modules.model(batch) - noise

    def compute_objectives(self, predictions, batch, stage):
        loss = predictions.square().mean()
        self.loss_means.append({"loss": loss}, torch.tensor(len(batch)))
        return loss

    def on_stage_end(self, stage, stage_loss, epoch=None):
        stats = self.loss_means.summarize()
        if stage == sb.Stage.TRAIN:
            skipped = self.skipped_steps.summarize()
            self.train_stats = {**stats, **skipped, "mean": stage_loss}
            return
        meta = {"epoch": epoch, "step": self.optimizer_step}
        log_epoch(self.loggers, self.history, meta, self.train_stats, stats)
        self.checkpointer.save_and_keep_only(
            meta={"loss": stats["loss"]}, min_keys=["loss"]
        )


def make_loader_options(n_items, shuffle, num_workers):
    """Two items a batch."""
    sampler = LengthBatchSampler([1] * n_items, n_items, 2, shuffle=shuffle)
    return {"batch_sampler": sampler, "num_workers": num_workers}


def train(folder, num_workers=0, brain_class=SmallBrain, **run_opts):
    """Start the run, or go on with it, and return all that it is about."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.3), nn.Linear(3, 1))
    average = average_weights(model, 0.9)
    items = torch.randn(2 * N_BATCHES, 3)
    counter = EpochCounter(N_EPOCHS)
    parts = {"model": model, "average": average, "counter": counter}
    brain = brain_class(
        {"model": model},
        torch.optim.Adam,
        {
            "models": {"model": model},
            "average": average,
            "epoch_counter": counter,
        },
        {"device": "cpu", "noprogressbar": True, **run_opts},
        AtomicCheckpointer(folder / "save", parts),
    )
    brain.history = History(folder / "history.jsonl")
    brain.loggers = [FileTrainLogger(str(folder / "train_log.txt"))]
    options = make_loader_options(len(items), True, num_workers)
    brain.train_sampler = options["batch_sampler"]
    brain.fit(
        counter,
        items,
        items[:4],
        train_loader_kwargs=options,
        valid_loader_kwargs=make_loader_options(4, False, 0),
    )
    weights = [*model.state_dict().values(), *average.state_dict().values()]
    history = [{**r, "minutes": None} for r in brain.history.records]
    log = (folder / "train_log.txt").read_text()
    log = re.sub("minutes: [^ ]*", "", log).splitlines()
    checkpoints = brain.checkpointer.list_checkpoints()
    return (
        [weight.tolist() for weight in weights],
        history,
        log,
        sorted(checkpoint.meta["loss"] for checkpoint in checkpoints),
    )


def train_interrupted(monkeypatch, n_events, *args, **kwargs):
    """Kill the run after every so many events, and start it again."""
    real = {event: getattr(*event) for event in EVENTS}
    for n_starts in range(1, 100):
        left = iter(range(n_events))

        def counted(event):
            def call(*args, **kwargs):
                if next(left, None) is None:
                    raise Killed
                return real[event](*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for event in EVENTS:
                patch.setattr(*event, counted(event))
            try:
                return n_starts, train(*args, **kwargs)
            except Killed:
                pass
    pytest.fail("the run does not get on")


@pytest.mark.parametrize(
    "n_events, options",
    [
        (19, {"ckpt_interval_steps": 2}),
        (23, {"ckpt_interval_steps": 2}),
        (31, {"ckpt_interval_steps": 1}),
        pytest.param(
            *(19, {"ckpt_interval_steps": 2, "num_workers": 1}),
            marks=pytest.mark.slow,
        ),
        (29, {"ckpt_interval_steps": 2, "grad_accumulation_factor": 3}),
        (23, {"ckpt_interval_steps": 0}),
    ],
    ids=str,
)
def test_an_interrupted_run_ends_as_one_that_was_not(
    tmp_path, monkeypatch, n_events, options
):
    whole = train(tmp_path / "whole", **options)
    n_starts, resumed = train_interrupted(
        monkeypatch, n_events, tmp_path / "resumed", **options
    )
    assert n_starts > 2
    assert resumed == whole
    assert [record["epoch"] for record in resumed[1]] == [1, 2, 3]
    assert len(resumed[2]) == N_EPOCHS


def make_idle_brain(**run_opts):
    """One that counts, and does not train."""
    options = {"device": "cpu", **run_opts}
    model = {"model": nn.Linear(1, 1)}
    return RecoverableBrain(model, hparams={}, run_opts=options)


class PoisonedBrain(SmallBrain):
    """Meets batches whose losses or gradients are not finite."""

    loss_is_bad = True
    poisoned = ()

    def compute_objectives(self, predictions, batch, stage):
        loss = super().compute_objectives(predictions, batch, stage)
        if stage != sb.Stage.TRAIN:
            return loss
        if (self.hparams.epoch_counter.current, self.step) in self.poisoned:
            if self.loss_is_bad:
                self.loss_means.withdraw()
                bad = {"loss": loss * torch.nan}
                self.loss_means.append(bad, torch.tensor(len(batch)))
                return bad["loss"]
            # finite, but not its gradient
            weight = next(self.modules.parameters())
            return loss + torch.sqrt(weight - weight.detach()).sum()
        return loss


@pytest.mark.parametrize("loss_is_bad", [True, False])
@pytest.mark.parametrize("accumulated", [1, 3])
def test_a_step_that_is_not_finite_is_left_out(
    tmp_path, monkeypatch, caplog, loss_is_bad, accumulated
):
    monkeypatch.setattr(PoisonedBrain, "loss_is_bad", loss_is_bad)
    monkeypatch.setattr(PoisonedBrain, "poisoned", {(1, 2), (3, 6)})
    states = []

    def optimizers_step(brain, real=RecoverableBrain.optimizers_step):
        parts = (brain.modules.model, brain.optimizer, brain.hparams.average)
        before = copy.deepcopy([part.state_dict() for part in parts])
        real(brain)
        after = [part.state_dict() for part in parts]
        states.append((str(before) == str(after), brain.has_stepped))

    monkeypatch.setattr(PoisonedBrain, "optimizers_step", optimizers_step)
    _, history, log, losses = train(
        tmp_path,
        brain_class=PoisonedBrain,
        grad_accumulation_factor=accumulated,
    )
    n_steps = N_EPOCHS * N_BATCHES // accumulated
    assert [stepped for _, stepped in states].count(False) == 2
    assert all(same != stepped for same, stepped in states)
    assert history[-1]["step"] == n_steps - 2
    skipped = [record["train"].get("skipped_steps") for record in history]
    assert skipped == [1, None, 1]
    assert "train skipped_steps: 1" in log[0]
    assert all(math.isfinite(record["train"]["loss"]) for record in history)
    assert all(map(math.isfinite, losses))
    assert "Step left out (1 in this epoch)" in caplog.text
    assert all(x.isfinite().all() for x in map(torch.tensor, _))


@pytest.mark.parametrize("loss_is_bad", [True, False])
def test_nothing_bad_is_silent_where_no_step_learns(
    tmp_path, monkeypatch, caplog, loss_is_bad
):
    monkeypatch.setattr(PoisonedBrain, "loss_is_bad", loss_is_bad)
    monkeypatch.setattr(PoisonedBrain, "poisoned", {(2, 6)})  # of 6, by 4
    options = {"grad_accumulation_factor": 4}
    _, history, *_ = train(tmp_path, brain_class=PoisonedBrain, **options)
    what = "loss" if loss_is_bad else "gradient"
    warnings = [each for each in caplog.messages if "not finite" in each]
    assert warnings == [
        f"The {what} of a batch is not finite, among those at the end of the "
        "epoch that no step learns from: a batch without names"
        + ", a batch without names"
        * (not loss_is_bad)
    ]
    assert [record["step"] for record in history] == [1, 2, 3]
    assert all("skipped_steps" not in record["train"] for record in history)
    assert all(math.isfinite(record["train"]["loss"]) for record in history)


class ScaledBrain(PoisonedBrain):
    """Has the scaler of fp16, which skips steps that overflow."""

    loss_is_bad = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)


def test_a_gradient_that_stays_nan_ends_a_training_with_a_scaler(
    tmp_path, monkeypatch, caplog
):
    poisoned = {(epoch, step) for epoch in (1, 2, 3) for step in range(1, 7)}
    monkeypatch.setattr(ScaledBrain, "poisoned", poisoned)
    with pytest.raises(ValueError, match="3 steps in a row were left out"):
        train(tmp_path, brain_class=ScaledBrain, nonfinite_patience=2)
    # 8, 4 and 2 are scaled down first
    assert caplog.text.count("Step left out") == 3


def test_an_overflow_of_the_scale_is_no_fault(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(ScaledBrain, "poisoned", {(1, 1), (1, 2), (1, 3)})
    weights, history, *_ = train(
        tmp_path, brain_class=ScaledBrain, nonfinite_patience=0
    )
    assert "left out" not in caplog.text
    assert [record["step"] for record in history] == [6, 12, 18]
    assert all(torch.tensor(weight).isfinite().all() for weight in weights)


def test_statistics_of_a_bad_batch_are_forgotten():
    norm = nn.BatchNorm1d(3)
    brain = RecoverableBrain(
        {"model": norm},
        torch.optim.Adam,
        {"models": {"model": norm}, "average": average_weights(norm, 0.9)},
        {"device": "cpu"},
    )
    brain.init_optimizers()
    brain.compute_forward = lambda batch, stage: brain.modules.model(batch)
    brain.compute_objectives = lambda output, batch, stage: output.sum()
    for bad in (torch.nan, torch.inf):
        brain.step += 1
        before = copy.deepcopy(norm.state_dict())
        brain.fit_batch(torch.full((2, 3), bad))
        assert str(norm.state_dict()) == str(before)
    assert brain.skipped_steps.in_a_row == 2


def test_too_many_such_steps_end_the_training(tmp_path, monkeypatch):
    poisoned = {(2, step) for step in range(3, N_BATCHES + 1)}
    monkeypatch.setattr(PoisonedBrain, "poisoned", poisoned)
    options = {"brain_class": PoisonedBrain, "ckpt_interval_steps": 1}
    for _ in range(2):  # from the same checkpoint
        with pytest.raises(
            ValueError,
            match="3 steps in a row were left out, more than "
            "nonfinite_patience = 2.*same command goes on",
        ):
            train(tmp_path, nonfinite_patience=2, **options)
    # the items are mended
    monkeypatch.setattr(PoisonedBrain, "poisoned", ())
    _, history, *_ = train(tmp_path, nonfinite_patience=2, **options)
    assert [record["epoch"] for record in history] == [1, 2, 3]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"grad_accumulation_factor": 4},  # of 6 batches
        {"grad_accumulation_factor": 3},
        {"grad_accumulation_factor": 6},
        {"optimizer_step_limit": 8},
        {"optimizer_step_limit": 8, "grad_accumulation_factor": 4},
        {"debug": True},
        {"debug": True, "debug_batches": 5, "grad_accumulation_factor": 2},
        {"debug": True, "debug_epochs": 9, "debug_batches": 9},
        {"debug": True, "grad_accumulation_factor": 4},
    ],
    ids=str,
)
def test_as_many_steps_are_counted_as_are_taken(tmp_path, options):
    _, history, *_ = train(tmp_path, **options)
    counted = make_idle_brain(**options).count_steps(N_BATCHES, N_EPOCHS)
    assert history[-1]["step"] == counted


@pytest.mark.parametrize("n_batches, n_steps", [(20, 4), (19, 4), (8, 2)])
def test_each_process_takes_as_many_steps(monkeypatch, n_batches, n_steps):
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    brain = make_idle_brain(grad_accumulation_factor=4)
    brain.distributed_launch = True
    assert brain.count_steps(n_batches, 2) == n_steps


def test_batches_that_no_step_learns_from_are_told(caplog):
    make_idle_brain(grad_accumulation_factor=5).check_accumulation(10)
    assert "batches of an epoch" not in caplog.text
    make_idle_brain(grad_accumulation_factor=4).check_accumulation(10)
    assert "from the last 2 of the 10 batches of an epoch" in caplog.text
    brain = make_idle_brain(grad_accumulation_factor=11)
    with pytest.raises(ValueError, match="has in an epoch, 10; got 11. Lower"):
        brain.check_accumulation(10)
    with pytest.raises(ValueError, match="a number of batches, 1 or more; got"):
        make_idle_brain(grad_accumulation_factor=0)


def test_checkpoints_within_an_epoch_change_nothing(tmp_path):
    often = train(tmp_path / "often", ckpt_interval_steps=1)
    assert train(tmp_path / "never") == often


def test_the_last_checkpoint_within_an_epoch_is_kept_until_it_ends(
    tmp_path, monkeypatch
):
    n_kept = []

    def fit_batch(brain, batch, real=sb.Brain.fit_batch):
        checkpoints = brain.checkpointer.list_checkpoints()
        whole = [c for c in checkpoints if c.meta["end-of-epoch"]]
        n_kept.append(len(checkpoints) - len(whole))
        return real(brain, batch)

    monkeypatch.setattr(sb.Brain, "fit_batch", fit_batch)
    *_, losses = train(tmp_path, ckpt_interval_steps=2)
    assert n_kept == [0, 0, 1, 1, 1, 1] * N_EPOCHS
    assert len(losses) <= 2  # the best and the last


@pytest.mark.parametrize("n_items", [8, 5, 2, 1])
def test_processes_get_the_batches_in_their_order(monkeypatch, n_items):
    items = 10.0 * torch.arange(1, n_items + 1)
    batches = []
    for rank in range(2):
        monkeypatch.setattr(recoverable_brain, "place", lambda: (rank, 2))
        brain = RecoverableBrain({"model": nn.Linear(1, 1)}, hparams={})
        sampler = LengthBatchSampler(items.tolist(), 1, 1)
        loader = brain.make_dataloader(
            items, sb.Stage.TRAIN, batch_sampler=sampler
        )
        brain.train_sampler.set_epoch(1)
        batches.append([batch.item() for batch in loader])
        assert len(loader) == len(batches[-1])
        # each process judges all of the validation set
        loader = brain.make_dataloader(
            items, sb.Stage.VALID, batch_sampler=sampler
        )
        assert torch.cat(list(loader)).tolist() == items.tolist()
    dealt = [length for step in zip(*batches) for length in step]
    again = items[-2:-1].tolist() or items.tolist()
    expected = items.tolist()
    if n_items % 2:
        expected[-1:-1] = again
    assert dealt == expected


def plan_of(brain, sampler, n_epochs):
    """The planned steps that a Brain reads while it trains."""
    brain.hparams = SimpleNamespace(epoch_counter=EpochCounter(n_epochs))
    brain.train_sampler = BatchShare(sampler)
    plan = []
    for _ in brain.hparams.epoch_counter:
        for brain.step in range(1, len(sampler) + 1):
            if brain.step % brain.grad_accumulation_factor == 0:
                plan.append(brain.planned_step())
    return plan


@pytest.mark.parametrize("accumulated", [1, 2, 3, 4, 7])
def test_the_plan_of_steps_is_that_of_those_that_are_taken(accumulated):
    for n_batches in range(accumulated, 30):
        brain = make_idle_brain(grad_accumulation_factor=accumulated)
        sampler = LengthBatchSampler([1] * n_batches, 1, 1)
        plan = plan_of(brain, sampler, 3)
        assert plan == list(range(brain.count_steps(n_batches, 3)))
