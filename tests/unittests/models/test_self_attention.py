"""Causal attention, at once and step by step."""

import pytest
import torch

from sb_sma.models.self_attention import CausalSelfAttention, KeyValueCache

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


def make_cache(max_steps):
    return KeyValueCache(2, 3, 4, max_steps, like=torch.empty(0))


def test_the_cache_keeps_what_it_was_given():
    cache = make_cache(max_steps=50)
    given = torch.randn(2, 2, 3, 50, 4)  # B, key or value, H, step, D / H
    for step in range(50):
        got = cache.append(given[:, :, :, step])
        assert cache.length == got[0].shape[2] == got[1].shape[2] == step + 1
    assert torch.equal(torch.stack(got, dim=1), given)


def test_the_cache_is_where_it_was_from_the_first_step_to_the_last():
    cache = make_cache(max_steps=3)
    places = {
        tuple(part.data_ptr() for part in cache.append(torch.ones(2, 2, 3, 4)))
        for _ in range(3)
    }
    assert len(places) == 1


def test_the_cache_goes_on_with_the_items_that_are_left():
    cache, of_one = make_cache(max_steps=4), make_cache(max_steps=4)
    given = torch.randn(4, 2, 2, 3, 4)
    for step in range(2):
        cache.append(given[step])
    cache = cache.select_rows(torch.tensor([1]))
    for step in range(2, 4):
        got = cache.append(given[step, 1:])
    for step in range(4):
        expected = of_one.append(given[step])
    for actual, both in zip(got, expected):
        assert torch.equal(actual, both[1:])


def test_a_step_too_many_is_refused():
    cache = make_cache(max_steps=1)
    cache.append(torch.ones(2, 2, 3, 4))
    with pytest.raises(ValueError, match="room for 1 steps.*larger max_steps"):
        cache.append(torch.ones(2, 2, 3, 4))


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
