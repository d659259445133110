"""Means over an epoch."""

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.training import means as means_module
from sb_sma.training.means import WeightedMeans


def test_a_loss_is_averaged_over_the_batches_that_have_it():
    means = WeightedMeans()
    one, four = torch.tensor(1.0), torch.tensor(4.0)
    means.append({"mel": one, "guided": four}, torch.tensor(2))
    means.append({"mel": four}, torch.tensor(4))
    assert means.summarize() == pytest.approx({"mel": 3.0, "guided": 4.0})


def test_no_batch_gives_no_mean():
    assert WeightedMeans().summarize() == {}


def test_a_checkpoint_keeps_the_batches_so_far(tmp_path):
    means, resumed = WeightedMeans(), WeightedMeans()
    means.append({"mel": torch.tensor(1.0)}, torch.tensor(2))
    Checkpointer(tmp_path, {"means": means}).save_checkpoint()
    Checkpointer(tmp_path, {"means": resumed}).recover_if_possible()
    for each in (means, resumed):
        each.append({"mel": torch.tensor(4.0)}, torch.tensor(4))
    assert resumed.summarize() == means.summarize() == {"mel": 3.0}
    resumed.clear()
    assert resumed.summarize() == {}


def test_a_batch_can_be_withdrawn():
    means = WeightedMeans()
    means.append({"a": torch.tensor(1.0)}, torch.tensor(2))
    means.append(
        {"a": torch.tensor(torch.nan), "b": torch.tensor(3.0)}, torch.tensor(2)
    )
    means.withdraw()
    assert means.summarize() == {"a": 1.0}


def test_processes_give_the_means_of_all(tmp_path, monkeypatch):
    each = [WeightedMeans() for _ in range(3)]
    for means, weight in zip(each, (1, 2, 5)):
        loss = torch.tensor(float(weight))
        means.append({"mel": loss}, torch.tensor(weight))
    each[1].append({"guided": torch.tensor(7.0)}, torch.tensor(2))
    states = [means._state() for means in each]
    monkeypatch.setattr(means_module, "gather", lambda _: states)
    assert each[0].summarize() == {"mel": 30 / 8, "guided": 7.0}
    # and of all that others have collected, however many go on
    Checkpointer(tmp_path, {"means": each[0]}).save_checkpoint()
    for n_processes in (1, 2, 3, 4):
        resumed = []
        for rank in range(n_processes):
            place = (rank, n_processes)
            monkeypatch.setattr(means_module, "place", lambda: place)
            resumed.append(WeightedMeans())
            Checkpointer(tmp_path, {"means": resumed[-1]}).recover_if_possible()
        states[:] = [means._state() for means in resumed]
        assert resumed[0].summarize() == {"mel": 30 / 8, "guided": 7.0}


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path):
    means = WeightedMeans()
    path = Checkpointer(tmp_path, {"means": means}).save_checkpoint().path
    state = [{"mel": torch.tensor(6.0)}, {"mel": torch.tensor(2)}]
    torch.save(state, path / "means.ckpt")
    Checkpointer(tmp_path, {"means": means}).recover_if_possible()
    assert means.summarize() == {"mel": 3.0}
