"""The forward-sum, beside all walks one by one."""

import numpy as np
import pytest
import torch

from sb_sma.alignment.features import N_FEATURES
from sb_sma.alignment.lattice import build_lattice
from sb_sma.alignment.occupancy import occupancies
from tests.unittests.alignment.conftest import weigh, words_of


@pytest.mark.parametrize("n_frames", [9, 12, 13])
def test_shares_are_those_of_all_walks(model, lattice, n_frames):
    features = torch.randn(n_frames, N_FEATURES) * 0.5
    paths, weights = zip(*weigh(model, lattice, features))
    shares = np.exp(weights - np.logaddexp.reduce(weights))
    expected = np.zeros((n_frames, len(lattice)))
    for path, share in zip(paths, shares):
        expected[np.arange(n_frames), path] += share
    (found,), (total,) = occupancies(model, [lattice], [features])
    assert np.allclose(found.numpy(), expected, atol=1e-4)
    assert float(total) == pytest.approx(np.logaddexp.reduce(weights), rel=1e-4)


def test_a_batch_gives_what_its_items_give_alone(model):
    texts = [("a",), ("ab", "c"), ("abc", "cba", "b")]
    lattices = [build_lattice(words_of(*t), model.numbers) for t in texts]
    heard = [torch.randn(n, N_FEATURES) for n in (30, 9, 47)]
    together, totals = occupancies(model, lattices, heard)
    for lattice, each, shares, total in zip(lattices, heard, together, totals):
        (alone,), (own,) = occupancies(model, [lattice], [each])
        assert torch.allclose(shares, alone, atol=1e-4)
        assert float(total) == pytest.approx(float(own), rel=1e-4)


def test_less_sharpness_shares_out_more(model, lattice):
    features = torch.randn(20, N_FEATURES)
    sharp, dull = (
        occupancies(model, [lattice], [features], s)[0][0] for s in (1.0, 0.1)
    )
    assert dull.amax(dim=1).mean() < sharp.amax(dim=1).mean()
