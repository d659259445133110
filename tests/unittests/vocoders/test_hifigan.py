"""HiFi-GAN is SpeechBrain's, hears SpeechBrain's mel, and refuses others."""

import logging
import os
import re
import shutil
import subprocess
import sys

import pytest
import torch
from speechbrain.inference.vocoders import HIFIGAN
from speechbrain.lobes.models import HifiGAN as lobe

from sb_sma.data.speech.mel import LogMel, MelSettings
from sb_sma.vocoders import HiFiGAN
from tests.small_hifigan import write_small_hifigan

OTHER_SHAPES = {
    "V3": {
        "resblock_type": "2",
        "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]],
        "resblock_kernel_sizes": [3, 5, 7],
        "upsample_kernel_sizes": [16, 16, 8],
        "upsample_factors": [8, 8, 4],
    },
    "odd": {
        "resblock_dilation_sizes": [[1, 2, 3]],
        "resblock_kernel_sizes": [5],
        "upsample_kernel_sizes": [8, 13],
        "upsample_factors": [4, 5],
    },
}
HUB = """
from sb_sma.data import MelSettings
from sb_sma.vocoders import HiFiGAN
try:
    HiFiGAN(MelSettings(), "speechbrain/tts-hifigan-ljspeech")
except ValueError as error:
    print(error)
"""


@pytest.fixture
def broken(hifigan_folder, tmp_path):
    """A copy of the folder, to be spoilt."""
    return shutil.copytree(hifigan_folder, tmp_path / "broken")


@pytest.fixture
def mel():
    return torch.randn(40, 80, generator=torch.Generator().manual_seed(1))


def test_the_mel_is_that_of_speechbrains_recipe():
    """``recipes/LJSpeech/TTS/vocoder/hifigan/hparams/train.yaml``."""
    audio = torch.rand(2, 22050, generator=torch.Generator().manual_seed(0))
    audio = (2 * audio - 1) * torch.linspace(0, 1, 22050)
    audio[1, 5000:9000] = 0.0
    # its name in SpeechBrain 1.0
    make = getattr(lobe, "mel_spectrogram", None) or lobe.mel_spectogram
    expected = make(
        sample_rate=22050,
        hop_length=256,
        win_length=1024,
        n_fft=1024,
        n_mels=80,
        f_min=0.0,
        f_max=8000,
        power=1,
        normalized=False,
        norm="slaney",
        mel_scale="slaney",
        compression=True,
        audio=audio,
    )
    actual = LogMel()(audio).transpose(1, 2)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    assert float(expected.min()) < -11.5 < 0 < float(expected.max())


@pytest.mark.parametrize("padding", [0, 5])
def test_the_sound_is_speechbrains(tmp_path, mel, padding):
    folder = write_small_hifigan(tmp_path, {"inference_padding": padding})
    theirs = HIFIGAN.from_hparams(source=str(folder), savedir=tmp_path / "its")
    expected = theirs.decode_spectrogram(mel.T)[0]
    actual = HiFiGAN(MelSettings(), folder)(mel)
    assert actual.shape == (40 * 256,)
    assert torch.equal(actual, expected[padding * 256 :][: 40 * 256])
    assert float(actual.std()) > 0.1


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("shape", ["V1", "V3"])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5])
def test_short_mels_have_a_sound(tmp_path, mel, n_frames, shape, padding):
    arguments = {"inference_padding": padding, **OTHER_SHAPES.get(shape, {})}
    vocoder = HiFiGAN(MelSettings(), write_small_hifigan(tmp_path, arguments))
    assert vocoder(mel[:n_frames]).shape == (n_frames * 256,)


@pytest.mark.parametrize("shape", ["V1", *OTHER_SHAPES])
def test_reach_is_how_far_a_frame_is_heard(tmp_path, shape):
    arguments = OTHER_SHAPES.get(shape, {})
    folder = write_small_hifigan(tmp_path, arguments)
    hop = 20 if shape == "odd" else 256
    vocoder = HiFiGAN(MelSettings(hop_length=hop), folder)
    middle = vocoder.reach + 9
    mel = torch.randn(2 * middle + 1, 80).double().requires_grad_()
    samples = vocoder.generator.double()(mel.T[None])[0, 0]
    samples[middle * hop : (middle + 1) * hop].sum().backward()
    heard = mel.grad.abs().sum(1).nonzero()[:, 0] - middle
    reach = max(-int(heard.min()), int(heard.max()))
    assert reach == vocoder.reach


