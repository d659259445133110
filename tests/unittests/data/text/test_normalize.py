"""Texts become words and marks, and nothing visible gets lost."""

import importlib.util
import sys
import unicodedata

import pytest

from sb_sma.data.text.normalize import MARKS, speak_out

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("kitten_text_processing") is None,
    reason="needs the extra text: pip install 'sb_sma[text]'",
)

SPOKEN = {
    "Dr. Smith paid $3.50 on 5/3/1998 at 10:45 p.m.": (
        "doctor Smith paid three dollars fifty cents on may third nineteen "
        "ninety eight at ten forty five PM"
    ),
    "1,234 men": "one thousand two hundred and thirty four men",
    "No. 10 Downing St.": "number ten Downing Street",
    "He lives at St. James St.": "He lives at Saint James Street",
    "the 3rd": "the third",
    "50% of 12.5%": "fifty percent of twelve point five percent",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "e.g. this, etc.": "for example this, etcetera.",
    "2 km, 10², 5 m²": "two kilometers, ten squared, five square meters",
    "Henry VIII, Louis XIV": "Henry the eighth, Louis the fourteenth",
    "Louis XI, XII": "Louis the eleventh, XII",
    "James II, Rocky II": "James the second, Rocky two",
    "George III and World War II": "George the third and World War two",
    "£5m": "five million pounds",
    "−3 °C": "minus three degrees Celsius",
    "0.5": "zero point five",
    "the 1990s": "the nineteen nineties",
    "~5 men": "approximately five men",
    "5'10\"": "five feet ten inches",
    "100 ft. tall": "one hundred feet tall",
    "Prof. Jones vs. Gen. Lee": "professor Jones versus general Lee",
    "#1 & #2": "hash one and hash two",
    "a/b \\ *z*": "a slash b backslash asterisk z asterisk",
    "me@example.com": "me at example dot com",
    "5 μm, 5 µm": "five micrometers, five micrometers",
    "4 × 5 ÷ 2": "four times five divided by two",
    "٣ dogs": "three dogs",
    "smile 😀, ☂": "smile grinning face, umbrella",
    "５０％": "fifty percent",
    "10\u00a0000 men": "ten thousand men",
    "1\ufe0f\u20e3": "one",
}


@needs_library
@pytest.mark.parametrize("text, expected", SPOKEN.items(), ids=ascii)
def test_what_is_written_is_spoken(text, expected):
    assert speak_out(text) == expected


PLAIN = {
    "It’s “well-known” – isn‘t it…": "It's \"well-known\" — isn't it...",
    "The dog. Then I left. He did, too.": "The dog. Then I left. He did, too.",
    "naïve Zoë's Æsir": "naïve Zoë's Æsir",
    "cafe\u0301": "café",
    "an oﬃce, ＯＫ": "an office, OK",
    "‹a›, donʼt, don`t": "\"a\", don't, don't",
    "\x00hi\x01there\x7f\u200b": "hi there",
    "one\ntwo\n\nthree\r\n": "one\ntwo\n\nthree",
    "[sic] {so}": "(sic) (so)",
    "a\u00a0b\u2003c": "a b c",
}


@pytest.mark.parametrize("text, expected", PLAIN.items(), ids=ascii)
def test_plain_words_need_no_library(text, expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "kitten_text_processing", None)
    assert speak_out(text) == expected


def test_every_dash_and_quote_is_a_mark():
    assert speak_out("‘a’ “b” «c» – d ― e‐f…") == '\'a\' "b" "c" — d — e-f...'


@needs_library
def test_every_symbol_is_said_or_is_a_mark():
    symbols = "#$%&*+/<=>@\\^_`{|}~§©°±²½¿×ß÷–‰™→∞√≤⌘①Ⅷ☂♥✓😀🏽"
    for symbol in symbols:
        spoken = speak_out(f"the {symbol} men")
        assert not set(spoken) & set(symbols) - {"ß"}
        between = spoken.removeprefix("the").removesuffix("men").strip()
        assert between, f"{symbol} is dropped"
        assert all(unicodedata.category(c)[0] in "LPZ" for c in between)
        assert not any(c.isdigit() for c in between)


def test_only_marks_and_words_come_out():
    spoken = speak_out("“A—b”, [c]; d: e. f! g? 'h' i-j…\n\nk")
    assert set(spoken) - set(MARKS + "'- \n") <= set("Abcdefghijk")


@pytest.mark.parametrize(
    "text, letters",
    [
        ("Привет 5", "'П', 'в', 'е'"),
        ("北京", "'京', '北'"),
        ("a \ue000 b", "'\\ue000'"),
        ("a \ud800 b", "'\\ud800'"),
    ],
    ids=ascii,
)
def test_another_script_is_refused(text, letters):
    with pytest.raises(ValueError, match="must be English in Latin") as e:
        speak_out(text)
    assert f"got {letters}" in str(e.value)
    assert "frontend: espeak" in str(e.value)


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    from sb_sma.data.text import normalize

    monkeypatch.setitem(sys.modules, "kitten_text_processing", None)
    normalize._library.cache_clear()
    with pytest.raises(ImportError, match=r"pip install 'sb_sma\[text\]'"):
        speak_out("5 dogs")


@needs_library
def test_pieces_are_spoken_as_they_stand():
    text = "There 5 dogs ran.\n\nThen 6 cats came; 7 of them slept! And 8?"
    assert speak_out(text) == (
        "There five dogs ran.\n\nThen six cats came; seven of them slept! "
        "And eight?"
    )
