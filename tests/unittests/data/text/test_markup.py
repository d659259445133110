"""Markup is read, prose is left alone, and what is neither is named."""

import pytest

from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.data.text.markup import (
    _STANDING_IN,
    Break,
    MarkedSpan,
    escape_markup,
    parse_markup,
)


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "a <b and c> d",
        "I <3 you, x<y",
        "<me@example.org> or <https://example.org/?a=b>",
        "an [aside] and a[1] (b)",
        "AT&T",
    ],
)
def test_prose_is_left_alone(text):
    assert parse_markup(text) == [MarkedSpan(text, 1.0, ())]


def test_escapes_are_characters():
    (span,) = parse_markup("&lt;i&gt; &amp;lt; if a &lt; b")
    assert span.text == "<i> &lt; if a < b"


def test_paces_multiply():
    text = (
        'a <prosody rate="80%">b <prosody rate="50%">c</prosody> d</prosody> e'
    )
    assert [(part.text, part.pace) for part in parse_markup(text)] == [
        ("a ", 1.0),
        ("b ", 0.8),
        ("c", 0.4),
        (" d", 0.8),
        (" e", 1.0),
    ]


@pytest.mark.parametrize(
    "written, seconds",
    [('"0.5s"', 0.5), ("'250ms'", 0.25), ('" 2 s "', 2.0), ('".1s"', 0.1)],
)
def test_breaks_last_as_written(written, seconds):
    text = f"a<break time={written} />b"
    a, pause, b = parse_markup(text)
    assert pause == Break(seconds) and (a.text, b.text) == ("a", "b")


def test_words_are_respelled_by_words_that_stand_in():
    (span,) = parse_markup("Bob saw the [Ivy](/ˈaɪ v i/) of [Cy](/s ˈaɪ/).")
    assert [each.word for each in span.respellings] == ["Ivy", "Cy"]
    vowel, consonant = (each.stand_in for each in span.respellings)
    assert span.text == f"Bob saw the {vowel} of {consonant}."
    # what follows "the" decides how it is said
    assert vowel[0] in "AEIOU" and consonant[0] not in "AEIOU"
    assert consonant != "Bob"


def test_names_in_other_words_stand_in_and_those_of_any_case_do_not():
    (span,) = parse_markup("Bobby and BOB saw [Cy](/s ˈaɪ/).")
    assert span.text == "Bobby and BOB saw Ted."
    (span,) = parse_markup("Bobby saw [Cy](/s ˈaɪ/) and [Bo](/b ˈoʊ/).")
    assert span.text == "Bobby saw Bob and Bob."


@pytest.mark.parametrize("name", [n for k in _STANDING_IN.values() for n in k])
def test_every_stand_in_is_a_word_of_its_own(name):
    words = [word for word, _ in EspeakFrontend().words(f"In the {name}. Of")]
    assert words == ["In", "the", name, "Of"]


@pytest.mark.parametrize(
    "text", ["AT&T is AT&amp;T", "a <i>b</i>", '<break time="1s"/>', "&lt;"]
)
def test_what_is_escaped_is_read_as_it_is(text):
    assert [span.text for span in parse_markup(escape_markup(text))] == [text]


@pytest.mark.parametrize(
    "text, problem",
    [
        ("<i>a</i>", "character 1: '<i>' is not known"),
        ("a\n<emphasis level='x'>b", "line 2: .* is not known"),
        ("a <break/>", "must have the attribute time and no other"),
        ('a <break strength="weak"/>', "must have the attribute time"),
        ('<break time="1s" strength="weak"/>', "attribute time and no other"),
        ("a <break time=1s/>", "must have the attribute time"),
        ('a <break time="1"/>', "must be written as <break"),
        ('a <break time="1s">', "must be written as <break"),
        ('a <break time="1000s"/>', "is longer than 60 s"),
        ('a <break time="1s"', "is not complete"),
        ("a</prosody>", "ends nothing that was begun"),
        ('<prosody rate="80%">a', "is not ended by </prosody>"),
        ('<prosody rate="80%"/>', "must surround a text"),
        ('<prosody rate="slow">a</prosody>', "a rate from 25% to 400%"),
        ('<prosody rate="10%">a</prosody>', "a rate from 25% to 400%"),
        ('<prosody pitch="2%">a</prosody>', "attribute rate and no other"),
        ("[a](//)", "must have a word and phonemes"),
        ("[!](/a/)", "must have a word and phonemes"),
        ("[a](/a/)b", "must stand between spaces or marks"),
        ("[a](/a/)[b](/b/)", "must stand between spaces or marks"),
        ("[a](/b", "is not complete"),
    ],
)
def test_what_is_unknown_is_named(text, problem):
    with pytest.raises(ValueError, match=f"{problem}.*; known are <break"):
        parse_markup(text)