def test_it_is_loaded_without_changing_what_is_drawn_next(hifigan_folder):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = torch.rand(3)
        torch.manual_seed(0)
        HiFiGAN(MelSettings(), hifigan_folder)
        assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("shape", [(1, 4, 80), (80, 40), (0, 80), (80,)])
def test_what_is_no_mel_is_refused(hifigan_folder, shape):
    with pytest.raises(ValueError, match=r"shape \(M, 80\) with M > 0; got"):
        HiFiGAN(MelSettings(), hifigan_folder)(torch.zeros(shape))


@pytest.mark.parametrize(
    "settings, stated, message",
    [
        ({"sample_rate": 16000}, {}, "sample_rate 16000; .* sample_rate 22050"),
        ({"hop_length": 200}, {}, "with hop_length 200; .* hop_length 256"),
        ({"n_mels": 100}, {}, "with n_mels 100; .* has n_mels 80"),
        ({"n_fft": 2048}, {"n_fft": 1024}, "with n_fft 2048; .* n_fft 1024"),
        ({}, {"mel_fmax": 11025}, "with f_max 8000.0; .* has f_max 11025"),
        (
            {"hop_length": 200, "n_mels": 64},
            {},
            "n_mels 64, hop_length 200; .* n_mels 80, hop_length 256",
        ),
    ],
)
def test_other_mels_are_refused(tmp_path, settings, stated, message):
    stated = {"sample_rate": 22050, "n_mel_channels": 80, **stated}
    folder = write_small_hifigan(tmp_path, **stated)
    with pytest.raises(ValueError, match=f"{message}. Give a vocoder_source"):
        HiFiGAN(MelSettings(**settings), folder)


def test_a_sample_rate_that_is_not_stated_is_told(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        HiFiGAN(MelSettings(), write_small_hifigan(tmp_path))
    assert "does not say its sample_rate; it is taken for 22050" in caplog.text


def cut(path):
    path.write_bytes(path.read_bytes()[:-500])


def drop_a_weight(path):
    weights = torch.load(path)
    del weights["conv_post.conv.bias"]
    torch.save(weights, path)


def has_no_generator(path):
    path.write_text(path.read_text().replace("generator: &", "other: &"))


@pytest.mark.parametrize(
    "name, spoil, message",
    [
        ("generator.ckpt", os.remove, "must hold the weights .*No such file"),
        ("generator.ckpt", cut, "must hold the weights of the HifiganGen"),
        ("generator.ckpt", lambda p: p.write_bytes(b""), "must hold the wei"),
        ("generator.ckpt", drop_a_weight, "Missing key.*conv_post.conv.bias"),
        ("hyperparams.yaml", cut, "must describe a vocoder|must have the keys"),
        ("hyperparams.yaml", lambda p: p.write_text(""), "it cannot be read"),
        ("hyperparams.yaml", has_no_generator, "keys .* it lacks generator"),
    ],
)
def test_a_file_that_is_not_whole_is_named(broken, name, spoil, message):
    spoil(broken / name)
    where = re.escape(str(broken / name))
    with pytest.raises(ValueError, match=f"^{where} .*{message}") as raised:
        HiFiGAN(MelSettings(), broken)
    assert len(str(raised.value).splitlines()) == 1


def test_a_generator_that_wants_more_than_mels_is_refused(tmp_path):
    folder = write_small_hifigan(tmp_path, {"cond_channels": 4})
    with pytest.raises(ValueError, match="got HifiganGenerator with cond_cha"):
        HiFiGAN(MelSettings(), folder)


@pytest.mark.parametrize(
    "source, problem",
    [
        ("./none", "does not exist"),
        ("none", "does not exist"),
        ("/no/such/folder", "does not exist"),
        ("here/none", "does not exist"),
        ("here", "holds no hyperparams.yaml"),
        ("file", "is a file"),
        ("https://somewhere/vocoder", "does not exist"),
    ],
)
def test_a_folder_that_is_none_is_refused(
    tmp_path, monkeypatch, source, problem
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()
    message = f"a name on a hub such as .*; {source} {problem}. Give the folder"
    with pytest.raises(ValueError, match=message):
        HiFiGAN(MelSettings(), source)


def test_a_hub_that_cannot_be_reached_is_one_error(tmp_path):
    env = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", HUB],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith(
        "vocoder_source must be a folder, or a name on a hub; "
        "speechbrain/tts-hifigan-ljspeech is no folder, and could not be "
        "fetched ("
    )
    assert line.endswith("the weights that it names.")
