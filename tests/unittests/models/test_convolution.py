"""Convolutions whose output padding cannot change."""

import pytest
import torch
from torch import nn

from sb_sma.models.convolution import MaskedConvStack

LENGTHS = [7, 4, 1]


def make_stack(**options):
    torch.manual_seed(0)
    return MaskedConvStack([4, 6, 5], **options).eval()


def make_inputs(length=7):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(3, length, 4, generator=generator)
    return features, torch.arange(length) >= torch.tensor(LENGTHS)[:, None]


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 15])
@pytest.mark.parametrize("activate_last", [True, False])
def test_padding_changes_nothing(kernel_size, activate_last):
    stack = make_stack(kernel_size=kernel_size, activate_last=activate_last)
    features, padding = make_inputs()
    out = stack(features, padding)
    garbage = torch.full((3, 6, 4), float("nan"))
    longer = torch.cat((features, garbage), dim=1)
    longer[1, 4:] = float("nan")
    longer_padding = torch.cat((padding, torch.ones(3, 6).bool()), dim=1)
    out_longer = stack(longer, longer_padding)
    torch.testing.assert_close(out_longer[:, :7], out, rtol=0, atol=1e-5)
    assert bool((out_longer[longer_padding] == 0).all())
    for item, length in enumerate(LENGTHS):
        alone = stack(
            features[item, None, :length], torch.zeros(1, length).bool()
        )
        torch.testing.assert_close(
            out[item, :length], alone[0], rtol=0, atol=1e-5
        )


def test_a_step_hears_half_a_kernel_on_either_side_per_layer():
    stack = make_stack(kernel_size=3)
    features = torch.randn(1, 9, 4, requires_grad=True)
    out = stack(features, torch.zeros(1, 9).bool())
    out[0, 4].square().sum().backward()
    heard = (features.grad[0] != 0).any(-1)
    assert heard.tolist() == [2 <= step <= 6 for step in range(9)]


def test_the_last_layer_can_be_bare():
    features, padding = make_inputs()
    assert bool((make_stack()(features, padding) >= 0).all())
    bare = make_stack(activate_last=False)
    assert bool((bare(features, padding) < 0).any())
    assert len(bare.finishes) == 1
    conv = nn.Conv1d(4, 5, 5, padding=2)
    only = MaskedConvStack([4, 5], activate_last=False)
    only.convs[0].load_state_dict(conv.state_dict())
    whole = torch.zeros(3, 7).bool()
    torch.testing.assert_close(only(features, whole), conv(features.mT).mT)


@pytest.mark.parametrize("length", [1, 3, 32, 33])
@pytest.mark.parametrize("kernel_size", [1, 5])
def test_short_rows_are_convolved_as_long_ones_are(length, kernel_size):
    conv = nn.Conv1d(4, 5, kernel_size, padding=kernel_size // 2).double()
    stack = MaskedConvStack([4, 5], kernel_size, activate_last=False).double()
    stack.convs[0].load_state_dict(conv.state_dict())
    features = torch.randn(2, length, 4, dtype=torch.float64)
    theirs, ours = (features.clone().requires_grad_() for _ in range(2))
    expected = conv(theirs.mT).mT
    got = stack(ours, torch.zeros(2, length).bool())
    torch.testing.assert_close(got, expected)
    weights = torch.randn_like(expected)
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(stack.convs[0].weight.grad, conv.weight.grad)


def test_dropout_is_for_training_only():
    stack = make_stack(dropout=0.5)
    features, padding = make_inputs()
    assert torch.equal(stack(features, padding), stack(features, padding))
    stack.train()
    assert not torch.equal(stack(features, padding), stack(features, padding))


def test_arguments_are_left_as_they_were():
    features, padding = make_inputs()
    before = features.clone(), padding.clone()
    make_stack()(features, padding)
    assert torch.equal(features, before[0]) and torch.equal(padding, before[1])


@pytest.mark.parametrize("kernel_size", [2, 4])
def test_an_even_kernel_is_refused(kernel_size):
    with pytest.raises(
        ValueError, match=f"kernel_size must be odd .*; got {kernel_size}"
    ):
        make_stack(kernel_size=kernel_size)
