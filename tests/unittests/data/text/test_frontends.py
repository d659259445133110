"""Front ends: letters and eSpeak's phonemes with pauses and an end."""

import itertools

import pytest

from sb_sma.data.espeak.voice import END, PAUSE, VoiceSettings, phonemize
from sb_sma.data.text.frontends import (
    SPACE,
    CharacterFrontend,
    EspeakFrontend,
    respelled,
    split_words,
)
from sb_sma.data.text.sentencepiece import SentencePieceFrontend

TEXTS = [
    pytest.param("I", id="one letter"),
    pytest.param("Yes, you.", id="comma"),
    pytest.param('"Wait," he said -- "no!" (Twice...)', id="marks"),
    pytest.param("One line.\n\nAnother one?\nAnd a third", id="paragraphs"),
    pytest.param("- 'tis well-known; isn't it -", id="within words"),
]


FRONTENDS = [
    EspeakFrontend(),
    CharacterFrontend(),
    SentencePieceFrontend(vocab_size=28).fit(
        [text for parameters in TEXTS for text in parameters.values]
    ),
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("frontend", FRONTENDS, ids=type)
def test_pauses_are_inside_and_the_end_is_last(frontend, text):
    tokens = frontend.tokens(text)
    assert tokens.count(END) == 1 and tokens[-1] == END
    # eSpeak waits before a quotation
    assert tokens[0] != SPACE
    assert tokens[0] != PAUSE or isinstance(frontend, EspeakFrontend)
    assert tokens[-2] not in (PAUSE, SPACE)
    for before, after in itertools.pairwise(tokens):
        assert {before, after} != {PAUSE, SPACE} and (before, after) != (
            SPACE,
            SPACE,
        )


def test_espeak_is_its_phonemes():
    settings = VoiceSettings(voice="en-gb-scotland", rate=200)
    frontend = EspeakFrontend(settings)
    assert frontend.tokens("A bath.") == phonemize("A bath.", settings)
    assert frontend.tokens("A bath.") != EspeakFrontend().tokens("A bath.")


@pytest.mark.parametrize(
    "text, expected",
    {
        "Go": "g o END",
        "It's me": "i t ' s SPACE m e END",
        "Well-read, Zoë": "w e l l - r e a d PAUSE z o ë END",
        "a; b. c": "a PAUSE PAUSE b PAUSE PAUSE PAUSE c END",
    }.items(),
    ids=repr,
)
def test_characters(text, expected):
    names = {"END": END, "SPACE": SPACE, "PAUSE": PAUSE}
    tokens = [names.get(symbol, symbol) for symbol in expected.split()]
    assert CharacterFrontend().tokens(text) == tokens


@pytest.mark.parametrize(
    "marks, count",
    {
        " ": 0,
        "\n": 0,
        ", ": 1,
        " - ": 1,
        " -- ": 1,
        "–": 1,
        " (": 1,
        ' "': 1,
        " '": 0,
        ", ' , ": 1,
        "; ": 2,
        ": ": 2,
        "... ": 2,
        "… ": 2,
        ". ": 3,
        "! ": 3,
        "?! ": 3,
        '." ': 3,
        "\n\n": 5,
        ".\n \n": 5,
    }.items(),
    ids=repr,
)
def test_the_strongest_mark_makes_the_pauses(marks, count):
    assert split_words(f"seven{marks}eleven")[0][1] == count


def test_pauses_are_about_those_of_espeak():
    """In sentences, where eSpeak's own vary with the words around them."""
    for mark in (", ", "; ", ": ", ". ", "! ", "? ", " -- ", " (", "... "):
        text = f"The old man walked{mark}The dog barked here."
        without = phonemize(text.replace(mark, " ")).count(PAUSE)
        espeak = phonemize(text).count(PAUSE) - without
        ours = sum(count for _, count in split_words(text))
        assert abs(ours - espeak) <= 1, mark


def test_quotes_are_no_part_of_words_but_apostrophes_are():
    words = [
        w for w, _ in split_words("'Tis her dogs' 'old toy'; rock 'n' roll")
    ]
    assert words == "'Tis her dogs' old toy rock 'n' roll".split()


@pytest.mark.parametrize("text", ["", "  ", "?!", "-", "'"])
def test_nothing_to_say_is_refused(text):
    for frontend in FRONTENDS:
        with pytest.raises(ValueError, match="at least one letter or digit"):
            frontend.tokens(text)


@pytest.mark.parametrize("frontend", FRONTENDS, ids=type)
@pytest.mark.parametrize(
    "written, plain",
    [
        ("a rai\u0308ny day\u0301", "a raïny daý"),
        ("the laﬆ", "the last"),
        ("Ｔｗｏ　ｗｏｒｄｓ", "Two words"),
        ("isnʼt it, win\u00adter\u200b", "isn't it, winter"),
        ("well‐known", "well-known"),
    ],
    ids=ascii,
)
def test_all_read_plain_characters(frontend, written, plain):
    assert frontend.tokens(written) == frontend.tokens(plain)


@pytest.mark.parametrize(
    "voice, said",
    [
        ("en-us", "It costs 5 dollars 50 cents on December 25th, 2020."),
        ("en-us+f3", "It costs 5 dollars 50 cents on December 25th, 2020."),
        ("en", "It costs 5 dollars 50 cents on the 25th of December 2020."),
        (
            "en-gb-scotland",
            "It costs 5 dollars 50 cents on the 25th of December 2020.",
        ),
    ],
)
def test_english_voices_read_money_and_dates(voice, said):
    frontend = EspeakFrontend(VoiceSettings(voice))
    tokens = frontend.tokens("It costs $5.50 on 12/25/2020.")
    assert tokens == phonemize(said, frontend.settings)


@pytest.mark.parametrize(
    "voice, text",
    [
        ("en-us", "Dr. Smith has 3 cats, 50% of them since 2:30 p.m."),
        ("en-us", '"Wait," he said -- "no!" 1,234 times, or 3.14?'),
        ("de", "Das kostet $5.50, also 3,50 €, am 25.12.2020."),
        ("fr", "Louis XIV, 5 km, 1990, 1/2"),
        ("es", "El siglo XIX, $5.50, Henry VIII, 12/25/2020"),
        ("eo", "$5, 1984"),
    ],
)
def test_other_texts_are_read_by_espeak_alone(voice, text):
    settings = VoiceSettings(voice)
    frontend = EspeakFrontend(settings)
    assert frontend.written_out(text) == text
    assert frontend.tokens(text) == phonemize(text, settings)


def test_a_corpus_tells_what_is_respelled():
    frontend = EspeakFrontend()
    assert respelled([frontend], ["A cat.", "5 cats"]) == {}
    first = respelled([frontend], ["A cat.", "$5", "$5", "cafe\u0301"])
    assert first["respelled"]["texts"] == 2
    assert respelled([frontend], ["$5", "cafe\u0301"]) == first
    assert respelled([frontend], ["$6", "cafe\u0301"]) != first


def test_identity_tells_what_changes_the_tokens():
    identities = [
        frontend.identity()
        for frontend in (
            CharacterFrontend(),
            EspeakFrontend(),
            EspeakFrontend(VoiceSettings(voice="en-gb-scotland")),
        )
    ]
    assert all(a != b for a, b in itertools.combinations(identities, 2))
    assert EspeakFrontend().identity() == EspeakFrontend().identity()
