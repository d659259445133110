"""Random streams go on where a checkpoint was saved."""

import random

import numpy as np
import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.training.recovery.random_state import RandomState

pytestmark = pytest.mark.usefixtures("own_streams")


def draw():
    """A few numbers of every stream, the second normal ones of a pair, too."""
    return [
        *(random.gauss(0, 1) for _ in range(3)),
        *np.random.normal(size=3).tolist(),
        *torch.randn(3).tolist(),
    ]


def save(folder):
    parts = {"random_state": RandomState()}
    return Checkpointer(folder, parts).save_checkpoint()


def recover(folder):
    parts = {"random_state": RandomState()}
    Checkpointer(folder, parts).recover_if_possible()


def test_every_stream_goes_on(tmp_path):
    draw()
    save(tmp_path)
    drawn = draw()
    assert draw() != drawn
    recover(tmp_path)
    assert draw() == drawn


def test_saving_draws_nothing(tmp_path):
    torch.manual_seed(0)
    before = torch.randn(4)
    torch.manual_seed(0)
    save(tmp_path)
    assert torch.equal(torch.randn(4), before)


def test_another_number_of_processes_is_told(tmp_path, caplog):
    path = save(tmp_path).paramfiles["random_state"]
    states = torch.load(path, weights_only=True)
    torch.save(states * 2, path)
    drawn = draw()
    with caplog.at_level("WARNING"):
        recover(tmp_path)
    assert "is of a run of 2 process(es), this one has 1" in caplog.text
    assert draw() != drawn  # they went on


@pytest.mark.requires_cuda
def test_the_stream_of_the_device_goes_on(tmp_path):
    torch.randn(1, device="cuda")
    save(tmp_path)
    drawn = torch.randn(5, device="cuda")
    recover(tmp_path)
    assert torch.equal(torch.randn(5, device="cuda"), drawn)
