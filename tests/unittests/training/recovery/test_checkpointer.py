"""A checkpoint counts once it is whole."""

import pytest
import torch
from torch import nn

from sb_sma.training.recovery.checkpointer import AtomicCheckpointer


class Killed(Exception):
    """Stands for the end of the process."""


def make_checkpointer(folder, weight):
    """One with two models, whose weights are all `weight`."""
    models = {name: nn.Linear(1, 1, bias=False) for name in ("one", "two")}
    for model in models.values():
        nn.init.constant_(model.weight, weight)
    return AtomicCheckpointer(folder, models)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A folder with a checkpoint, and half of a later one."""
    make_checkpointer(tmp_path, 1.0).save_checkpoint(meta={"loss": 1.0})
    with monkeypatch.context() as patch:
        real, calls = torch.save, []

        def save(*args):
            calls.append(args)
            if len(calls) == 2:
                raise Killed
            real(*args)

        patch.setattr(torch, "save", save)
        with pytest.raises(Killed):
            make_checkpointer(tmp_path, 2.0).save_checkpoint({"loss": 0.5})
    assert len(list(tmp_path.iterdir())) == 2
    return tmp_path


@pytest.mark.parametrize("min_key", [None, "loss"])
def test_half_a_checkpoint_is_passed_over(killed, min_key):
    checkpointer = make_checkpointer(killed, 3.0)
    assert checkpointer.recover_if_possible(min_key=min_key)
    weights = [m.weight.item() for m in checkpointer.recoverables.values()]
    assert weights == [1.0, 1.0]


def test_half_a_checkpoint_is_deleted_with_the_next(killed):
    make_checkpointer(killed, 3.0).save_and_keep_only()
    checkpointer = make_checkpointer(killed, 4.0)
    (checkpoint,) = killed.iterdir()
    assert checkpointer.find_checkpoint().path == checkpoint
    checkpointer.recover_if_possible()
    weights = [m.weight.item() for m in checkpointer.recoverables.values()]
    assert weights == [3.0, 3.0]


def test_the_best_and_the_last_are_kept(tmp_path):
    checkpointer = make_checkpointer(tmp_path, 1.0)
    for loss in (0.5, 0.2, 0.7):
        checkpointer.save_and_keep_only({"loss": loss}, min_keys=["loss"])
    kept = [c.meta["loss"] for c in checkpointer.list_checkpoints()]
    assert sorted(kept) == [0.2, 0.7]


def test_a_long_run_saves_as_fast_as_a_short_one(tmp_path, monkeypatch):
    checkpointer, n_listed = make_checkpointer(tmp_path, 1.0), []

    def list_checkpoints(real=checkpointer.list_checkpoints):
        n_listed[-1] += 1
        return real()

    monkeypatch.setattr(checkpointer, "list_checkpoints", list_checkpoints)
    for _ in range(4):
        n_listed.append(0)
        checkpointer.save_and_keep_only()
    assert len(set(n_listed)) == 1


def test_there_is_no_folder_before_there_is_a_checkpoint(tmp_path):
    folder = tmp_path / "run" / "save"
    checkpointer = make_checkpointer(folder, 1.0)
    assert checkpointer.find_checkpoint() is None
    assert checkpointer.recover_if_possible() is None
    assert not folder.parent.exists()
    saved = checkpointer.save_checkpoint()
    assert make_checkpointer(folder, 0.0).find_checkpoint().path == saved.path
