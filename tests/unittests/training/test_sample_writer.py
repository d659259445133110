"""Samples sound as the vocoder makes them."""

import soundfile
import torch

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.data import MelSettings
from sb_sma.models import StopRule
from sb_sma.training.sample_writer import SampleWriter, Sentence
from sb_sma.vocoders import HiFiGAN


def test_samples_are_made_by_the_vocoder(exported, hifigan_folder, tmp_path):
    model, symbols, _ = exported
    sentence = Sentence(
        torch.tensor([1, 2, 3]), torch.randn(9, 80), symbols[:3]
    )
    vocoder, heard = HiFiGAN(MelSettings(), hifigan_folder), []

    def keeping(mel):
        heard.append(vocoder(mel))
        return heard[-1]

    writer = SampleWriter(
        tmp_path,
        [sentence],
        MelSettings(),
        StopRule(hold_seconds=0.1, max_seconds_per_token=0.2),
        DecodingOptions(),
        keeping,
    )
    figures = writer.write(model, "epoch_001")
    assert sorted(figures) == ["1_alignment", "1_mel"]
    path = tmp_path / "epoch_001" / "1.wav"
    samples, _ = soundfile.read(path, dtype="float32")
    (expected,) = heard
    torch.testing.assert_close(
        torch.from_numpy(samples), expected, rtol=0, atol=1e-4
    )
