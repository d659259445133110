"""Who speaks a text, by name, in every way to speak."""

import pytest
import torch

from sb_sma.inference import TTS
from tests.unittests.conftest import SPEAKERS


@pytest.fixture
def tts(exported_speakers):
    return TTS.from_hparams(source=str(exported_speakers))


def mel_of(tts, text, **options):
    (spoken,) = tts.speak(text, seed=0, **options)
    return spoken.mel


def test_the_names_survive_the_export(tts):
    assert tts.speakers == SPEAKERS


def test_a_model_without_speakers_has_no_names(exported):
    assert TTS.from_hparams(source=str(exported[2])).speakers == []


def test_speakers_differ_and_the_first_is_the_default(tts, texts):
    first, second, third = (
        mel_of(tts, texts[0], speaker=name) for name in SPEAKERS
    )
    assert torch.equal(first, mel_of(tts, texts[0]))
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_every_text_has_its_speaker(tts, texts):
    names = SPEAKERS[::-1]
    for item, text, name in zip(
        tts.speak(texts, seed=0, speaker=names), texts, names
    ):
        alone = mel_of(tts, text, speaker=name)
        torch.testing.assert_close(item.mel, alone, rtol=0, atol=1e-4)


def test_a_speaker_speaks_in_a_style(tts, texts):
    calm, lively = (tts.styles.from_token(index, 4.0) for index in (0, 1))
    spoken = [
        mel_of(tts, texts[0], speaker=name, style=style)
        for name, style in (
            (SPEAKERS[0], calm),
            (SPEAKERS[1], calm),
            (SPEAKERS[1], lively),
        )
    ]
    assert not torch.equal(spoken[0], spoken[1])
    assert not torch.equal(spoken[1], spoken[2])


def test_every_way_to_speak_has_speakers(tts, texts):
    name, text = SPEAKERS[1], texts[0]
    mel = mel_of(tts, text, speaker=name)
    mels, _, _ = tts.encode_text(text, seed=0, speaker=name)
    torch.testing.assert_close(mels[0], mel)
    chunks = list(tts.stream(text, seed=0, speaker=name))
    torch.testing.assert_close(torch.cat(chunks), mel, rtol=0, atol=1e-4)
    own, other = (
        tts.synthesize(text, seed=0, speaker=speaker)[0][0]
        for speaker in (name, SPEAKERS[0])
    )
    assert not torch.equal(own, other)


@pytest.mark.parametrize("way", ["speak", "stream", "synthesize"])
def test_an_unknown_name_lists_the_names(tts, texts, way):
    with pytest.raises(
        ValueError, match=r"one of 225, en-us\+f2, no; got 'nobody'"
    ):
        getattr(tts, way)(texts[0], speaker="nobody")


def test_speakers_for_other_texts_are_refused(tts, texts):
    with pytest.raises(ValueError, match="a list of 3, one for each text; got"):
        tts.speak(texts, speaker=SPEAKERS[:2])


def test_a_model_without_speakers_says_so(exported, texts):
    tts = TTS.from_hparams(source=str(exported[2]))
    with pytest.raises(
        ValueError, match="model without speakers; got 'anna'.*--speakers=N"
    ):
        tts.speak(texts[0], speaker="anna")
