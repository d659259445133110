"""What fills the page of ``sb-sma demo``."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from sb_sma.demo.speech import (
    MOST_CHARACTERS,
    MOST_SECONDS,
    Manner,
    Voice,
    show_speeches,
)
from sb_sma.inference import TTS
from tests.unittests.conftest import SPEAKERS

TEXT = "A short one, I say."


@pytest.fixture(scope="module")
def sma(exported):
    return Voice("SMA", TTS.from_hparams(source=str(exported[2])))


@pytest.fixture(scope="module")
def softmax(exported_softmax):
    return Voice("softmax", TTS.from_hparams(source=str(exported_softmax)))


@pytest.fixture(scope="module")
def speakers(exported_speakers):
    return Voice("speakers", TTS.from_hparams(source=str(exported_speakers)))


def content(uri):
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def test_a_speech_is_that_of_the_model(sma):
    speech = sma.speak(TEXT, Manner(seed=0))
    (spoken,) = sma.tts.speak([TEXT], seed=0)
    expected = sma.tts.to_waveform(spoken.mel)
    samples, sample_rate = soundfile.read(content(speech.sound))
    assert sample_rate == 22050 and len(samples) == len(expected)
    torch.testing.assert_close(
        torch.from_numpy(samples).float(), expected, rtol=0, atol=1e-3
    )
    picture = Image.open(content(speech.picture))
    assert picture.size == spoken.alignment.shape[1:]
    assert [word.text for word in speech.words] == [
        word.text for word in spoken.words
    ]
    assert speech.finished == spoken.finished


def test_the_picture_is_upright(sma):
    """The start of the text is below, that of the speech on the left."""
    speech = sma.speak(TEXT, Manner(seed=0, mode="hard"))
    picture = Image.open(content(speech.picture)).convert("L")
    column = [picture.getpixel((0, y)) for y in range(picture.height)]
    assert column.index(max(column)) == picture.height - 1


def test_softmax_speaks_beside_a_mode_that_it_has_not(sma, softmax):
    html = show_speeches(
        dict.fromkeys([sma, softmax], Manner(mode="hard")), TEXT
    )
    assert html.count("<audio") == 2 and "problem" not in html


@pytest.mark.parametrize(
    "text, told",
    [
        (" \n", "There is no text. Write what is to be said."),
        (None, "There is no text. Write what is to be said."),
        (
            "a" * (MOST_CHARACTERS + 1),
            "must have 500 characters at most; got 501. Shorten it",
        ),
        ("* * *", "text must have at least one letter or digit to speak"),
        ("Say <i>it</i>.", "character 5: &#39;&lt;i&gt;&#39; is not known"),
    ],
    ids=["empty", "none", "long", "unspeakable", "markup"],
)
def test_what_all_cannot_say_is_told_once(sma, softmax, text, told):
    html = show_speeches(dict.fromkeys([sma, softmax], Manner(seed=0)), text)
    assert html.count('role="alert"') == 1 and told in html
    assert "<audio" not in html and "Traceback" not in html


def test_a_speech_that_is_too_long_for_the_page_is_told(sma):
    text = 'A.<break time="60s"/>' * 6
    problem = sma.speak(text, Manner(seed=0)).problem
    assert problem.startswith(
        f"The speech must last {MOST_SECONDS} s at most; got 36"
    )


def test_what_one_cannot_say_leaves_the_others(sma, speakers):
    manners = {sma: Manner(), speakers: Manner(speaker="nobody")}
    html = show_speeches(manners, TEXT)
    assert html.count("<audio") == 1
    told = re.search(r'role="alert">(.*?)</p>', html).group(1)
    assert told.startswith("speaker must be one of 225, en-us+f2, no; got")


def test_manners_are_followed(speakers):
    def sound(**manner):
        speech = speakers.speak(TEXT, Manner(seed=0, **manner))
        assert speech.problem == ""
        return speech.sound

    sounds = [
        sound(),
        sound(speaker=SPEAKERS[1]),
        sound(token_weights={0: 0.5}),
        sound(pace=2.0),
        sound(mode="hard"),
    ]
    assert len(set(sounds)) == len(sounds)
    assert sound() == sounds[0] and sound(speaker=SPEAKERS[0]) == sounds[0]


def test_a_recording_gives_the_style(speakers, tmp_path):
    wav = tmp_path / "a.wav"
    samples = torch.sin(torch.arange(22050) / 9) / 2
    soundfile.write(wav, samples.numpy(), 22050)
    plain = speakers.speak(TEXT, Manner(seed=0))
    styled = speakers.speak(TEXT, Manner(seed=0, recording=str(wav)))
    assert styled.problem == "" and styled.sound != plain.sound


@pytest.mark.parametrize(
    "bytes_, told",
    [
        (b"no sound", "The recording: mine.wav must be a readable recording"),
        (b"", "The recording: mine.wav"),
    ],
)
def test_a_broken_recording_is_told_by_its_name(
    speakers, tmp_path, bytes_, told
):
    wav = tmp_path / "mine.wav"
    wav.write_bytes(bytes_)
    problem = speakers.speak(TEXT, Manner(recording=str(wav))).problem
    assert problem.startswith(told) and str(tmp_path) not in problem


def test_a_recording_that_is_too_long_is_told(speakers, tmp_path):
    """Silence of an hour is a small file."""
    wav = tmp_path / "mine.flac"
    soundfile.write(wav, np.zeros(61 * 8000, np.int16), 8000)
    problem = speakers.speak(TEXT, Manner(recording=str(wav))).problem
    told = "The recording: mine.flac must last 60 s at most"
    assert problem.startswith(told)


@pytest.mark.parametrize(
    "manner, told",
    [
        ({"pace": None}, "pace must be a number from 0.25 to 4.0"),
        ({"pace": 9.0}, "pace must be a number from 0.25 to 4.0"),
        (
            {"token_weights": {0: None}},
            "the weight of token 0 must be a finite",
        ),
        ({"seed": 2**65}, "seed must be an integer of 64 bits"),
    ],
)
def test_a_number_that_is_none_is_told(speakers, manner, told):
    problem = speakers.speak(TEXT, Manner(**manner)).problem
    assert problem.startswith(told)


def test_a_missing_recording_is_told(speakers):
    problem = speakers.speak(TEXT, Manner(recording="")).problem
    assert problem.startswith("There is no recording.")


def test_what_a_text_loses_is_told(sma):
    html = show_speeches({sma: Manner(seed=0)}, TEXT + " 日")
    assert "eSpeak NG has no sound of its own for &#39;日&#39;" in html
    assert "<audio" in html


def test_unsaid_words_are_marked(softmax):
    speech = softmax.speak(
        "Two words: three words; four words.", Manner(seed=0)
    )
    html = show_speeches(
        {softmax: Manner(seed=0)}, "Two words: three words; four words."
    )
    assert html.count(", unsaid</small>") == speech.n_unsaid
    if speech.n_unsaid:
        assert f"{speech.n_unsaid} of 6 words unsaid" in html


def test_names_are_text(exported):
    voice = Voice("<script>", TTS.from_hparams(source=str(exported[2])))
    html = show_speeches({voice: Manner()}, TEXT)
    assert "<script>" not in html and "&lt;script&gt;" in html
