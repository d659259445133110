"""What every teacher gives is held to its contract."""

import numpy as np
import pytest

from sb_sma.data.espeak.voice import END, Speech, VoiceSettings
from sb_sma.data.teachers.espeak import EspeakTeacher
from sb_sma.data.teachers.interface import check_speech

SAMPLES = np.zeros(100, np.int16)


def speech(samples=SAMPLES, tokens=("a", END), starts=(0, 50)):
    return Speech(samples, 22050, tokens, starts)


@pytest.mark.parametrize(
    "good",
    [
        speech(),
        speech(samples=SAMPLES.astype(np.float32)),
        speech(starts=None),
        EspeakTeacher().speak("Yes, you.", VoiceSettings()),
    ],
    ids=["whole numbers", "floating point", "no times", "eSpeak NG"],
)
def test_good_speech_is_taken(good):
    check_speech(good, "mine")


@pytest.mark.parametrize(
    "bad, message",
    [
        (speech(samples=SAMPLES[None]), r"got int16 of shape \(1, 100\)"),
        (speech(samples=SAMPLES.astype(int)), "int16 or floating.*got int64"),
        (speech(tokens=("a", "b")), "mine must end with '<end>'; got"),
        (speech(tokens=(), starts=()), "must end with"),
        (speech(starts=(0,)), "first sample of each of 2 tokens"),
        (speech(starts=(1, 50)), "0 for the first"),
        (speech(starts=(0, 0)), "each below the next"),
        (speech(starts=(0, 100)), "below 100; got"),
    ],
)
def test_broken_speech_is_named(bad, message):
    with pytest.raises(ValueError, match=message):
        check_speech(bad, "mine")
