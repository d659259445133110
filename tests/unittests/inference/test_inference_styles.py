"""All the ways to say how a text is spoken."""

import numpy as np
import pytest
import soundfile
import torch

from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.inference import TTS


@pytest.fixture
def tts(exported_gst):
    return TTS.from_hparams(source=str(exported_gst))


@pytest.fixture(scope="module")
def wavs(tmp_path_factory):
    """A slow and a fast recording, the second in stereo at another rate."""
    folder = tmp_path_factory.mktemp("references")
    paths = []
    for rate, sample_rate, n_channels in ((100, 22050, 1), (250, 16000, 2)):
        speech = speak("One, two, three.", VoiceSettings(rate=rate))
        samples = np.repeat(speech.samples[:, None], n_channels, axis=1)
        paths.append(folder / f"{rate}.wav")
        soundfile.write(paths[-1], samples, sample_rate)
    return paths


def mel_of(tts, text, style=None):
    (spoken,) = tts.speak(text, seed=0, style=style)
    return spoken.mel


def test_references_have_styles_of_their_own(tts, wavs):
    slow, fast = (tts.styles.from_wavs([wav]) for wav in wavs)
    assert slow.shape == fast.shape == (1, 8)
    assert not torch.allclose(slow, fast)
    assert not slow.requires_grad


def test_a_recording_is_its_tokens_by_weight(tts, wavs):
    weights = tts.styles.token_weights(wavs)
    assert weights.shape == (2, 10)
    torch.testing.assert_close(weights.sum(1), torch.ones(2))
    layer = tts.mods.model.style.tokens.token_layer
    layer.attention.W_query.weight.data.zero_()  # all heads read alike
    weights = tts.styles.token_weights(wavs[:1])
    torch.testing.assert_close(
        tts.styles.from_weights(weights), tts.styles.from_wavs(wavs[:1])
    )


def test_a_mix_lies_between_its_references(tts, wavs):
    slow, fast = (tts.styles.from_wavs([wav]) for wav in wavs)
    torch.testing.assert_close(
        tts.styles.from_wavs(wavs), (slow + fast) / 2, rtol=0, atol=1e-5
    )
    torch.testing.assert_close(
        tts.styles.from_wavs(wavs, [3.0, 1.0]),
        0.75 * slow + 0.25 * fast,
        rtol=0,
        atol=1e-5,
    )


def test_one_token_is_a_weight_of_it_alone(tts):
    assert tts.styles.n_tokens == 10
    torch.testing.assert_close(
        tts.styles.from_token(3, 0.5), tts.styles.from_weights({"3": 0.5})
    )


def test_every_text_has_its_style(tts, texts):
    styles = torch.cat(
        [tts.styles.from_token(index, 4.0) for index in range(len(texts))]
    )
    together = tts.speak(texts, seed=0, style=styles)
    for item, text, style in zip(together, texts, styles):
        alone = mel_of(tts, text, style[None])
        torch.testing.assert_close(item.mel, alone, rtol=0, atol=1e-4)
    assert not torch.equal(
        mel_of(tts, texts[1], styles[:1]), mel_of(tts, texts[1], styles[1:2])
    )


def test_without_a_style_the_mean_one_speaks(tts, texts):
    mean = tts.styles.from_token(2, 3.0)
    before = mel_of(tts, texts[0])
    tts.mods.model.style.tokens.set_mean_style(mean[0])
    torch.testing.assert_close(tts.styles.mean(), mean)
    after = mel_of(tts, texts[0])
    assert not torch.equal(before, after)
    assert torch.equal(after, mel_of(tts, texts[0], mean))


def test_a_stream_has_a_style(tts, texts):
    style = tts.styles.from_token(1, 2.0)
    chunks = list(tts.stream(texts[0], seed=3, style=style))
    (spoken,) = tts.speak(texts[0], seed=3, style=style)
    torch.testing.assert_close(torch.cat(chunks), spoken.mel, rtol=0, atol=1e-4)


def test_a_model_without_styles_says_so(exported, texts):
    tts = TTS.from_hparams(source=str(exported[2]))
    with pytest.raises(ValueError, match="must have styles.*--style=gst"):
        tts.styles.mean()
    with pytest.raises(ValueError, match="style must be None for a model"):
        tts.speak(texts[0], style=torch.zeros(1, 8))


@pytest.mark.parametrize(
    "style", [torch.zeros(8), torch.zeros(2, 8)], ids=["S", "2S"]
)
def test_a_style_for_other_texts_is_refused(tts, texts, style):
    with pytest.raises(ValueError, match=r"style must have shape \(1, S\)"):
        tts.speak(texts, style=style)


def test_references_that_cannot_be_read_are_named(tts, tmp_path):
    with pytest.raises(ValueError, match="missing.wav cannot be read"):
        tts.styles.from_wavs([tmp_path / "missing.wav"])
    soundfile.write(tmp_path / "short.wav", np.zeros(10), 22050)
    with pytest.raises(ValueError, match="short.wav must last longer than"):
        tts.styles.from_wavs([tmp_path / "short.wav"])
    for nothing in ([], "reference.wav"):
        with pytest.raises(ValueError, match="wavs must be a list"):
            tts.styles.from_wavs(nothing)
