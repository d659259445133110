"""The compiled attention of a single query is PyTorch's."""

import pytest
import torch
import torch.nn.functional as F

from sb_sma.models.decoder import key_value_cache
from sb_sma.models.decoder.key_value_cache import KeyValueCache

pytest.importorskip("numba")


def make_cache(dtype=torch.float32, n_steps=7):
    torch.manual_seed(0)
    cache = KeyValueCache(3, 2, 5, 9, like=torch.empty(0, dtype=dtype))
    for _ in range(n_steps):
        cache.append(torch.randn(3, 2, 2, 5, dtype=dtype))
    return cache


def attend_by_pytorch(queries, cache, n_steps):
    keys, values = cache.keys_and_values(cache.length - n_steps)
    return F.scaled_dot_product_attention(queries[:, :, None], keys, values)[
        :, :, 0
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("window", "n_steps"), [(None, 7), (1, 1), (3, 3), (9, 7)]
)
def test_it_reads_what_pytorch_reads(dtype, window, n_steps, monkeypatch):
    cache = make_cache(dtype)
    queries = torch.randn(3, 2, 2, 5, dtype=dtype)[:, 1]  # not contiguous
    read = cache.attend(queries, window)
    assert read.dtype == dtype
    torch.testing.assert_close(
        read, attend_by_pytorch(queries, cache, n_steps), rtol=0, atol=1e-6
    )
    # without numba
    monkeypatch.setattr(key_value_cache, "attend_compiled", None)
    torch.testing.assert_close(
        read, cache.attend(queries, window), rtol=0, atol=1e-6
    )


def test_it_is_compiled_where_it_can_be(monkeypatch):
    asked = []
    monkeypatch.setattr(
        key_value_cache,
        "attend_compiled",
        lambda *arguments: asked.append(1),
    )
    make_cache().attend(torch.randn(3, 2, 5))
    assert asked
    asked.clear()
    # numba has no bfloat16, and its kernels have no gradient
    half = torch.randn(3, 2, 5, dtype=torch.bfloat16)
    make_cache(torch.bfloat16).attend(half)
    make_cache().attend(torch.randn(3, 2, 5, requires_grad=True))
    assert not asked


def test_large_products_stay_finite():
    cache = make_cache()
    queries = 1e6 * torch.randn(3, 2, 5)
    read = cache.attend(queries)
    torch.testing.assert_close(
        read, attend_by_pytorch(queries, cache, 7), rtol=0, atol=1e-5
    )


def test_queries_of_autocast_are_read_in_the_precision_of_the_history():
    cache = make_cache()
    queries = torch.randn(3, 2, 5).bfloat16()
    read = cache.attend(queries)
    expected = attend_by_pytorch(queries.float(), cache, 7)
    torch.testing.assert_close(read, expected, rtol=0, atol=1e-6)


def test_queries_have_a_gradient():
    cache = make_cache()
    queries = torch.randn(3, 2, 5, requires_grad=True)
    cache.attend(queries).sum().backward()
    assert bool((queries.grad != 0).any())


def test_a_history_with_a_gradient_is_read_without_one():
    cache = make_cache(n_steps=2)
    step = torch.randn(3, 2, 2, 5, requires_grad=True)
    cache.append(step)
    queries = torch.randn(3, 2, 5)
    with torch.no_grad():
        read = cache.attend(queries)
        expected = attend_by_pytorch(queries, cache, 3)
    torch.testing.assert_close(read, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_threads, is_compiled", [(2, False), (1, True)])
def test_much_work_is_left_to_several_threads(
    monkeypatch, n_threads, is_compiled
):
    asked = []
    monkeypatch.setattr(
        key_value_cache,
        "attend_compiled",
        lambda *arguments: asked.append(1),
    )
    monkeypatch.setattr(key_value_cache, "_ELEMENTS_WORTH_THREADS", 3 * 2 * 5)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    make_cache().attend(torch.randn(3, 2, 5))
    assert bool(asked) == is_compiled
