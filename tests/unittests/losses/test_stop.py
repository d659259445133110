"""Only the last step of an item says stop."""

import math

import pytest
import torch

from sb_sma.losses import stop_loss

LENGTHS = [6, 3, 1]


def make_logits():
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(0))


def cross_entropy(logit, is_last, weight):
    probability = 1 / (1 + math.exp(-logit))
    if is_last:
        return -weight * math.log(probability)
    return -math.log(1 - probability)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_it_is_the_weighted_cross_entropy_of_valid_steps(weight):
    logits = make_logits()
    expected = [
        cross_entropy(float(logits[item, step]), step == length - 1, weight)
        for item, length in enumerate(LENGTHS)
        for step in range(length)
    ]
    loss = stop_loss(logits, torch.tensor(LENGTHS), weight)
    assert loss.item() == pytest.approx(sum(expected) / len(expected))


@pytest.mark.parametrize("fill", [0.0, 40.0, -40.0])
def test_padding_changes_nothing(fill):
    logits, lengths = make_logits(), torch.tensor(LENGTHS)
    expected = stop_loss(logits, lengths)
    longer = torch.cat((logits, torch.full((3, 4), fill)), dim=1)
    longer[1, 3:] = fill
    longer.requires_grad_()
    loss = stop_loss(longer, lengths)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    padding = torch.arange(10) >= lengths[:, None]
    assert bool((longer.grad[padding] == 0).all())


def test_stopping_early_or_late_costs():
    lengths = torch.tensor([4])
    right = stop_loss(torch.tensor([[-9.0, -9, -9, 9, 9]]), lengths)
    early = stop_loss(torch.tensor([[-9.0, 9, -9, 9, 9]]), lengths)
    late = stop_loss(torch.tensor([[-9.0, -9, -9, -9, 9]]), lengths)
    assert float(right) < 1e-3 < 1 < float(early) < float(late)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_summed_in_float32(dtype):
    logits = make_logits().to(dtype)
    loss = stop_loss(logits, torch.tensor(LENGTHS))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(
        loss, stop_loss(logits.float(), torch.tensor(LENGTHS))
    )
