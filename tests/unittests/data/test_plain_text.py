"""The same text is read alike, in whatever characters it is written."""

import unicodedata

import pytest

from sb_sma.data.espeak.text_grammar import generate_texts
from sb_sma.data.plain_text import plain_text

PLAIN = {
    "decomposed letters": ("cafe\u0301 Mu\u0308ller", "café Müller"),
    "digits of full width": ("３ cats, 10２", "3 cats, 102"),
    "other digits": ("٣ ۳ ३ ৩ 𝟑", "3 3 3 3 3"),
    "signs of full width": ("５０％ ＆ ＄５ ＃１ ３／４", "50% & $5 #1 3/4"),
    "letters of full width": ("ＯＫ ｏｋ", "OK ok"),
    "mathematical letters": ("𝐇𝐞𝐥𝐥𝐨", "Hello"),
    "ligatures": ("oﬃce ﬁne", "office fine"),
    "Arabic shapes": ("ﺍﻟﺴﻼﻡ", "السلام"),
    "half width": ("ｶﾞｷﾞ", "ガギ"),
    "Roman numerals": ("Ⅷ ⅳ", "VIII iv"),
    "enclosed": ("①, 5㎏", " 1 , 5 kg "),
    "spaces": ("a\u00a0b\u2003c\u3000d\te", "a b c d e"),
    "line ends": ("a\u2028b\u2029c\r\nd", "a\nb\nc \nd"),
    "control characters": ("a\x00b\x1bc\x7f", "a b c "),
    "invisible": ("\ufeffhel\u00adlo\u200b wo\u200brld\u200e", "hello world"),
    "thousands": ("10\u00a0000 1\u202f234\u202f567", "10000 1234567"),
    "no thousands": ("01\u00a0234 5\u00a0cats", "01 234 5 cats"),
    "within numbers": ("３．５ １２：３０ １，０００", "3.5 12:30 1,000"),
    "Arabic numbers": ("١٬٢٣٤٫٥ ٥٠٪", "1,234.5 50%"),
    "apostrophes": ("donʼt don＇t don‛t don`t", "don't don't don't don't"),
    "hyphens": ("well‐known twenty‑one", "well-known twenty-one"),
    "slashes": ("3⁄4 1∕2", "3/4 1/2"),
}


@pytest.mark.parametrize("text, plain", PLAIN.values(), ids=PLAIN)
def test_one_way_to_write(text, plain):
    assert plain_text(text) == plain
    assert plain_text(plain) == plain


@pytest.mark.parametrize(
    "text",
    [
        "It’s “well-known” – isn’t it… 5 % of ½, 10², ™ № 5, 5 µm −3 «a»",
        # what ends a clause without a space after it
        "你好，世界！（真的）好？好：好；好。",
        "あ、い。ラーメン",
        # joiners and ends of words that decide on the sound
        "می‌خواهم",
        "क्‍ष ශ්‍රී",
        "สวัสดี\u200bครับ น้ำ",
        # what an emoji is
        "☂\ufe0f 👨\u200d👩\u200d👧 👍🏽",
        # a question mark, which NFC holds to be a semicolon
        "τι\u037e",
        "col·lecció 1º 1ª Hawaiʻi ㅋㅋ",
        "",
    ],
)
def test_what_is_read_as_it_is_stays(text):
    assert plain_text(text) == text


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    "text",
    ["tiếng Việt", "żółć", "Ångström", "İstanbul", "한국어", "がぎ", "й"],
)
def test_composed_and_decomposed_are_one(text, form):
    assert plain_text(unicodedata.normalize(form, text)) == text


def test_the_texts_of_the_embedded_corpus_stay():
    texts = generate_texts(3000, seed=1)
    assert list(map(plain_text, texts)) == texts
