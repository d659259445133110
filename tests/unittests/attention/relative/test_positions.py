"""Every key gets what belongs to its distance."""

import math

import pytest
import torch

from sb_sma.attention.relative.positions import align, sinusoids

SHAPES = [(1, 1), (1, 4), (4, 1), (3, 3), (5, 7), (7, 5)]


@pytest.mark.parametrize("queries, keys", SHAPES, ids=str)
def test_keys_get_their_distances(queries, keys):
    distances = torch.arange(queries - 1, -keys, -1)
    aligned = align(distances.expand(2, 3, queries, -1), keys)
    expected = torch.arange(queries)[:, None] - torch.arange(keys)
    assert torch.equal(aligned, expected.expand(2, 3, -1, -1))


def test_with_one_score_for_each_key_rows_mix():
    """What the public implementation gives, which `legacy` needs."""
    rows = torch.tensor([[10, 11, 12], [20, 21, 22], [30, 31, 32]])
    aligned = align(rows[None, None], n_keys=3)[0, 0]
    assert aligned.tolist() == [[12, 0, 20], [21, 22, 0], [30, 31, 32]]
    aligned = align(rows[None, None, :2], n_keys=3)[0, 0]
    assert aligned.tolist() == [[11, 12, 0], [20, 21, 22]]


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_sines_and_cosines_take_turns(width):
    positions = torch.tensor([3, 0, -2])
    table = sinusoids(positions, width)
    assert table.shape == (1, 3, width)
    for row, position in enumerate(positions.tolist()):
        for column in range(width):
            angle = position / 10000 ** (column // 2 * 2 / width)
            wave = math.cos(angle) if column % 2 else math.sin(angle)
            assert table[0, row, column] == pytest.approx(wave, abs=1e-6)
