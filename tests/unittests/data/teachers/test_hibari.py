"""hibari speaks its phonemes at the times that its network tells."""

import importlib.util

import numpy as np
import pytest

from sb_sma.data.espeak.voice import END, PAUSE, VoiceSettings
from sb_sma.data.teachers.hibari import HibariTeacher
from sb_sma.data.teachers.interface import check_speech

IS_THERE = all(map(importlib.util.find_spec, ("hibari", "onnx")))
TEXTS = [
    "a",
    "Yes, you.",
    "Hello there. It costs $5.50, Dr. Smith!",
    "The black cat, who stopped at the big gate, slept; nobody cared.",
]
SETTINGS = VoiceSettings()


@pytest.mark.skipif(IS_THERE, reason="hibari-tts and onnx are installed")
def test_without_the_packages_the_extra_is_named():
    with pytest.raises(ImportError, match=r"pip install 'sb_sma\[data\]'"):
        HibariTeacher().check()


needs_hibari = pytest.mark.skipif(
    not IS_THERE, reason="hibari-tts and onnx are not installed"
)


@needs_hibari
@pytest.mark.parametrize("text", TEXTS)
def test_its_tokens_are_those_of_its_front_end(text):
    speech = HibariTeacher().speak(text, SETTINGS)
    check_speech(speech, "hibari")
    frontend = HibariTeacher().frontend(SETTINGS)
    assert list(speech.tokens) == frontend.tokens(text)
    assert speech.sample_rate == 24000


@needs_hibari
def test_the_same_text_has_the_same_samples():
    first, again = (HibariTeacher().speak(TEXTS[1], SETTINGS) for _ in "ab")
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.starts == again.starts


@needs_hibari
def test_pauses_are_silent_and_sounds_are_not():
    levels = {True: [], False: []}
    for text in TEXTS[1:]:
        speech = HibariTeacher().speak(text, SETTINGS)
        samples = speech.samples / np.abs(speech.samples).max()
        ends = [*speech.starts[1:], len(samples)]
        for token, start, end in zip(speech.tokens, speech.starts, ends):
            power = np.mean(samples[start:end] ** 2)
            is_silent = token in (PAUSE, END)
            levels[is_silent].append(10 * np.log10(power + 1e-9))
    assert np.median(levels[True]) < -40 < -25 < np.median(levels[False])


@needs_hibari
def test_a_pause_between_sentences_lasts_as_long_as_its_tokens():
    speech = HibariTeacher().speak("One. Two.", SETTINGS)
    at = speech.tokens.index(PAUSE)
    assert speech.tokens[at : at + 3] == (PAUSE,) * 3
    assert np.diff(speech.starts[at : at + 4]).tolist() == [2400] * 3


@needs_hibari
def test_its_identity_tells_the_network():
    identity = HibariTeacher().identity()
    assert identity["voice"] == "heart" and len(identity["sha256"]) == 64
