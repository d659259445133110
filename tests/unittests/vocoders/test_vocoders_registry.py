"""A word of the YAML makes a vocoder, or one error says why not."""

import functools
import re
from pathlib import Path

import pytest
import torch

from sb_sma.data.speech.mel import GriffinLim, LogMel, MelSettings
from sb_sma.hparams import load_experiment
from sb_sma.vocoders import HiFiGAN, make_vocoder

REPOSITORY = Path(__file__).resolve().parents[3]
RECIPE = REPOSITORY / "recipes" / "Embedded" / "TTS" / "transformer"


class Clicks(torch.nn.Module):
    """A click at every frame, or whatever else is asked for."""

    def __init__(self, mel_settings, shorter=0, batched=False):
        super().__init__()
        self.hop = mel_settings.hop_length
        self.shorter, self.batched = shorter, batched

    def forward(self, mel):
        samples = torch.zeros(len(mel) * self.hop - self.shorter)
        samples[:: self.hop] = 1.0
        return samples[None] if self.batched else samples


def test_griffin_lim_is_that_of_before():
    mel = LogMel()(torch.sin(torch.arange(5120) / 20)[None])[0]
    options = {"griffin_lim": {"iterations": 3}, "hifigan": {"source": "-"}}
    vocoder = make_vocoder("griffin_lim", options, MelSettings())
    assert torch.equal(vocoder(mel), GriffinLim(iterations=3)(mel))


def test_hifigan_is_loaded_from_its_source(hifigan_folder):
    options = {"hifigan": {"source": hifigan_folder}}
    assert isinstance(make_vocoder("hifigan", options, MelSettings()), HiFiGAN)


def test_a_class_of_ones_own_is_given_the_mels_settings():
    settings = MelSettings(hop_length=100)
    vocoder = make_vocoder(Clicks, {}, settings)
    assert vocoder.hop == 100
    shorter = functools.partial(Clicks, shorter=100)
    assert len(make_vocoder(shorter, {}, settings)(torch.zeros(9, 80))) == 800


@pytest.mark.parametrize(
    "options, got",
    [
        ({"batched": True}, "(1, 8192)"),
        ({"shorter": 257}, "(7935,)"),
        ({"shorter": -1}, "(8193,)"),
    ],
)
def test_what_makes_no_waveform_is_refused(options, got):
    message = f"(32, 80) into a waveform of shape (8192,); got {got}. Make"
    with pytest.raises(ValueError, match=re.escape(message)):
        make_vocoder(functools.partial(Clicks, **options), {}, MelSettings())


def test_what_returns_no_tensor_is_refused():
    with pytest.raises(ValueError, match="waveform .* got list"):
        make_vocoder(lambda settings: torch.Tensor.tolist, {}, MelSettings())


def test_an_unknown_name_is_told_the_known():
    message = "one of griffin_lim, hifigan, or a factory; got 'hifi-gan'"
    with pytest.raises(ValueError, match=message):
        make_vocoder("hifi-gan", {}, MelSettings())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--vocoder=hifi"],
            r"must be one of griffin_lim, hifigan or !name:.* got 'hifi'",
        ),
        (["--vocoder=null"], "must be one of griffin_lim, hifigan"),
        (["--vocoder_source=null"], "'source' of hifigan must be str"),
        (
            ["--vocoder=hifigan", "--vocoder_source=~/none"],
            "a folder, or a name on a hub .*; /home/anna/none does not exist",
        ),
        (["--n_mels=200"], "n_mels must be at most what n_fft"),
    ],
)
def test_an_experiment_is_refused_before_it_starts(
    arguments, message, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.syspath_prepend(RECIPE)
    path = str(REPOSITORY / "hparams" / "tts.yaml")
    output = f"--output_folder={tmp_path}"
    with torch.random.fork_rng():
        with pytest.raises(ValueError, match=message):
            load_experiment([path, output, *arguments], RECIPE / "train.py")


def test_an_experiment_has_its_vocoder(hifigan_folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(RECIPE)
    path = str(REPOSITORY / "hparams" / "tts.yaml")
    arguments = ["--vocoder=hifigan", f"--vocoder_source={hifigan_folder}"]
    arguments.append(f"--output_folder={tmp_path}")
    with torch.random.fork_rng():
        _, hparams, _, _ = load_experiment(
            [path, *arguments], RECIPE / "train.py"
        )
    assert isinstance(hparams["to_waveform"], HiFiGAN)
