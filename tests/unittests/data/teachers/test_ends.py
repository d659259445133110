"""Speech ends alike and has the rate of its corpus, whoever speaks."""

import numpy as np
import pytest

from sb_sma.data.espeak.voice import END, Speech, speak
from sb_sma.data.teachers.ends import end_speech, find_sound, resampled


def tone(n, rate, hertz=440):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(n) / rate)).astype("f4")


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_another_rate_keeps_pitch_loudness_and_times(rate):
    samples = (tone(rate, rate) * 32767).astype(np.int16)
    given = Speech(samples, rate, ("a", "b", END), (0, rate // 2, rate - 9))
    found = resampled(given, 22050)
    assert found.sample_rate == 22050 and found.tokens == given.tokens
    assert len(found.samples) == 22050
    assert found.starts[:2] == (0, 11025)
    expected = tone(22050, 22050)
    middle = slice(500, -500)
    np.testing.assert_allclose(
        found.samples[middle], expected[middle], atol=2e-3
    )


def test_the_same_rate_changes_nothing():
    speech = speak("No.")
    assert resampled(speech, 22050) is speech


def test_unknown_times_stay_unknown():
    speech = Speech(tone(100, 16000), 16000, ("a", END), None)
    assert resampled(speech, 8000).starts is None


def test_full_scale_stays_within_it():
    square = np.sign(tone(2000, 16000)).astype(np.float32)
    found = resampled(Speech(square, 16000, ("a", END), (0, 1900)), 22050)
    assert np.abs(found.samples).max() == 1


def test_sound_is_found_in_silence():
    samples = np.zeros(16000, np.float32)
    samples[4000:12000] = tone(8000, 16000)
    samples += 1e-4 * np.random.default_rng(0).standard_normal(16000, "f4")
    assert find_sound(samples, 16000) == (4000, 12000)


@pytest.mark.parametrize("length", [700, 5000], ids=["too short", "too long"])
def test_the_end_is_always_as_long(length):
    samples = tone(length, 16000)
    speech = end_speech(samples, 16000, ["a", "b"], [30, 200], 600)
    assert speech.tokens == ("a", "b", END)
    assert speech.starts == (0, 200, 600)
    assert len(speech.samples) == 600 + 2400  # 0.15 s
    np.testing.assert_array_equal(
        speech.samples[:600], (samples[:600] * 32767).round()
    )


def test_each_token_has_samples():
    speech = end_speech(tone(99, 16000), 16000, "abc", [0, 50, 50], 50)
    assert speech.starts == (0, 50, 51, 52)
