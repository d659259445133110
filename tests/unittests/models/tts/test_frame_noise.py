"""Noise is that of its seed and its frame."""

import torch

from sb_sma.models.tts.frame_noise import FrameNoise


def test_pieces_give_the_whole():
    whole = FrameNoise(80, seed=3).take(500)
    noise = FrameNoise(80, seed=3)
    parts = [noise.take(n) for n in (1, 0, 63, 64, 65, 200, 107)]
    assert torch.equal(torch.cat(parts), whole)


def test_seeds_differ_and_the_noise_is_standard():
    first, second = (FrameNoise(80, seed=seed).take(1000) for seed in (0, 1))
    assert not torch.equal(first, second)
    assert abs(float(first.mean())) < 0.02
    assert abs(float(first.std()) - 1.0) < 0.02


def test_without_a_seed_it_is_another_one_each_time():
    first, second = (FrameNoise(2).take(9) for _ in range(2))
    assert not torch.equal(first, second)
