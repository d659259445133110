"""Addresses are said as people say them, and nothing else is one."""

import pytest

from sb_sma.data.text.english.addresses import say_addresses
from sb_sma.data.text.english.write_out import write_out
from sb_sma.data.text.normalize import speak_out

SAID = {
    "Ask jane_doe@mail.example.org!": (
        "Ask jane underscore doe at mail dot example dot org!"
    ),
    "mailto:info@museum.it": "info at museum dot I T",
    "a.b-c+d@example.com": "A dot B dash C plus D at example dot com",
    "See http://example.com/.": "See example dot com.",
    "(www.example.com/a/news.html)": (
        "(WWW dot example dot com slash A slash news dot HTML)"
    ),
    "HTTPS://Example.com?q=x#top, too": (
        "Example dot com question mark Q equals X hash top, too"
    ),
    "github.com/torch-audio": "github dot com slash torch dash audio",
    "amazon.co.uk and example.ai": "amazon dot co dot U K and example dot AI",
    "http://localhost:80/x_y": "localhost colon 80 slash X underscore Y",
}


@pytest.mark.parametrize("text, said", SAID.items(), ids=repr)
def test_addresses_become_words(text, said):
    assert say_addresses(text) == said
    assert write_out(text) == said


def test_the_front_ends_with_words_say_them_without_an_extra(monkeypatch):
    text = "Write to john.smith@example.com, see https://docs.python.org/news."
    assert speak_out(text) == (
        "Write to john dot smith at example dot com, see docs dot python dot "
        "org slash news."
    )


@pytest.mark.parametrize(
    "text",
    [
        "He came.It rained.",
        "e.g. this, i.e. that, at 5 p.m. in the U.S.",
        "the Ph.D. of N.Y.",
        "and/or, 24/7, w/o",
        "3.5, 1.000.000 or 10:30",
        "me@home and @someone",
        "Mr.No said so.",
        "It is what it is.",
    ],
)
def test_other_texts_stay(text):
    assert say_addresses(text) == text
