"""Log mel spectrograms, Griffin-Lim, statistics."""

import math

import numpy as np
import pytest
import speechbrain.lobes.models.HifiGAN as hifigan
import torch

from sb_sma.data.espeak.voice import speak
from sb_sma.data.speech.mel import (
    LOG_FLOOR,
    GriffinLim,
    LogMel,
    MelSettings,
    MelStatistics,
    check_mels,
)


@pytest.fixture(scope="module")
def waveform():
    samples = speak("The quick, brown fox jumps over a lazy dog.").samples
    return torch.from_numpy(samples.astype(np.float32) / 2**15)


@pytest.mark.parametrize(
    "samples, frames",
    [(513, 3), (767, 3), (768, 4), (1024, 5), (22050, 87), (4099, 17)],
)
def test_number_of_frames(samples, frames):
    mel = LogMel()(torch.zeros(2, samples))
    assert mel.shape == (2, frames, 80)
    assert frames == samples // 256 + 1


def test_equals_the_mel_of_speechbrains_vocoder(waveform):
    # renamed in SpeechBrain 1.1.2
    name = "mel_spectrogram"
    if not hasattr(hifigan, name):
        name = "mel_spectogram"
    expected = getattr(hifigan, name)(
        sample_rate=22050,
        hop_length=256,
        win_length=1024,
        n_fft=1024,
        n_mels=80,
        f_min=0.0,
        f_max=8000.0,
        power=1,
        normalized=False,
        norm="slaney",
        mel_scale="slaney",
        compression=True,
        audio=waveform,
    )
    torch.testing.assert_close(LogMel()(waveform[None])[0], expected.T)


def test_equals_the_definition_in_float64(waveform):
    librosa = pytest.importorskip(
        "librosa", reason="the definition needs librosa's mel filters"
    )
    window = np.hanning(1025)[:-1]
    padded = np.pad(waveform.double().numpy(), 512, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::256]
    amplitude = np.abs(np.fft.rfft(frames * window))
    filters = librosa.filters.mel(
        sr=22050, n_fft=1024, n_mels=80, fmin=0, fmax=8000, norm="slaney"
    )
    expected = np.log(np.maximum(amplitude @ filters.T, LOG_FLOOR))
    mel = LogMel()(waveform[None])[0].numpy()
    assert mel.shape == expected.shape
    np.testing.assert_allclose(mel, expected, atol=2e-3)


def test_silence_is_the_floor():
    mel = LogMel()(torch.zeros(1, 2048))
    torch.testing.assert_close(mel, torch.full_like(mel, math.log(1e-5)))


def test_frame_is_centred_on_its_sample():
    impulse = torch.zeros(1, 256 * 20)
    impulse[0, 256 * 7] = 1
    loudness = LogMel()(impulse)[0].mean(1)
    assert loudness.argmax() == 7
    torch.testing.assert_close(loudness[6], loudness[8])


def test_batch_equals_items(waveform):
    batch = torch.stack([waveform[:9000], waveform[9000:18000]])
    mel = LogMel()(batch)
    for item, alone in zip(mel, batch):
        torch.testing.assert_close(item, LogMel()(alone[None])[0])


def test_settings_reach_the_transform():
    settings = MelSettings(
        sample_rate=16000, n_fft=512, hop_length=128, win_length=400, n_mels=40
    )
    mel = LogMel(settings)(torch.randn(1, 1600))
    assert mel.shape == (1, 13, 40)


@pytest.mark.parametrize(
    "waveforms, message",
    [
        (torch.zeros(2048), r"shape \(B, N\); got torch.float32 of shape"),
        (torch.zeros(1, 2048, 1), r"must be floating point of shape \(B, N\)"),
        (torch.zeros(1, 2048).short(), r"got torch.int16"),
        (torch.zeros(1, 512), "at least 513 samples for n_fft 1024; got 512"),
        (torch.zeros(1, 0), "at least 513 samples"),
    ],
)
def test_wrong_waveforms_are_errors(waveforms, message):
    with pytest.raises(ValueError, match=message):
        LogMel()(waveforms)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"n_mels": 0}, "n_mels must be at least 1; got 0"),
        ({"hop_length": -1}, "hop_length must be at least 1; got -1"),
        ({"win_length": 2048}, r"win_length must be at most n_fft \(1024\)"),
        ({"f_max": 12000.0}, r"sample_rate / 2 \(11025 Hz\); got 0 and 12000"),
        ({"f_min": 9000.0}, "0 <= f_min < f_max"),
    ],
)
def test_contradicting_settings_are_errors(changed, message):
    with pytest.raises(ValueError, match=message):
        MelSettings(**changed)


