"""hibari's phonemes become tokens, where marks are pauses."""

import importlib.util

import pytest

from sb_sma.data.espeak.voice import PAUSE
from sb_sma.data.text.hibari import HibariFrontend, cut, load_hibari
from sb_sma.inference.frontend_registry import make_frontend

IS_THERE = importlib.util.find_spec("hibari") is not None
needs_hibari = pytest.mark.skipif(
    not IS_THERE, reason="hibari-tts is not installed"
)


@pytest.mark.parametrize(
    "phonemes, tokens",
    [
        ("nˈO", ["n", "ˈO"]),
        ("jˈɛs, ju?", ["j", "ˈɛ", "s", PAUSE, "j", "u"]),
        ("ðə dˈɑːɡ", ["ð", "ə", "d", "ˈɑː", "ɡ"]),
        ("ə; ɪ", ["ə", PAUSE, PAUSE, "ɪ"]),
        (
            "ɪz... ˈɑd — vˈɛ",
            ["ɪ", "z", PAUSE, PAUSE, "ˈɑ", "d", PAUSE, "v", "ˈɛ"],
        ),
        ("“hi” (ʃi) s", ["h", "i", PAUSE, "ʃ", "i", PAUSE, "s"]),
    ],
)
def test_sounds_and_pauses_are_tokens(phonemes, tokens):
    sentence = cut(phonemes)
    assert sentence.tokens == tokens
    positions = sentence.positions
    assert len(positions) == len(tokens)
    assert all(a < b for a, b in zip(positions, positions[1:]))
    for token, position in zip(tokens, positions):
        if token != PAUSE:
            assert phonemes[position:].startswith(token)


@pytest.mark.parametrize(
    "phonemes, pauses", [("ə.", 3), ("ə;", 2), ("ə…", 2), ("ə", 1), ("ə!”", 3)]
)
def test_a_sentence_tells_the_pause_after_it(phonemes, pauses):
    assert cut(phonemes).pauses == pauses


@pytest.mark.skipif(IS_THERE, reason="hibari-tts is installed")
def test_without_the_package_the_extra_is_named():
    frontend = make_frontend("hibari")
    for call in (frontend.check, frontend.identity, load_hibari):
        with pytest.raises(ImportError, match=r"'sb_sma\[data\]'"):
            call()
    with pytest.raises(ImportError, match="hibari, which is missing"):
        frontend.tokens("Hello.")


@needs_hibari
def test_texts_are_read_in_the_phonemes_of_the_voice():
    frontend = HibariFrontend()
    assert " ".join(frontend.tokens("Hello there. Yes, you.")) == (
        "h ə l ˈO ð ˈɛ ɹ <pause> <pause> <pause> j ˈɛ s <pause> j u <end>"
    )
    assert frontend.tokens("cafe\u0301") == frontend.tokens("café")
    assert frontend.tokens("１２") == frontend.tokens("twelve")
    assert frontend.identity()["version"]


@needs_hibari
@pytest.mark.parametrize(
    "text, same",
    [
        ("A ☂", "A umbrella"),
        ("5€", "5 euros"),
        ("12.50 $", "$12.50"),
        ("20°C", "twenty degrees Celsius"),
    ],
)
def test_no_symbol_is_dropped(text, same):
    frontend = HibariFrontend()
    assert frontend.tokens(text) == frontend.tokens(same)


@needs_hibari
@pytest.mark.parametrize(
    "text, message",
    [
        ("...", "at least one letter or digit"),
        ("Привет", "must be English in Latin letters"),
    ],
)
def test_what_cannot_be_read_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        HibariFrontend().tokens(text)
