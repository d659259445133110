"""Memory of steps: it stays where it is, for items and for hypotheses."""

import pytest
import torch

from sb_sma.models.key_value_cache import KeyValueCache


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
