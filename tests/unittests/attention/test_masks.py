"""Masks are right, and wrong ones are refused."""

import pytest
import torch

from sb_sma.attention.masks import (
    lengths_of,
    outside_window,
    padding_mask,
    padding_of,
    window_mask,
)


@pytest.mark.parametrize(
    "lengths, max_length, expected",
    [
        ([1, 3], None, ["011", "000"]),
        ([2], None, ["00"]),
        ([0, 2], None, ["11", "00"]),
        ([1, 3], 4, ["0111", "0001"]),
        ([3], 2, ["00"]),
    ],
    ids=str,
)
def test_padding_stands_on_the_right(lengths, max_length, expected):
    mask = padding_mask(torch.tensor(lengths), max_length)
    assert mask.dtype == torch.bool
    assert ["".join(map(str, row)) for row in mask.int().tolist()] == expected


@pytest.mark.parametrize("lengths", [[3, 1, 0], [3, 3, 3], [1]], ids=str)
def test_lengths_come_back_from_the_mask(lengths):
    lengths = torch.tensor(lengths)
    key = torch.zeros(len(lengths), 3, 2)
    found = lengths_of(padding_mask(lengths, 3), key)
    assert torch.equal(found, lengths)
    assert found.dtype == torch.int64


def test_without_a_mask_every_key_is_valid():
    assert lengths_of(None, torch.zeros(2, 5, 4)).tolist() == [5, 5]


def test_without_a_mask_nothing_is_padding():
    key = torch.zeros(2, 5, 4)
    padding = padding_of(None, key)
    assert torch.equal(padding, torch.zeros(2, 5).bool())
    mask = torch.tensor([[True, False, True, False, False]] * 2)
    assert padding_of(mask, key) is mask


@pytest.mark.parametrize(
    "mask, message",
    [
        (
            torch.zeros(2, 3),
            r"a bool tensor, True on padding; got torch\.float",
        ),
        (
            torch.zeros(3, 2).bool(),
            r"must have shape \(B, K\) = \(2, 3\); got \(3, 2\)",
        ),
        (
            torch.tensor([[False] * 3, [False, True, False]]),
            "on the right only; item 1 has padding before a valid key",
        ),
    ],
    ids=["dtype", "shape", "hole"],
)
def test_masks_that_do_not_fit_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        lengths_of(mask, torch.zeros(2, 3, 4))


@pytest.mark.parametrize(
    "window, expected",
    [
        (None, ["0111", "0011", "0001", "0000"]),
        (1, ["0111", "1011", "1101", "1110"]),
        (2, ["0111", "0011", "1001", "1100"]),
        (9, ["0111", "0011", "0001", "0000"]),
    ],
    ids=str,
)
def test_window_blocks_the_future_and_the_distant_past(window, expected):
    mask = window_mask(4, window)
    assert mask.dtype == torch.bool
    assert ["".join(map(str, row)) for row in mask.int().tolist()] == expected


@pytest.mark.parametrize(
    "position, back, ahead, expected",
    [
        (0, 0, 1, "00111"),
        (0, 2, 1, "00111"),
        (2, 1, 1, "10001"),
        (2, 0, 2, "11000"),
        (4, 1, 3, "11100"),
        (1, 9, 9, "00000"),
    ],
)
def test_a_window_lies_around_a_position(position, back, ahead, expected):
    mask = outside_window(torch.tensor([[[position]]]), back, ahead, n_keys=5)
    assert mask.shape == (1, 1, 1, 5) and mask.dtype == torch.bool
    assert "".join(map(str, mask.int().flatten().tolist())) == expected
