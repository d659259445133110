"""Dropout that drops what it says, wherever a value stands."""

import pytest
import torch
from torch import nn

from sb_sma.ops.dropout import Dropout, dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_every_place_of_a_draw_is_dropped_as_often(probability):
    torch.manual_seed(0)
    dropped = dropout(torch.ones(4 * 100_000), probability).view(-1, 4) == 0
    rates = dropped.double().mean(dim=0)
    expected = torch.full((4,), probability, dtype=torch.double)
    torch.testing.assert_close(rates, expected, rtol=0, atol=0.006)
    # and independently of its neighbours
    both = (dropped[:, :3] & dropped[:, 1:]).double().mean(dim=0)
    torch.testing.assert_close(both, expected[:3] ** 2, rtol=0, atol=0.006)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(), (1,), (3, 7), (2, 0), (5, 4, 3)])
def test_what_is_kept_makes_up_for_the_rest(shape, dtype):
    torch.manual_seed(0)
    features = torch.rand(shape).to(dtype) + 1.0
    dropped = dropout(features, 0.5)
    assert dropped.shape == shape and dropped.dtype == dtype
    expected = torch.where(dropped == 0, 0.0, 2.0 * features)
    assert torch.equal(dropped, expected)


def test_the_gradient_goes_where_the_values_went():
    features = torch.ones(50, requires_grad=True)
    dropped = dropout(features, 0.3)
    dropped.sum().backward()
    assert torch.equal(features.grad, dropped.detach())


@pytest.mark.parametrize("probability, left", [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_and_everything_can_be_dropped(probability, left):
    assert torch.equal(
        dropout(torch.ones(9), probability), torch.full((9,), left)
    )


def test_a_seed_drops_the_same_again():
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        runs.append(dropout(torch.ones(100), 0.5))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@pytest.mark.parametrize("probability", [-0.5, 1.5])
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        dropout(torch.ones(3), probability)


def test_it_compiles_into_one_graph():
    compiled = torch.compile(
        lambda features: dropout(features, 0.5),
        backend="aot_eager",
        fullgraph=True,
    )
    assert set(compiled(torch.ones(100)).tolist()) == {0.0, 2.0}


def test_the_module_is_pytorchs_in_all_else():
    module = Dropout(0.5)
    assert isinstance(module, nn.Dropout)
    features = torch.ones(100)
    assert not torch.equal(module(features), features)
    assert torch.equal(module.eval()(features), features)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Dropout(1.5)
