"""A waveform in pieces is the whole, or near it where it cannot be."""

import pytest
import torch

from sb_sma.data.speech.mel import GriffinLim, LogMel, MelSettings
from sb_sma.vocoders import HiFiGAN, WaveformStream
from tests.small_hifigan import write_small_hifigan

SIZES = [[1], [7], [100], [21], [1, 60, 2, 40]]


def stream(vocoder, mel, sizes, least_frames=1):
    """The pieces of a stream, of which some are empty."""
    waveform = WaveformStream(vocoder, 256, least_frames)
    pieces, start = [], 0
    while start < len(mel):
        for size in sizes:
            pieces.append(waveform.push(mel[start : start + size]))
            start += size
    return [*pieces, waveform.finish()]


@pytest.fixture(scope="module")
def speech():
    """The mel of a voice that glides and of a pause, (173, 80)."""
    seconds = torch.arange(44100) / 22050
    phase = 6.283 * (120 * seconds + 20 * seconds.square())
    waves = torch.stack([torch.sin(k * phase) / k for k in range(1, 12)])
    samples = 0.2 * waves.sum(0)
    samples[15000:20000] = 0.0
    return LogMel()(samples[None])[0]


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_hifigan_in_pieces_is_the_whole(tmp_path, speech, sizes, padding):
    folder = write_small_hifigan(tmp_path, {"inference_padding": padding})
    vocoder = HiFiGAN(MelSettings(), folder)
    whole = vocoder(speech)
    pieces = stream(vocoder, speech, sizes)
    assert len(pieces[-1]) < len(whole) and float(whole.std()) > 0.1
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 13, 14, 26, 27])
def test_a_short_stream_is_the_whole(hifigan_folder, speech, n_frames):
    vocoder = HiFiGAN(MelSettings(), hifigan_folder)
    pieces = stream(vocoder, speech[:n_frames], [1])
    torch.testing.assert_close(
        torch.cat(pieces), vocoder(speech[:n_frames]), rtol=0, atol=1e-5
    )


def test_pieces_lag_behind_by_the_reach(hifigan_folder, speech):
    vocoder = HiFiGAN(MelSettings(), hifigan_folder)
    pieces = stream(vocoder, speech[:60], [10])
    frames = [len(piece) / 256 for piece in pieces]
    assert vocoder.reach == 13
    assert frames == [0, 7, 10, 10, 10, 10, 13]
    pieces = stream(vocoder, speech[:60], [10], least_frames=15)
    assert [len(piece) / 256 for piece in pieces] == [0, 0, 17, 0, 20, 0, 23]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_griffin_lim_in_pieces_is_near_the_whole(speech, sizes):
    vocoder = GriffinLim(iterations=8)
    whole = vocoder(speech)
    pieces = stream(vocoder, speech, sizes)
    streamed = torch.cat(pieces)
    assert len(pieces[-1]) < len(whole) == len(streamed)
    assert float((streamed - whole).norm() / whole.norm()) < 0.05
    # no click where pieces meet
    assert streamed.diff().abs().max() < 1.1 * whole.diff().abs().max()


def test_pieces_of_griffin_lim_fade_into_each_other(speech):
    """Where two disagree, the sound goes from one to the other in a line."""

    def alternate(mel, signs=iter([1.0, -1.0, 1.0, -1.0])):
        return torch.full((len(mel) * 256,), next(signs))

    streamed = torch.cat(stream(alternate, speech[:150], [75]))
    assert streamed.abs().max() == 1.0 and len(streamed) == 150 * 256
    assert streamed.diff().abs().max() < 2.1 / (4 * 256)


def test_a_stream_of_nothing_is_silent(hifigan_folder):
    vocoder = HiFiGAN(MelSettings(), hifigan_folder)
    assert WaveformStream(vocoder, 256).finish().shape == (0,)
