"""The distance between mels counts every valid frame once."""

import pytest
import torch

from sb_sma.losses import masked_l1

LENGTHS = [5, 2, 1]


def make_mels():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 5, 4, generator=generator)


def test_it_is_the_mean_over_valid_frames():
    predicted, target = make_mels()
    differences = [
        (predicted[item, :length] - target[item, :length]).abs()
        for item, length in enumerate(LENGTHS)
    ]
    torch.testing.assert_close(
        masked_l1(predicted, target, torch.tensor(LENGTHS)),
        torch.cat(differences).mean(),
    )


def test_known_values():
    target = torch.zeros(2, 3, 2)
    predicted = torch.tensor(
        [[[1.0, 3.0], [0.0, 0.0], [0.0, 2.0]], [[-4.0, 0.0], [9, 9], [9, 9]]]
    )
    loss = masked_l1(predicted, target, torch.tensor([3, 1]))
    assert loss.item() == pytest.approx((2 + 0 + 1 + 2) / 4)


@pytest.mark.parametrize("fill", [0.0, 9.0, float("nan")])
def test_padding_changes_nothing(fill):
    predicted, target = make_mels()
    lengths = torch.tensor(LENGTHS)
    expected = masked_l1(predicted, target, lengths)
    longer = [
        torch.cat((mels, torch.full((3, 6, 4), fill)), dim=1)
        for mels in (predicted, target)
    ]
    longer[0][1, 2:] = fill
    longer[0].requires_grad_()
    loss = masked_l1(*longer, lengths)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    padding = torch.arange(11) >= lengths[:, None]
    assert bool((longer[0].grad[padding] == 0).all())
    assert bool((longer[0].grad[~padding] != 0).all())


def test_low_precision_is_summed_in_float32():
    predicted = torch.full((1, 5000, 4), 1.0, dtype=torch.bfloat16)
    target = torch.zeros_like(predicted)
    loss = masked_l1(predicted, target, torch.tensor([5000]))
    assert loss.dtype == torch.float32
    assert loss.item() == 1.0
