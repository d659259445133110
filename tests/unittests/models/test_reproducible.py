"""What number formats and threads change in training, and how much."""

import pytest
import torch

from tests.unittests.models.test_recomputation import (
    SMALL,
    learn,
    make_model,
    make_tts_inputs,
    tts_loss,
)


def gradient_of(learnt):
    """All of it, as one vector."""
    gradients = [each for each in learnt[1].values() if each is not None]
    return torch.cat([each.float().flatten() for each in gradients])


def likeness(one, other):
    """Cosine of the angle between two gradients."""
    return torch.cosine_similarity(gradient_of(one), gradient_of(other), dim=0)


@pytest.fixture
def learnt():
    """A small model of speech learns from a batch, in some way."""
    model = make_model(**SMALL)
    inputs = make_tts_inputs(model)

    def learnt(**how):
        return learn(model, tts_loss, inputs, recomputes=False, **how)

    return learnt


def test_a_seed_gives_the_same_to_the_bit(learnt):
    one, again = learnt(), learnt()
    assert torch.equal(one[0], again[0])
    assert torch.equal(gradient_of(one), gradient_of(again))


def test_bfloat16_learns_nearly_the_same(learnt):
    single, half = learnt(), learnt(dtype=torch.bfloat16)
    assert float(half[0]) == pytest.approx(float(single[0]), rel=0.02)
    assert likeness(single, half) > 0.99
    assert half[3] < single[3]  # bytes that are kept


def test_threads_change_the_last_digits_only(learnt):
    one = learnt()
    torch.set_num_threads(3)
    try:
        several = learnt()
    finally:
        torch.set_num_threads(1)
    assert float(several[0]) == pytest.approx(float(one[0]), rel=1e-5)
    assert likeness(one, several) > 0.99999
