"""Large blocks are handed on, and never to two results at once."""

import gc

import numpy as np
import pytest
import torch

from sb_sma.ops.stepwise_monotonic import buffers as memory


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    """Nothing waits at first."""
    monkeypatch.setattr(memory, "_LARGE_BYTES", 1)
    monkeypatch.setattr(memory, "_waiting", [])


def address(array):
    return array.__array_interface__["data"][0]


def test_the_next_result_of_the_size_takes_the_block_over():
    first = memory.empty_like(np.zeros((3, 4), dtype=np.float32))
    place = address(first)
    del first
    again = memory.empty_like(np.zeros((6, 1), dtype=np.float64))
    assert address(again) == place
    assert again.shape == (6, 1) and again.dtype == np.float64


def test_a_result_that_is_held_keeps_its_block():
    first = memory.empty_like(np.zeros(100))
    tensor = torch.from_numpy(first).view(10, 10)
    place = address(first)
    del first
    gc.collect()
    part = tensor[3:]
    del tensor
    other = memory.empty_like(np.zeros(100))
    assert address(other) != place
    del part
    assert address(memory.empty_like(np.zeros(100))) == place


def test_no_more_waits_than_an_alignment_and_a_gradient():
    results = [memory.empty_like(np.zeros(100)) for _ in range(5)]
    results.clear()
    assert len(memory._waiting) == 2


@pytest.mark.parametrize("size", [50, 200])
def test_another_size_lets_go_of_what_waits(size):
    first = memory.empty_like(np.zeros(100))
    other = memory.empty_like(np.zeros(size))
    del first
    assert len(memory._waiting) == 1
    del other
    assert [block.nbytes for block in memory._waiting] == [8 * size]
    held = memory.empty_like(np.zeros(100))
    assert memory._waiting == [] and held.nbytes == 800
