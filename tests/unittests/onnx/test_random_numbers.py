"""numpy draws the numbers that PyTorch does."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sb_sma.models.tts.frame_noise import FrameNoise
from sb_sma.onnx.random_numbers import TorchRandom
from sb_sma.onnx.tts import _frame_noise

SEEDS = [0, 1, 2**31 + 5, 2**32 - 1, 2**40 + 3, 2**64 - 1, -1, -(2**63)]


@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_numbers_are_equal(seed):
    generator = torch.Generator().manual_seed(seed)
    random = TorchRandom(seed)
    for shape in ((64, 2, 7), (3,), (1000, 5)):
        wanted = torch.rand(shape, generator=generator).numpy()
        assert np.array_equal(random.uniform(*shape), wanted)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n_mels", [1, 13, 80])
def test_noise_of_frames_is_equal(seed, n_mels):
    wanted = FrameNoise(n_mels, seed).take(150).numpy()
    found = _frame_noise(seed, 150, n_mels)
    assert_allclose(found, wanted, atol=2e-6, rtol=0)
