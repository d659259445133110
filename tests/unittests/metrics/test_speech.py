"""The warped mel distance is 0 for the same sound at any rate, grows with the
difference, and tells speech from what only has its statistics.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.metrics.speech import BENDING_COST, warped_mel_distance

TEXTS = [
    "Banana",
    "A B C D, one two three",
    "Where did you put the blue umbrella that my sister gave you?",
    "Seven silver spoons lay on the table. Nobody had touched them.",
]


def mel_of(text, **voice):
    samples = torch.from_numpy(
        np.array(speak(text, VoiceSettings(**voice)).samples)
    )
    return LogMel()(samples.float()[None] / 2**15)[0]


@pytest.fixture(scope="module")
def mels():
    return [mel_of(text) for text in TEXTS]


@pytest.fixture(scope="module")
def statistics(mels):
    frames = torch.cat(mels)
    return frames.mean(0), frames.std(0)


def random_mel(n_frames, n_channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_frames, n_channels, generator=generator)


def statistics_of(n_channels):
    return torch.zeros(n_channels), torch.ones(n_channels)


SIZES = [
    pytest.param(1, 1, 1, id="M1-M1-C1"),
    pytest.param(1, 13, 3, id="M1-M13-C3"),
    pytest.param(17, 5, 80, id="M17-M5-C80"),
]


@pytest.mark.parametrize("n_frames, n_reference, n_channels", SIZES)
def test_distance_is_zero_to_itself_and_the_same_both_ways(
    n_frames, n_reference, n_channels
):
    mel = random_mel(n_frames, n_channels)
    reference = random_mel(n_reference, n_channels, seed=1)
    statistics = statistics_of(n_channels)
    assert warped_mel_distance(mel, mel, *statistics) == 0
    there = warped_mel_distance(mel, reference, *statistics)
    assert there > 0
    assert there == pytest.approx(
        warped_mel_distance(reference, mel, *statistics)
    )


def test_a_sound_that_comes_late_costs_the_frames_that_are_bent():
    reference = torch.zeros(20, 3)
    reference[10:] = 9.0
    late = torch.zeros(20, 3)
    late[12:] = 9.0
    # two frames of silence merged, two of sound repeated
    distance = warped_mel_distance(late, reference, *statistics_of(3))
    assert distance == pytest.approx(4 * BENDING_COST / 20)


@pytest.mark.parametrize("repeats", [2, 3, 7])
def test_distance_ignores_the_rate(repeats):
    mel = random_mel(9, 4)
    slower = mel.repeat_interleave(repeats, dim=0)
    assert warped_mel_distance(slower, mel, *statistics_of(4)) == 0
    assert warped_mel_distance(mel, slower, *statistics_of(4)) == 0


def test_distance_is_in_standard_deviations():
    mean, std = torch.tensor([1.0, -5.0, 3.0]), torch.tensor([0.1, 2.0, 7.0])
    frame = random_mel(1, 3)
    steady = frame.expand(4, 3)
    shifted = (frame + std * torch.tensor([1.0, -2.0, 0.0])).expand(6, 3)
    distance = warped_mel_distance(shifted, steady, mean, std)
    assert distance == pytest.approx(1.0)  # the mean of 1, 2 and 0


def test_distance_does_not_depend_on_the_mean():
    mel, reference = random_mel(7, 3), random_mel(9, 3, seed=1)
    zeros, ones = statistics_of(3)
    assert warped_mel_distance(
        mel, reference, zeros + 5, ones
    ) == pytest.approx(warped_mel_distance(mel, reference, zeros, ones))


@pytest.mark.parametrize("seed", range(3))
def test_distance_is_that_of_the_cheapest_path_of_a_plain_loop(seed):
    mel, reference = random_mel(7, 3, seed), random_mel(5, 3, seed + 10)
    cost = (mel[:, None] - reference).abs().mean(-1).double().tolist()
    best = {}
    for i, row in enumerate(cost):
        for j, cell in enumerate(row):
            before = [
                best[cell_before] + bent
                for cell_before, bent in (
                    ((i - 1, j - 1), 0.0),
                    ((i - 1, j), BENDING_COST),
                    ((i, j - 1), BENDING_COST),
                )
                if cell_before in best
            ]
            best[i, j] = min(before, default=0.0) + cell
    distance = warped_mel_distance(mel, reference, *statistics_of(3))
    # two frames more need two moves along one axis
    expected = (best[6, 4] - 2 * BENDING_COST) / 7
    assert distance == pytest.approx(expected)


def test_half_precision_and_numpy_are_taken():
    mel, reference = random_mel(7, 3), random_mel(5, 3, seed=1)
    mean, std = statistics_of(3)
    expected = warped_mel_distance(mel, reference, mean, std)
    assert warped_mel_distance(
        mel.half(), reference.numpy(), mean.numpy(), std.numpy()
    ) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_another_rate_is_nearer_than_another_text(mels, statistics, index):
    mel = mels[index]
    for rate in (150, 200):
        distance = warped_mel_distance(
            mel_of(TEXTS[index], rate=rate), mel, *statistics
        )
        assert distance < 0.2
    others = [other for other in mels if other is not mel]
    for other in others:
        assert warped_mel_distance(other, mel, *statistics) > 0.45


def test_the_mean_frame_is_far_from_speech(mels, statistics):
    mean, std = statistics
    for mel in mels:
        steady = mean.expand(len(mel), -1)
        assert warped_mel_distance(steady, mel, mean, std) > 0.6


def test_an_interpolated_mel_stays_near(mels, statistics):
    for mel in mels:
        for factor in (0.8, 1.2):
            stretched = F.interpolate(
                mel.T[None], scale_factor=factor, mode="linear"
            )[0].T
            assert warped_mel_distance(stretched, mel, *statistics) < 0.15


@pytest.mark.parametrize("which", ["mel", "reference"])
@pytest.mark.parametrize("shape", [(0, 3), (5, 4), (5,), (1, 5, 3)], ids=str)
def test_mels_of_another_shape_are_refused(which, shape):
    mels = {"mel": random_mel(5, 3), "reference": random_mel(5, 3)}
    mels[which] = torch.zeros(shape)
    with pytest.raises(
        ValueError, match=rf"{which} must have shape \(M, 3\).*got"
    ):
        warped_mel_distance(**mels, mean=torch.zeros(3), std=torch.ones(3))


@pytest.mark.parametrize(
    "mean_shape, std_shape", [((3,), (4,)), ((1, 3), (1, 3))], ids=str
)
def test_statistics_of_another_shape_are_refused(mean_shape, std_shape):
    mel = random_mel(5, 3)
    with pytest.raises(
        ValueError, match=r"mean and std must both have shape \(C,\); got"
    ):
        warped_mel_distance(
            mel, mel, torch.zeros(mean_shape), torch.ones(std_shape)
        )


@pytest.mark.parametrize("which", ["mel", "reference", "mean", "std"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(which, value):
    mean, std = statistics_of(3)
    tensors = {
        "mel": random_mel(5, 3),
        "reference": random_mel(5, 3),
        "mean": mean,
        "std": std,
    }
    tensors[which].view(-1)[-1] = value
    with pytest.raises(ValueError, match=f"{which} must be finite; got NaN"):
        warped_mel_distance(**tensors)


def test_a_constant_channel_is_refused():
    mel = random_mel(5, 3)
    with pytest.raises(ValueError, match="std must be positive; got 0"):
        warped_mel_distance(
            mel, mel, torch.zeros(3), torch.tensor([1.0, 0.0, 1.0])
        )
