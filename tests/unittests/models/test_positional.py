"""Positions of any length, from any start."""

import math

import pytest
import torch

from sb_sma.models.positional import ScaledPositions


@pytest.mark.parametrize("start", [0, 1, 499])
def test_a_part_has_the_positions_of_the_whole(start):
    positions = ScaledPositions(d_model=8)
    features = torch.rand(2, 500, 8)
    whole = positions(features)
    part = features[:, start:] + positions.table(start, 500 - start)
    torch.testing.assert_close(part, whole[:, start:], rtol=0, atol=1e-6)


def test_they_are_sines_and_cosines_of_falling_frequencies():
    positions = ScaledPositions(d_model=4)(torch.zeros(1, 100_001, 4))
    for step in (0, 1, 37, 100_000):
        expected = [
            math.sin(step),
            math.sin(step / 100),
            math.cos(step),
            math.cos(step / 100),
        ]
        torch.testing.assert_close(
            positions[0, step], torch.tensor(expected), rtol=0, atol=1e-3
        )


@torch.no_grad()
def test_no_two_steps_are_the_same():
    positions = ScaledPositions(d_model=16)(torch.zeros(1, 2000, 16))[0]
    distances = torch.cdist(positions, positions)
    distances.fill_diagonal_(math.inf)
    assert float(distances.min()) > 1e-2


def test_the_scale_is_learnt():
    positions = ScaledPositions(d_model=8)
    positions(torch.zeros(1, 5, 8)).sum().backward()
    assert float(positions.scale.grad) != 0
    expected = 3 * positions(torch.zeros(1, 5, 8))
    with torch.no_grad():
        positions.scale.mul_(3.0)
    torch.testing.assert_close(positions(torch.zeros(1, 5, 8)), expected)
    assert list(positions.state_dict()) == ["scale"]


def test_features_are_added_to_and_left_as_they_were():
    features = torch.ones(2, 5, 8, dtype=torch.bfloat16)
    out = ScaledPositions(d_model=8)(features)
    assert out.dtype == torch.bfloat16
    assert torch.equal(features, torch.ones_like(features))
    assert out[0, 0].tolist() == [1.0] * 4 + [2.0] * 4


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="d_model must be even; got 7"):
        ScaledPositions(d_model=7)
