"""Causal attention, at once and step by step."""

import pytest
import torch

from sb_sma.models.decoder.self_attention import CausalSelfAttention

WINDOWS = [None, 1, 3, 100]


def make_attention(window=None, dropout=0.0):
    torch.manual_seed(0)
    return CausalSelfAttention(8, 2, dropout, window).eval()


def walk(attention, features):
    cache = attention.start(len(features), max_steps=features.shape[1])
    steps = [
        attention.step(features[:, step : step + 1], cache)
        for step in range(features.shape[1])
    ]
    return torch.cat(steps, dim=1)


@torch.no_grad()
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("length", [1, 2, 7])
def test_step_by_step_is_the_whole_sequence(window, length):
    attention = make_attention(window)
    features = torch.randn(3, length, 8)
    torch.testing.assert_close(
        walk(attention, features), attention(features), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("window", WINDOWS)
def test_a_step_sees_its_window_and_no_future(window):
    attention = make_attention(window)
    features = torch.randn(1, 7, 8, requires_grad=True)
    out = attention(features)
    for step in range(7):
        (gradient,) = torch.autograd.grad(
            out[:, step].square().sum(), features, retain_graph=True
        )
        first = 0 if window is None else max(0, step - window + 1)
        seen = (gradient[0] != 0).any(-1)
        assert seen.tolist() == [first <= other <= step for other in range(7)]


def test_dropout_is_for_training_only():
    attention = make_attention(dropout=0.5)
    features = torch.randn(2, 5, 8)
    assert torch.equal(attention(features), attention(features))
    attention.train()
    assert not torch.equal(attention(features), attention(features))


@torch.no_grad()
@pytest.mark.parametrize("window", [None, 3])
def test_low_precision_stays_finite(window):
    attention = make_attention(window)
    features = 100 * torch.randn(2, 5, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert bool(attention(features).isfinite().all())
        assert bool(walk(attention, features).isfinite().all())


@pytest.mark.parametrize("window", [0, -1])
def test_a_window_without_a_step_is_refused(window):
    with pytest.raises(
        ValueError, match=f"window must be 1 or more, or None.*got {window}"
    ):
        make_attention(window)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"nhead \(3\) must divide d_model"):
        CausalSelfAttention(8, 3)
