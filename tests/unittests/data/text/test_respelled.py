"""Phonemes in a text are those of the model."""

import pytest

from sb_sma.data.text.respelled import read_phonemes

IPA = "k ɜː ˈɜː ˌɜː n ə əl l t ʃ tʃ ɹ ɡ ˈaɪ aɪ <end> <pause>".split()


@pytest.mark.parametrize(
    "sounds, expected",
    [
        ("ˈkɜːnəl", "k ˈɜː n əl"),
        ("ˈkɜː.nə.l", "k ˈɜː n ə l"),
        ("k ˈɜː n ə l", "k ˈɜː n ə l"),
        ("tʃaɪ", "tʃ aɪ"),
        ("t ʃ aɪ", "t ʃ aɪ"),
        ("t͡ʃˈaɪ gaɪ", "tʃ ˈaɪ ɡ aɪ"),
        ("ˌrɜː", "ɹ ˌɜː"),
        ("ˈkə", "k ˈə"),  # known with another stress
    ],
)
def test_phonemes_are_the_longest_symbols(sounds, expected):
    assert read_phonemes(sounds, IPA) == expected.split()


def test_symbols_of_arpabet_stand_apart():
    symbols = "K ER1 N AH0 L".split()
    assert read_phonemes("K ER1 N AH0 L", symbols) == symbols


@pytest.mark.parametrize("sounds", ["kqː", "ˈ", "<end>", "<pause>"])
def test_others_are_refused(sounds):
    with pytest.raises(ValueError, match="must (be phonemes|hold a phoneme)"):
        read_phonemes(sounds, IPA)
