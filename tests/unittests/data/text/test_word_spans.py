"""Every token that sounds belongs to a word, for every front end."""

import pytest

from benchmarks.harness.hard_texts import read_hard_texts
from sb_sma.data.espeak.voice import END, PAUSE, VoiceSettings
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend
from sb_sma.data.text.pronounce import Pronouncer
from sb_sma.data.text.sentencepiece import SentencePieceFrontend
from sb_sma.data.text.word_spans import SPACE, cut_at_pauses, find_spans
from sb_sma.evaluation.texts import own_texts

OWN = [each.text for each in own_texts()]
TEXT = "Don't go, well-known Zoe."


def check_spans(frontend, text):
    """Spans follow each other and hold all that sounds."""
    tokens = frontend.tokens(text)
    spans = find_spans(tokens, frontend.words(text))
    silent = (PAUSE, SPACE, END)
    sounding = [i for i, token in enumerate(tokens) if token not in silent]
    held = [i for _, first, stop in spans for i in range(first, stop)]
    assert [i for i in held if tokens[i] not in silent] == sounding
    assert held == sorted(set(held))
    return [(text, "".join(tokens[first:stop])) for text, first, stop in spans]


def test_espeak_of_all_texts_of_the_package():
    for text in OWN:
        check_spans(EspeakFrontend(), text)


def test_espeak_of_hard_texts():
    for text in read_hard_texts():
        check_spans(EspeakFrontend(), text)


@pytest.mark.parametrize("voice", ["de", "fr", "es"])
def test_other_voices(voice):
    frontend = EspeakFrontend(VoiceSettings(voice))
    assert len(check_spans(frontend, "Information, nation, 21 euro.")) >= 3


def test_words_of_espeak():
    assert check_spans(EspeakFrontend(), TEXT) == [
        ("Don't", "dˈoʊnt"),
        ("go", "ɡˈoʊ"),
        ("well-known", "wˈɛlnˈoʊn"),
        ("Zoe", "zˈoʊi"),
    ]


def test_words_of_letters():
    assert check_spans(CharacterFrontend(), TEXT) == [
        (word, word) for word in ["don't", "go", "well-known", "zoe"]
    ]


def test_words_of_pieces():
    frontend = SentencePieceFrontend(vocab_size=40).fit(OWN)
    spans = check_spans(frontend, TEXT)
    assert [text for text, _ in spans] == ["Don't", "go", "well-known", "Zoe"]


def test_words_of_a_pronouncing_model():
    lexicon = {word: [list(word)] for word in ["go", "don't", "zoe"]}
    reader = Pronouncer(lexicon, lambda words: [list(word) for word in words])
    assert [text for text, _ in check_spans(reader, TEXT)] == [
        "Don't",
        "go",
        "well-known",
        "Zoe",
    ]


def test_a_word_may_have_no_sound_of_its_own():
    assert find_spans(["a", END], [("a", ["a"]), ("-", [])]) == [
        ("a", 0, 1),
        ("-", 0, 0),
    ]


@pytest.mark.parametrize("words", [["a"], ["a", "b", "c"], ["b", "a"]])
def test_other_words_than_tokens_are_refused(words):
    with pytest.raises(ValueError, match=r"that sound, \['a', 'b'\]; got"):
        find_spans(["a", "b", END], [(word, [word]) for word in words])


def test_without_words_there_are_phrases():
    assert cut_at_pauses(["a", "b", PAUSE, PAUSE, "c", END]) == [
        ("ab", ["a", "b"]),
        ("c", ["c"]),
    ]
