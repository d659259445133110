"""Tests of sb_sma.metrics.warping."""

import itertools

import numpy as np
import pytest

from sb_sma.metrics.warping import cost_of_best_path

SHAPES = [(1, 1), (1, 5), (7, 1), (2, 3), (31, 41), (200, 97)]
BENDING_COSTS = [0.0, 0.3, 2.0]


@pytest.mark.slow  # librosa compiles for ten seconds
@pytest.mark.parametrize("bending_cost", BENDING_COSTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_librosa(shape, bending_cost):
    librosa = pytest.importorskip("librosa")
    cost = np.random.default_rng(0).random(shape)
    totals, _ = librosa.sequence.dtw(
        C=cost, weights_add=np.array([0.0, bending_cost, bending_cost])
    )
    assert cost_of_best_path(cost, bending_cost) == pytest.approx(
        totals[-1, -1], rel=1e-12
    )


@pytest.mark.parametrize("bending_cost", BENDING_COSTS)
def test_is_the_cheapest_of_all_paths(bending_cost):
    cost = np.random.default_rng(1).random((4, 3))
    totals = []
    moves = [(0, 1), (1, 0), (1, 1)]
    for length in range(3, 6):
        for steps in itertools.product(moves, repeat=length):
            cells = np.cumsum([(0, 0), *steps], axis=0)
            if tuple(cells[-1]) == (3, 2) and (cells <= (3, 2)).all():
                n_bent = sum(step != (1, 1) for step in steps)
                total = cost[cells[:, 0], cells[:, 1]].sum()
                totals.append(total + bending_cost * n_bent)
    assert cost_of_best_path(cost, bending_cost) == pytest.approx(min(totals))


def test_a_planted_path_costs_what_it_bends():
    cost = np.full((5, 4), 9.0)
    for cell in [(0, 0), (1, 0), (2, 1), (2, 2), (3, 3), (4, 3)]:
        cost[cell] = 0.0
    assert cost_of_best_path(cost) == 0.0
    assert cost_of_best_path(cost, bending_cost=0.5) == 1.5


def test_an_expensive_start_counts():
    cost = np.array([[2.0, 0.0], [0.0, 0.0]])
    assert cost_of_best_path(cost) == 2.0
