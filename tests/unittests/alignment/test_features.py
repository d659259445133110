"""What the aligner hears, and when."""

import pytest
import torch

from sb_sma.alignment import features as module
from sb_sma.alignment.features import (
    MEL,
    make_features,
    read_cepstrum,
    time_of_frame,
)


def test_a_click_is_heard_at_its_time():
    samples = torch.zeros(16000)
    samples[8000] = 1.0
    level = read_cepstrum(samples)[:, 0]
    heard = (level > level.min() + 1e-3).nonzero().flatten()
    middle = (
        time_of_frame(int(heard[0])) + time_of_frame(int(heard[-1] + 1))
    ) / 2
    assert middle == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("n_blocks", [1.0, 1.01, 2.0, 2.7])
def test_blocks_are_heard_as_the_whole(monkeypatch, n_blocks):
    samples = torch.randn(int(n_blocks * 300 * MEL.hop_length))
    whole = read_cepstrum(samples)
    monkeypatch.setattr(module, "_BLOCK_FRAMES", 300)
    pieces = read_cepstrum(samples)
    assert len(whole) == len(samples) // MEL.hop_length + 1
    assert torch.allclose(whole, pieces, atol=1e-4)


def test_loudness_is_no_feature():
    samples = torch.randn(48000) * 0.01
    own = module.mean_of_speech(read_cepstrum(samples))[0]
    quiet = make_features(read_cepstrum(samples), own)
    louder = read_cepstrum(10 * samples)
    loud = make_features(louder, module.mean_of_speech(louder)[0])
    assert torch.allclose(quiet, loud, atol=1e-3)


def test_a_short_recording_keeps_to_the_mean_of_the_corpus():
    short, long = torch.randn(20, 16) + 5, torch.randn(4000, 16) + 5
    means = [
        make_features(each, torch.zeros(16))[:, :16].mean()
        for each in (short, long)
    ]
    assert means[0] > 4 and means[1] < 1
