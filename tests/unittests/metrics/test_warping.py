"""Tests of sb_sma.metrics.warping."""

import itertools

import numpy as np
import pytest

from sb_sma.metrics.warping import mean_cost_of_best_path

SHAPES = [(1, 1), (1, 5), (7, 1), (2, 3), (31, 41), (200, 97)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_librosa(shape):
    librosa = pytest.importorskip("librosa")
    cost = np.random.default_rng(0).random(shape)
    _, path = librosa.sequence.dtw(C=cost)
    expected = cost[path[:, 0], path[:, 1]].mean()
    assert mean_cost_of_best_path(cost) == pytest.approx(expected, rel=1e-12)


def test_is_the_cheapest_of_all_paths():
    cost = np.random.default_rng(1).random((4, 3))
    sums = {}
    moves = [(0, 1), (1, 0), (1, 1)]
    for length in range(3, 6):
        for steps in itertools.product(moves, repeat=length):
            cells = np.cumsum([(0, 0), *steps], axis=0)
            if tuple(cells[-1]) == (3, 2) and (cells <= (3, 2)).all():
                sums[steps] = cost[cells[:, 0], cells[:, 1]]
    cheapest = min(sums.values(), key=np.sum)
    assert mean_cost_of_best_path(cost) == pytest.approx(cheapest.mean())


def test_a_planted_path_costs_nothing():
    cost = np.ones((5, 4))
    for cell in [(0, 0), (1, 0), (2, 1), (2, 2), (3, 3), (4, 3)]:
        cost[cell] = 0.0
    assert mean_cost_of_best_path(cost) == 0.0


def test_an_expensive_start_counts():
    cost = np.array([[2.0, 0.0], [0.0, 0.0]])
    assert mean_cost_of_best_path(cost) == 1.0
