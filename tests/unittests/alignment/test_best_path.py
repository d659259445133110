"""The best walk, whatever is given up and settled on the way."""

import numpy as np
import pytest
import torch

from sb_sma.alignment import best_path as module
from sb_sma.alignment.best_path import best_path
from sb_sma.alignment.features import N_FEATURES
from sb_sma.alignment.lattice import build_lattice
from tests.unittests.alignment.conftest import weigh, words_of


@pytest.mark.parametrize("n_frames", [9, 12, 14])
def test_path_is_the_best_of_all(model, lattice, n_frames):
    features = torch.randn(n_frames, N_FEATURES)
    path, weight = max(weigh(model, lattice, features), key=lambda w: w[1])
    found, score = best_path(model, lattice, features)
    assert found.tolist() == path
    assert score == pytest.approx(weight / n_frames, rel=1e-4)


def long_speech(model, n_words):
    """Words that sound as the model has it, with a pause here and there."""
    draw = np.random.default_rng(0)
    words = words_of(*draw.choice(["ab", "c", "abc", "bca"], n_words))
    lattice = build_lattice(words, model.numbers)
    states, state = [], 3
    while state < len(lattice):
        states += [state] * draw.integers(1, 6)
        jump = np.flatnonzero(
            (lattice.skip_from == state) & np.isfinite(lattice.skip)
        )
        state = int(jump[0]) if len(jump) and draw.random() < 0.7 else state + 1
    sound = model.mean[torch.from_numpy(lattice.emitters[states])]
    noise = torch.randn(sound.shape, generator=torch.manual_seed(0))
    return lattice, np.array(states), sound + 0.3 * noise


def test_long_speech_is_followed_to_its_end(model):
    lattice, truth, features = long_speech(model, 400)
    path, _ = best_path(model, lattice, features)
    # the states of a pause sound alike
    found, true = (lattice.segment_of[states] for states in (path, truth))
    assert (found == true).mean() > 0.99


def test_nothing_changes_where_little_is_remembered(model, monkeypatch):
    lattice, _, features = long_speech(model, 120)
    whole, score = best_path(model, lattice, features)
    monkeypatch.setattr(module, "_CHUNK_FRAMES", 7)
    monkeypatch.setattr(module, "_REMEMBERED", 2000)
    monkeypatch.setattr(module, "_BEAM", 60.0)
    pieces, same = best_path(model, lattice, features)
    assert np.array_equal(whole, pieces)
    assert same == pytest.approx(score, rel=1e-6)


def test_memory_does_not_grow_with_the_recording(model, monkeypatch):
    """What is remembered is settled long before the end."""
    lattice, _, features = long_speech(model, 400)
    monkeypatch.setattr(module, "_REMEMBERED", 2**15)
    most = []
    settle = module._Search._settle

    def spy(search, kept):
        settle(search, kept)
        most.append(sum(steps.size for _, steps in search.chunks))

    monkeypatch.setattr(module._Search, "_settle", spy)
    monkeypatch.setattr(module, "_CHUNK_FRAMES", 50)
    monkeypatch.setattr(module, "_BEAM", 60.0)
    best_path(model, lattice, features)
    assert most and max(most) < 2**16


def test_a_beam_that_loses_the_end_is_widened(model, monkeypatch):
    lattice, _, features = long_speech(model, 20)
    monkeypatch.setattr(module, "_BEAM", 1e-3)
    monkeypatch.setattr(module, "_CHUNK_FRAMES", 3)
    path, _ = best_path(model, lattice, torch.randn(features.shape))
    assert len(path) == len(features)
    assert {*path} >= {*np.flatnonzero(lattice.emitters >= 6)}
