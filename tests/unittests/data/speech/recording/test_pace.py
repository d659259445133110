"""A text that is far too long or short for its recording is found."""

import pytest

from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.speech.recording.pace import (
    count_letters,
    pace_fault,
    remarks_by_name,
)

TEXT = "All of this is said in three seconds, more or less."


def test_digits_count_as_words():
    assert count_letters("Yes, 3!") == 7
    assert count_letters("Ça va? 你好") == 6
    assert count_letters("...") == 0


@pytest.mark.parametrize("seconds", [1.0, 3.0, 20.0])
def test_fast_and_slow_speech_is_no_fault(seconds):
    assert pace_fault(TEXT, seconds) is None


@pytest.mark.parametrize(
    "seconds, message",
    [
        (
            0.5,
            "must be the recording of the whole text; got 39 letters for 0.5",
        ),
        (
            40,
            "must be the recording of its text alone; got 39 letters for 40.0",
        ),
    ],
)
def test_what_nobody_says_so_fast_or_slow_is_a_fault(seconds, message):
    assert pace_fault(TEXT, seconds).startswith(message)


@pytest.mark.parametrize("rate", [80, 450])
@pytest.mark.parametrize(
    "voice, text",
    [
        ("en-us", "W"),
        ("en-us", "$1,234,567.89"),
        ("en-us", "NASA, in 1969"),
        ("en-us", TEXT),
        ("de", "Donaudampfschifffahrtsgesellschaft"),
        ("cmn", "你好，今天天气很好。"),
        ("ja", "こんにちは、元気ですか"),
        ("ar", "مرحبا كيف حالك"),
        ("hi", "नमस्ते आप कैसे हैं"),
    ],
)
def test_no_language_is_too_fast_or_slow(voice, text, rate):
    speech = speak(text, VoiceSettings(voice=voice, rate=rate))
    assert pace_fault(text, len(speech.samples) / speech.sample_rate) is None


def test_a_recording_at_another_rate_than_its_header_stands_out():
    utterances = {f"u{i}": (TEXT, 2.7 + i / 15, {}) for i in range(10)}
    utterances["double"] = (TEXT, 1.5, {"clipped": "3 samples"})
    utterances["half"] = (TEXT, 6.0, {})
    assert remarks_by_name(utterances) == {
        "double": {
            "clipped": "3 samples",
            "much faster than most": "26 letters per second for 13",
        },
        "half": {"much slower than most": "6 letters per second for 13"},
    }


@pytest.mark.parametrize("text, count", [("Yes.", 20), (TEXT, 5)])
def test_short_texts_and_few_of_them_tell_nothing(text, count):
    utterances = {f"u{i}": (text, 3.0, {}) for i in range(count)}
    utterances["last"] = (text, 1.0, {})
    assert remarks_by_name(utterances) == {}
