"""A model speaks by the vocoder that it was trained with, or by another."""

import re
import shutil
import textwrap

import pytest
import torch

from sb_sma.data.speech.mel import GriffinLim, MelSettings
from sb_sma.inference import TTS
from sb_sma.inference.model_folder import check_model_folder
from sb_sma.vocoders import HiFiGAN
from tests.unittests.conftest import export_small_model


@pytest.fixture(scope="module")
def speaking(tmp_path_factory, repository, hifigan_folder):
    """Folder of a model that was trained with a HiFi-GAN, which is gone."""
    folder = tmp_path_factory.mktemp("with_vocoder")
    source = shutil.copytree(hifigan_folder, folder / "hifigan")
    export_small_model(
        folder, repository, vocoder="hifigan", vocoder_source=str(source)
    )
    shutil.rmtree(source)
    moved = tmp_path_factory.mktemp("elsewhere") / "moved model"
    (folder / "model").rename(moved)
    return moved


def test_the_vocoder_moves_with_the_model(speaking, hifigan_folder, texts):
    check_model_folder(speaking)
    tts = TTS.from_hparams(source=str(speaking))
    (waveform,), sample_rate = tts.synthesize(texts[1], seed=1)
    (spoken,) = tts.speak(texts[1], seed=1)
    expected = HiFiGAN(MelSettings(), hifigan_folder)(spoken.mel)
    assert torch.equal(waveform, expected) and sample_rate == 22050
    assert len(waveform) == 256 * len(spoken.mel)
    assert float(waveform.std()) > 0.01


def test_a_folder_without_the_key_speaks_by_griffin_lim(exported, tmp_path):
    folder = shutil.copytree(exported[2], tmp_path / "older")
    path = folder / "hyperparams.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\nvocoder: griffin_lim\n" in text
    path.write_text(text.replace("vocoder: griffin_lim\n", ""))
    tts = TTS.from_hparams(source=str(folder))
    assert isinstance(tts.vocoder, GriffinLim)
    mel = torch.randn(20, 80) - 5
    expected = GriffinLim(iterations=2)(mel).clamp(-1, 1)
    assert torch.equal(tts.to_waveform(mel), expected)


def test_another_vocoder_can_be_asked_for(exported, speaking, hifigan_folder):
    options = {"vocoder": "hifigan", "vocoder_source": hifigan_folder}
    tts = TTS.from_hparams(source=str(exported[2]), **options)
    assert isinstance(tts.vocoder, HiFiGAN)
    # a source alone is another for the model's own
    tts = TTS.from_hparams(source=str(speaking), vocoder_source=hifigan_folder)
    assert isinstance(tts.vocoder, HiFiGAN)
    # and what is not asked for needs not be there
    shutil.rmtree(speaking / "vocoder")
    tts = TTS.from_hparams(source=str(speaking), vocoder="griffin_lim")
    assert isinstance(tts.vocoder, GriffinLim)
    where = re.escape(str(speaking / "vocoder"))
    with pytest.raises(ValueError, match=f"{where} does not exist"):
        TTS.from_hparams(source=str(speaking))


def test_a_source_that_nothing_reads_is_refused(exported, hifigan_folder):
    message = "vocoder_source is for vocoder hifigan; got .* for griffin_lim"
    with pytest.raises(ValueError, match=message):
        TTS.from_hparams(source=str(exported[2]), vocoder_source=hifigan_folder)


def test_a_class_of_ones_own_is_kept_by_its_name(
    tmp_path, repository, monkeypatch
):
    from hyperpyyaml import load_hyperpyyaml

    code = """
        import torch
        class Silence:
            def __init__(self, mel_settings, level=0.0):
                self.hop, self.level = mel_settings.hop_length, level
            def __call__(self, mel):
                return torch.full((len(mel) * self.hop,), self.level)
    """
    (tmp_path / "my_vocoder.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    own = load_hyperpyyaml("a: !name:my_vocoder.Silence {level: 0.5}")["a"]
    tts_folder = tmp_path / "run"
    yaml = (repository / "hparams" / "tts.yaml").read_text(encoding="utf-8")
    other = yaml.replace(
        "\nvocoder: griffin_lim ",
        "\nvocoder: !name:my_vocoder.Silence\n    level: 0.5\nunused: 0 ",
    )
    assert other != yaml and own(MelSettings()).level == 0.5
    place = tmp_path / "checkout"
    (place / "hparams").mkdir(parents=True)
    (place / "hparams" / "tts.yaml").write_text(other, encoding="utf-8")
    (place / "recipes").symlink_to(repository / "recipes")
    export_small_model(tts_folder, place)
    tts = TTS.from_hparams(source=str(tts_folder / "model"), trusted=True)
    samples = tts.to_waveform(torch.zeros(3, 80))
    assert torch.equal(samples, torch.full((768,), 0.5))


@pytest.mark.parametrize("seconds", [0.05, 0.25])
def test_streamed_sound_is_what_is_spoken(
    exported, hifigan_folder, texts, seconds
):
    options = {"vocoder": "hifigan", "vocoder_source": hifigan_folder}
    tts = TTS.from_hparams(source=str(exported[2]), **options)
    chunks = list(tts.stream_waveform(texts[2], seed=3, chunk_seconds=seconds))
    assert len(chunks) > 1 and tts.finished == [True]
    least = round(seconds * 22050 / 256) * 256
    assert all(len(chunk) >= least for chunk in chunks[:-1])
    (whole,), _ = tts.synthesize(texts[2], seed=3)
    torch.testing.assert_close(torch.cat(chunks), whole, rtol=0, atol=1e-4)


def test_streamed_sound_of_griffin_lim_is_near_it(exported, texts):
    tts = TTS.from_hparams(source=str(exported[2]))
    chunks = list(tts.stream_waveform(texts[2], seed=3, chunk_seconds=0.05))
    (whole,), _ = tts.synthesize(texts[2], seed=3)
    streamed = torch.cat(chunks)
    assert len(chunks) > 1 and len(streamed) == len(whole)
    assert float((streamed - whole).norm() / whole.norm()) < 0.05


def test_a_stream_of_nothing_is_refused_at_once(exported, texts):
    tts = TTS.from_hparams(source=str(exported[2]))
    with pytest.raises(ValueError, match="chunk_seconds must be above 0; got"):
        tts.stream_waveform(texts[0], chunk_seconds=0.0)
