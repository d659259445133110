"""A small lattice, and speech whose times are known."""

import numpy as np
import pytest
import torch

from sb_sma.alignment.acoustic_model import AcousticModel
from sb_sma.alignment.features import N_CEPSTRUM, N_FEATURES
from sb_sma.alignment.lattice import STATES_PER_UNIT, AlignedWord, build_lattice


def words_of(*words, pause=False):
    """Words whose letters are their phonemes."""
    return [AlignedWord(w, [*w], [*w], pause) for w in words]


@pytest.fixture
def model():
    """Each state sounds other than all others."""
    units = [*"abc"]
    n_states = (len(units) + 2) * STATES_PER_UNIT
    generator = torch.Generator().manual_seed(1)
    return AcousticModel(
        units,
        torch.randn(n_states, N_FEATURES, generator=generator),
        torch.zeros(n_states, N_FEATURES),
        torch.full((n_states,), float(np.log(0.7))),
        torch.zeros(N_CEPSTRUM),
    )


@pytest.fixture
def lattice(model):
    return build_lattice(words_of("ab", "c"), model.numbers)


def walks(lattice, n_frames):
    """All paths through a lattice, with the log-probability of their turns."""

    def walk(path, weight):
        state = path[-1]
        if len(path) == n_frames:
            if np.isfinite(lattice.end[state]):
                yield path, weight + lattice.end[state]
            return
        yield from walk([*path, state], weight)
        if state + 1 < len(lattice):
            entered = weight + lattice.enter[state + 1]
            yield from walk([*path, state + 1], entered)
        for other in np.flatnonzero(lattice.skip_from == state):
            if np.isfinite(lattice.skip[other]):
                yield from walk([*path, other], weight + lattice.skip[other])

    for state in np.flatnonzero(np.isfinite(lattice.start)):
        yield from walk([int(state)], lattice.start[state])


def weigh(model, lattice, features):
    """Each path and its whole log-weight."""
    scores = model.score(features).numpy()
    stay = model.log_stay.numpy()[lattice.emitters]
    leave = model.log_move.numpy()[lattice.emitters]
    found = []
    for path, weight in walks(lattice, len(features)):
        for frame, state in enumerate(path):
            weight += scores[frame, lattice.emitters[state]]
            if frame:
                before = path[frame - 1]
                weight += (stay if before == state else leave)[before]
        found.append((path, float(weight)))
    return found
