"""Random streams go on where a checkpoint was saved."""

import random

import numpy as np
import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.training.recovery import random_state
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


@pytest.mark.parametrize(
    "place, goes_on", [((0, 1), True), ((1, 3), True), ((2, 3), False)]
)
def test_another_number_of_processes(
    tmp_path, monkeypatch, caplog, place, goes_on
):
    path = save(tmp_path).paramfiles["random_state"]
    states = torch.load(path, weights_only=True)
    torch.save(states * 2, path)
    drawn = draw()
    monkeypatch.setattr(random_state, "place", lambda: place)
    with caplog.at_level("WARNING"):
        recover(tmp_path)
    assert f"is of a run of 2 process(es), this one has {place[1]}" in (
        caplog.text
    )
    assert (draw() == drawn) == goes_on


def test_each_process_draws_other_numbers():
    drawn = []
    for rank in (0, 1, 2, 1):
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        random_state.set_apart(rank)
        drawn.append(draw())
    assert drawn.pop() == drawn[1]
    assert all(len({*numbers}) == len(drawn) for numbers in zip(*drawn))
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    assert draw() == drawn[0]


@pytest.mark.requires_cuda
def test_the_stream_of_the_device_goes_on(tmp_path):
    torch.randn(1, device="cuda")
    save(tmp_path)
    drawn = torch.randn(5, device="cuda")
    recover(tmp_path)
    assert torch.equal(torch.randn(5, device="cuda"), drawn)
