"""Large blocks are handed on, and never to two results at once."""

import gc

import numpy as np
import pytest
import torch

from sb_sma.ops.stepwise_monotonic import buffers


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    """Nothing waits at first."""
    monkeypatch.setattr(buffers, "_LARGE_BYTES", 1)
    monkeypatch.setattr(buffers, "_waiting", [])


def address(array):
    return array.__array_interface__["data"][0]


def test_the_next_result_of_the_size_takes_the_block_over():
    first = buffers.empty_like(np.zeros((3, 4), dtype=np.float32))
    place = address(first)
    del first
    again = buffers.empty_like(np.zeros((6, 1), dtype=np.float64))
    assert address(again) == place
    assert again.shape == (6, 1) and again.dtype == np.float64


def test_a_result_that_is_held_keeps_its_block():
    first = buffers.empty_like(np.zeros(100))
    tensor = torch.from_numpy(first).view(10, 10)
    place = address(first)
    del first
    gc.collect()
    part = tensor[3:]
    del tensor
    other = buffers.empty_like(np.zeros(100))
    assert address(other) != place
    del part
    assert address(buffers.empty_like(np.zeros(100))) == place


def test_no_more_waits_than_an_alignment_and_a_gradient():
    results = [buffers.empty_like(np.zeros(100)) for _ in range(5)]
    results.clear()
    assert len(buffers._waiting) == 2


def test_a_smaller_result_takes_a_larger_block():
    first = buffers.empty_like(np.zeros(100))
    place = address(first)
    del first
    for size in (50, 100, 25, 100):
        result = buffers.empty_like(np.arange(float(size)))
        assert address(result) == place and result.shape == (size,)
        del result


def test_the_largest_blocks_wait():
    results = [buffers.empty_like(np.zeros(size)) for size in (70, 100, 50, 90)]
    results.clear()
    assert [block.nbytes for block in buffers._waiting] == [720, 800]


@pytest.mark.parametrize("size", [24, 101])
def test_a_size_that_does_not_fit_lets_go_of_what_waits(size):
    first = buffers.empty_like(np.zeros(100))
    del first
    assert len(buffers._waiting) == 1
    held = buffers.empty_like(np.zeros(size))
    assert buffers._waiting == [] and held.nbytes == 8 * size
