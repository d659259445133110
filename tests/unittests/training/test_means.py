"""Means over an epoch."""

import pytest
import torch

from sb_sma.training.means import WeightedMeans


def test_a_loss_is_averaged_over_the_batches_that_have_it():
    means = WeightedMeans()
    one, four = torch.tensor(1.0), torch.tensor(4.0)
    means.append({"mel": one, "guided": four}, torch.tensor(2))
    means.append({"mel": four}, torch.tensor(4))
    assert means.summarize() == pytest.approx({"mel": 3.0, "guided": 4.0})


def test_no_batch_gives_no_mean():
    assert WeightedMeans().summarize() == {}