def test_griffin_lim_speaks_the_mel_and_is_deterministic(waveform):
    mel = LogMel()(waveform[None])[0]
    vocoder = GriffinLim(iterations=32)
    spoken = vocoder(mel)
    assert spoken.shape == (256 * (len(mel) - 1),)
    torch.testing.assert_close(vocoder(mel), spoken, rtol=0, atol=0)
    again = LogMel()(spoken[None])[0]
    audible = mel > math.log(1e-3)
    distance = (again - mel).abs()[audible].mean()
    shuffled = (mel.roll(40, 0) - mel).abs()[audible].mean()
    assert distance < 0.4
    assert shuffled > 4 * distance


def test_more_iterations_come_closer(waveform):
    mel = LogMel()(waveform[None])[0]

    def distance(iterations):
        spoken = GriffinLim(iterations=iterations)(mel)
        return (LogMel()(spoken[None])[0] - mel).abs().mean()

    assert distance(32) < distance(1)


@pytest.mark.parametrize(
    "shape", [(80,), (2, 5, 80), (80, 5), (1, 80)], ids=str
)
def test_griffin_lim_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"mel must have shape \(M, 80\)"):
        GriffinLim(iterations=1)(torch.zeros(shape))


def test_griffin_lim_needs_channels_that_differ():
    GriffinLim(MelSettings(n_mels=128), iterations=0)
    message = r"n_mels must be at most what n_fft \(1024\) can.*got 200, of"
    with pytest.raises(ValueError, match=message):
        GriffinLim(MelSettings(n_mels=200))
    GriffinLim(MelSettings(n_mels=200, n_fft=4096))


@pytest.mark.parametrize("n_frames", [2, 3, 4, 5])
@pytest.mark.parametrize("hop_length", [256, 300, 512])
def test_griffin_lim_speaks_what_is_short(n_frames, hop_length):
    settings = MelSettings(hop_length=hop_length)
    spoken = GriffinLim(settings, iterations=2)(torch.zeros(n_frames, 80))
    assert spoken.shape == (hop_length * (n_frames - 1),)
    assert 0 < spoken.abs().max() and spoken.isfinite().all()


def test_statistics_are_those_of_all_frames_together(tmp_path):
    torch.manual_seed(0)
    mels = [torch.randn(n, 3) * 2 - 6 for n in (5, 1, 40)]
    frames = torch.cat(mels)
    statistics = MelStatistics.from_mels(iter(mels))
    torch.testing.assert_close(statistics.mean, frames.mean(0))
    torch.testing.assert_close(statistics.std, frames.std(0, unbiased=False))
    statistics.save(tmp_path / "statistics.json")
    loaded = MelStatistics.load(tmp_path / "statistics.json")
    torch.testing.assert_close(loaded.mean, statistics.mean, rtol=0, atol=0)
    torch.testing.assert_close(loaded.std, statistics.std, rtol=0, atol=0)


def test_constant_channel_has_a_positive_deviation():
    statistics = MelStatistics.from_mels([torch.full((4, 2), -11.5)])
    assert (statistics.std > 0).all()


def test_statistics_of_nothing_are_an_error():
    with pytest.raises(ValueError, match="at least one frame to measure"):
        MelStatistics.from_mels([])


@pytest.mark.parametrize(
    "content",
    ["{}", "[1]", '{"mean": [1, 2], "std": [1]}', '{"mean": 1, "std": 1}'],
)
def test_damaged_statistics_file_is_an_error(tmp_path, content):
    path = tmp_path / "mel_statistics.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="must hold the lists mean and std"):
        MelStatistics.load(path)


@pytest.mark.parametrize(
    "content", [np.nan, np.inf, b"", b"\x93NUMPY"], ids=str
)
def test_a_mel_that_is_not_finite_is_named(tmp_path, content):
    entries = {}
    for name in ("good", "bad"):
        path = tmp_path / f"{name}.npy"
        np.save(path, np.full((3, 2), -1.0 if name == "good" else 0.0))
        entries[name] = {"mel": str(path)}
    check_mels(entries)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, np.array([[0.0, content]]))
    with pytest.raises(
        ValueError, match=rf"got 1 that are not: bad \({path}\)\. Put back"
    ):
        check_mels(entries)
