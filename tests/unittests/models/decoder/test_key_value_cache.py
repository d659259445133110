"""Memory of steps: it stays where it is, for items and for hypotheses."""

import pytest
import torch

from sb_sma.models.decoder.key_value_cache import KeyValueCache


def make_cache(max_steps):
    return KeyValueCache(2, 3, 4, max_steps, like=torch.empty(0))


def test_the_cache_keeps_what_it_was_given():
    cache = make_cache(max_steps=50)
    given = torch.randn(2, 2, 3, 50, 4)  # B, key or value, H, step, D / H
    for step in range(50):
        cache.append(given[:, :, :, step])
        got = cache.keys_and_values()
        assert cache.length == got[0].shape[2] == got[1].shape[2] == step + 1
    assert torch.equal(torch.stack(got, dim=1), given)


def test_the_cache_is_where_it_was_from_the_first_step_to_the_last():
    cache = make_cache(max_steps=3)
    places = set()
    for _ in range(3):
        cache.append(torch.ones(2, 2, 3, 4))
        places.add(tuple(part.data_ptr() for part in cache.keys_and_values()))
    assert len(places) == 1


def test_the_cache_goes_on_with_the_items_that_are_left():
    cache, of_one = make_cache(max_steps=4), make_cache(max_steps=4)
    given = torch.randn(4, 2, 2, 3, 4)
    for step in range(2):
        cache.append(given[step])
    cache = cache.select_rows(torch.tensor([1]))
    for step in range(2, 4):
        cache.append(given[step, 1:])
    for step in range(4):
        of_one.append(given[step])
    caches = zip(cache.keys_and_values(), of_one.keys_and_values())
    for actual, both in caches:
        assert torch.equal(actual, both[1:])


def test_a_step_too_many_is_refused():
    cache = make_cache(max_steps=1)
    cache.append(torch.ones(2, 2, 3, 4))
    with pytest.raises(ValueError, match="room for 1 steps.*larger max_steps"):
        cache.append(torch.ones(2, 2, 3, 4))


def test_rows_that_stay_in_order_stay_where_they_are():
    cache = make_cache(max_steps=5)
    cache.append(torch.arange(2.0)[:, None, None, None])
    cache.append(torch.arange(2.0)[:, None, None, None])
    place = cache.keys_and_values()[0].data_ptr()
    cache = cache.select_rows(torch.tensor([[1]]))
    cache.append(torch.full((1, 2, 3, 4), 1.0))
    keys, values = cache.keys_and_values()
    assert keys.data_ptr() == place
    assert torch.equal(keys, torch.ones(1, 3, 3, 4))
    assert torch.equal(values, keys)


def test_hypotheses_remember_the_steps_that_they_come_from():
    cache = make_cache(max_steps=5)
    # what is stored says which step and row it was
    cache.append(torch.tensor([0.0, 1.0])[:, None, None, None])
    cache = cache.select_rows(torch.tensor([[0, 0], [1, -1]]))
    cache.append(torch.arange(10.0, 13.0)[:, None, None, None])
    cache = cache.select_rows(torch.tensor([[1, -1], [2, 2]]))
    cache.append(torch.arange(20.0, 23.0)[:, None, None, None])
    keys, values = cache.keys_and_values()
    expected = [[0.0, 11.0, 20.0], [1.0, 12.0, 21.0], [1.0, 12.0, 22.0]]
    assert keys[:, 0, :, 0].tolist() == expected
    assert values[:, -1, :, -1].tolist() == expected
    # without another choice of rows, there is room all the same
    cache.append(torch.arange(30.0, 33.0)[:, None, None, None])
    cache.append(torch.arange(40.0, 43.0)[:, None, None, None])
    keys, _ = cache.keys_and_values()
    assert keys[2, 1, :, 2].tolist() == [1.0, 12.0, 22.0, 32.0, 42.0]


@pytest.mark.parametrize("window", [1, 7, 400])
@torch.no_grad()
def test_a_window_bounds_the_memory(window):
    cache = KeyValueCache(2, 3, 4, 5000, torch.empty(0), window)
    whole = make_cache(max_steps=5000)
    room = max(2 * window, 256)
    for step in range(2000):
        given = torch.randn(2, 2, 3, 4)
        cache.append(given)
        whole.append(given)
        if step % 97 == 0:
            query = torch.randn(2, 3, 4)
            torch.testing.assert_close(
                cache.attend(query, window), whole.attend(query, window)
            )
        if step == 1000:
            rows = torch.tensor([[1], [0]])
            cache, whole = (
                each.select_rows(rows[:1]).select_rows(torch.tensor([0, 0]))
                for each in (cache, whole)
            )
    assert cache.length == 2000
    stored = cache.keys_and_values(cache.length - window)[0]
    assert stored.shape[2] == window
    assert stored.untyped_storage().nbytes() == 2 * 2 * 3 * room * 4 * 4


def test_what_a_window_has_passed_is_not_given():
    cache = KeyValueCache(2, 3, 4, 5000, torch.empty(0), window=7)
    for _ in range(300):
        cache.append(torch.ones(2, 2, 3, 4))
    with pytest.raises(ValueError, match="keeps the last 7 steps; asked for"):
        cache.attend(torch.ones(2, 3, 4), window=8)
    with pytest.raises(ValueError, match="keeps the last 7 steps; asked for"):
        cache.keys_and_values()
