"""Means over an epoch."""

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

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
