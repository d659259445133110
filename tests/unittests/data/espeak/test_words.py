"""Words with their phonemes, as eSpeak NG reads a text."""

import pytest

from sb_sma.data.espeak.voice import PAUSE, VoiceSettings, phonemize
from sb_sma.data.espeak.words import spoken_words


def labels(text, voice="en-us"):
    return [word.text for word in spoken_words(text, VoiceSettings(voice))]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("It's well-known.", ["It's", "well-known"]),
        ("1,234 U.S. dollars", ["1,234", "U.S", "dollars"]),
        ("-- out of the, in the", ["out", "of", "the", "in", "the"]),
        ("salt & pepper", ["salt", "&", "pepper"]),
        ("“Yes” — ‘no’ (maybe)…", ["Yes", "no", "maybe"]),
        ("Zoë naïve café dog", ["Zoë", "naïve", "café", "dog"]),
        ("One.\n\nTwo!", ["One", "Two"]),
        # what the voice has no sound for stays with the word before it
        ("No, I say. \u0872\u0872.", ["No", "I", "say \u0872\u0872"]),
    ],
)
def test_words_are_those_of_the_text(text, expected):
    assert labels(text) == expected


def test_two_words_that_are_said_as_one_are_taken_apart():
    words = spoken_words("top of the hill")
    assert [(w.text, w.phonemes) for w in words[1:3]] == [
        ("of", ["ʌ", "v"]),
        ("the", ["ð", "ə"]),
    ]


@pytest.mark.parametrize(
    "text, voice",
    [
        ("She had a red book, and ran away. Why?", "en-us"),
        ("Der Hund läuft über die Straße, und bellt.", "de"),
        ("All twelve of the girls else feel ill, Bill.", "en-us"),
        ("Le chat noir dort, et il rêve.", "fr"),
        ("Привет, как дела?", "ru"),
        ("Đi, đều được tự do.", "vi"),
    ],
)
def test_phonemes_are_those_of_the_whole_text(text, voice):
    settings = VoiceSettings(voice)
    found = [
        phoneme
        for word in spoken_words(text, settings)
        for phoneme in word.phonemes
    ]
    whole = [p for p in phonemize(text, settings)[:-1] if p != PAUSE]
    assert found == whole


def test_pauses_are_at_marks_and_none_is_after_the_last_word():
    words = spoken_words("Yes, you. Well then!")
    assert [word.pause for word in words] == [True, True, False, False]


def test_marks_alone_are_refused():
    with pytest.raises(ValueError, match="at least one letter or digit"):
        spoken_words("... --")
