"""Words become indices; what training lacks is replaced, counted or refused."""

import copy
import json
import logging
import pickle

import pytest
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.data.lexicon.tokenizers import (
    TOKENIZERS,
    CharacterTokenizer,
    SentencePieceTokenizer,
    make_grapheme_tokenizer,
)
from sb_sma.data.spelling import clusters, nearest_spelling

ENGLISH = "abcdefghijklmnopqrstuvwxyz'-"
WORDS = ["banana", "ban", "nab", "cabana", "bandana", "an", "can", "dab"]
KINDS = {
    "characters": lambda: CharacterTokenizer(),
    "bpe": lambda: SentencePieceTokenizer("bpe", vocab_size=8),
    "unigram": lambda: SentencePieceTokenizer("unigram", vocab_size=8),
}


def fitted(kind="characters", words=WORDS, languages=None):
    tokenizer = KINDS[kind]()
    tokenizer.fit(words, languages)
    return tokenizer


def test_characters_follow_padding_and_unknown():
    tokenizer = fitted()
    assert tokenizer.symbols == ["a", "b", "c", "d", "n"]
    assert len(tokenizer) == 7
    assert tokenizer.pieces("dab") == ["d", "a", "b"]
    assert tokenizer.encode("dab") == [5, 2, 3]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_sentencepieces_cover_the_word_and_come_in_the_wanted_number(kind):
    tokenizer = fitted(kind)
    assert len(tokenizer.symbols) == 8 and len(tokenizer) == 10
    for word in [*WORDS, "dddd", "ccab"]:
        assert "".join(tokenizer.pieces(word)) == word
        indices = tokenizer.encode(word)
        assert tokenizer.decode(indices) == tokenizer.pieces(word)
    assert len(tokenizer.pieces("banana")) < 6


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_sentencepiece_is_deterministic_and_quiet(kind, capfd, tmp_path):
    for name in ("a", "b"):
        fitted(kind).save(tmp_path / name)
    assert capfd.readouterr() == ("", "")
    files = [tmp_path / name for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_the_start_of_a_word_can_be_marked(kind):
    tokenizer = SentencePieceTokenizer(kind, vocab_size=9, mark_start=True)
    tokenizer.fit(WORDS)
    for word in [*WORDS, "dddd", "ccab"]:
        assert "".join(tokenizer.pieces(word)) == f"▁{word}"
    tokenizer = SentencePieceTokenizer(kind, vocab_size=5, mark_start=True)
    with pytest.raises(ValueError, match="number of characters, 6; got 5"):
        tokenizer.fit(WORDS)


def test_a_piece_that_training_does_not_use_is_cut(tmp_path):
    words = ["hundred"] * 9 + ["u", "n", "d", "h"]
    tokenizer = SentencePieceTokenizer("bpe", vocab_size=12)
    tokenizer.fit(words)
    assert "dred" in tokenizer.symbols
    assert tokenizer.pieces("hundred") == ["hundred"]
    assert tokenizer.pieces("dred") == list("dred")
    tokenizer.save(tmp_path / "saved")
    loaded = SentencePieceTokenizer("bpe", vocab_size=12)
    loaded.load(tmp_path / "saved")
    assert loaded.pieces("dred") == list("dred")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_space_is_a_grapheme_like_others(kind):
    tokenizer = SentencePieceTokenizer(kind, vocab_size=5)
    tokenizer.fit(["an a", "a na", "na", "a n", "nan an"])
    assert "".join(tokenizer.pieces("n an")) == "n▁an"
    assert 1 not in tokenizer.encode("n an")


@pytest.mark.parametrize(
    "vocab_size, message",
    [
        (4, "must be at least the number of characters, 5; got 4. Raise it"),
        (900, r"at most what the training words give, \d+; got 900. Lower it"),
    ],
)
@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_vocab_size_that_the_words_cannot_give(model_type, vocab_size, message):
    tokenizer = SentencePieceTokenizer(model_type, vocab_size)
    with pytest.raises(ValueError, match=f"vocab_size .*{message}") as e:
        tokenizer.fit(WORDS)
    if vocab_size == 900:
        most = int(str(e.value).split("give, ")[1].split(";")[0])
        SentencePieceTokenizer(model_type, most).fit(WORDS)


FALLBACKS = {
    "capital": ("A", "a"),
    "capital with diacritic": ("É", "e"),
    "diacritic": ("ö", "o"),
    "decomposed": ("e\u0301", "e"),
    "two marks": ("ế", "e"),
    "cedilla": ("ç", "c"),
    "slashed o": ("ø", "o"),
    "capital slashed o": ("Ø", "o"),
    "slashed o with accent": ("ǿ", "o"),
    "sharp s": ("ß", "ss"),
    "ash": ("æ", "ae"),
    "ligature": ("ﬁ", "fi"),
    "full width": ("Ａ", "a"),
    "dotted capital i": ("İ", "i"),
    "curly apostrophe": ("’", "'"),
    "Cyrillic": ("я", None),
    "Greek": ("ά", None),
    "kana": ("が", None),
    "digit": ("7", None),
    "mark alone": ("\u0301", None),
    "NUL": ("\0", None),
    "space": (" ", None),
}


@pytest.mark.parametrize("cluster, spelling", FALLBACKS.values(), ids=FALLBACKS)
def test_fallback(cluster, spelling):
    assert nearest_spelling(cluster, ENGLISH) == spelling


def test_fallback_takes_the_nearest():
    assert nearest_spelling("Ö", "oOöÖ") == "Ö"
    assert nearest_spelling("Ö", "oOö") == "ö"
    assert nearest_spelling("o\u0308", "oö") == "ö"
    assert nearest_spelling("ö", "oö\u0308") == "ö"
    assert nearest_spelling("ö", "o\u0308") == "o\u0308"
    # kieuk at the end of a syllable, where it sounds as kiyeok
    assert nearest_spelling("\u11bf", "\u110f\u11a8") == "\u11a8"
    # what may stand in a word and has no sound
    assert [nearest_spelling(mark, "ab") for mark in "'’-‐."] == [""] * 5
    # a sound mark is no diacritic: ga is not ka
    assert nearest_spelling("が", "か") is None


def test_clusters_join_to_the_word():
    for word in ["", "a", "e\u0301a\u0323\u0302", "\u0301a", "ភាសា"]:
        assert "".join(clusters(word)) == word
    assert list(clusters("e\u0301ab")) == ["e\u0301", "a", "b"]


@pytest.mark.parametrize("kind", KINDS)
def test_fallbacks_are_counted_and_logged_once(kind, caplog):
    tokenizer = fitted(kind)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert tokenizer.encode("Bañana") == tokenizer.encode("banana")
    # a capital is no news
    assert tokenizer.fallbacks == {"ñ": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "Training has no 'ñ'; it is read as 'n'."
    ]


def test_apostrophes_that_training_lacks_are_left_out(caplog):
    tokenizer = fitted()
    assert tokenizer.encode("ba’n-d.") == tokenizer.encode("band")
    assert tokenizer.fallbacks == {"’": 1, "-": 1, ".": 1}
    assert "Training has no '’'; it is left out." in caplog.text
    with pytest.raises(ValueError, match="must have a letter; got '’'"):
        tokenizer.encode("’")


def test_trained_words_are_used_as_they_are():
    tokenizer = fitted(words=["Éa", "e\u0301", "ß"])
    for word in ["Éa", "e\u0301", "ß"]:
        assert "".join(tokenizer.pieces(word)) == word
    assert not tokenizer.fallbacks


def test_decompose_takes_syllables_and_letters_apart():
    tokenizer = CharacterTokenizer(decompose=True)
    tokenizer.fit(["한글", "é"])
    assert "".join(tokenizer.pieces("é")) == "e\u0301"
    # a syllable that training has not, of letters that it has
    assert len(tokenizer.encode("근")) == 3
    assert not tokenizer.fallbacks
    plain = fitted(words=["한글"])
    with pytest.raises(ValueError, match="has '근'"):
        plain.encode("근")


BAD_WORDS = {
    "empty": ("", "A word must have a letter; got ''"),
    "blank": (" ", "A word must have a letter; got ' '"),
    "long": ("a" * 200, "at most 100 characters; got 200: 'aaaaaaaaaaaaaaaa"),
    "script": ("banяna", "The word 'banяna' has 'я', which is neither"),
    "digit": ("ban4", "'ban4' has '4'.* spell it with abcdn"),
    "NUL": ("a\0", r"has '\\x00'"),
}


@pytest.mark.parametrize("word, message", BAD_WORDS.values(), ids=BAD_WORDS)
@pytest.mark.parametrize("kind", ["characters", "bpe"])
def test_bad_words_are_refused(kind, word, message):
    with pytest.raises(ValueError, match=message):
        fitted(kind).encode(word)


def test_unfitted_tokenizer_says_so():
    with pytest.raises(ValueError, match="must be fitted or loaded first"):
        CharacterTokenizer().encode("a")


@pytest.mark.parametrize("kind", KINDS)
def test_language_token_comes_first_where_there_are_several(kind):
    languages = ["fre", "eng_us"] * 4
    tokenizer = fitted(kind, languages=languages)
    assert tokenizer.languages == ["eng_us", "fre"]
    assert tokenizer.symbols[:2] == ["<eng_us>", "<fre>"]
    alone = fitted(kind)
    assert tokenizer.encode("ban", "fre") == [
        3,
        *(index + 2 for index in alone.encode("ban")),
    ]
    assert tokenizer.pieces("ban") == alone.pieces("ban")
    for wrong, got in ((None, "none"), ("ger", "'ger'")):
        with pytest.raises(
            ValueError, match=rf"\(eng_us, fre\); got {got}. Name one"
        ):
            tokenizer.encode("ban", wrong)


def test_one_language_needs_no_token():
    tokenizer = fitted(languages=["fre"] * len(WORDS))
    assert tokenizer.encode("ban", "fre") == tokenizer.encode("ban")
    assert tokenizer.symbols == fitted().symbols
    with pytest.raises(ValueError, match=r"\(fre\); got 'ger'. Leave it out"):
        tokenizer.encode("ban", "ger")
    with pytest.raises(ValueError, match=r"\(none\); got 'fre'. Leave it out"):
        fitted().encode("ban", "fre")


@pytest.mark.parametrize(
    "words, languages, message",
    [
        ([], None, "words must hold at least one word .* got 0 and 0"),
        (["a", "b"], ["fre"], "as many codes; got 2 and 1"),
        (["a", "b"], ["fre", None], "got 1 of 2 without. Add the missing"),
    ],
)
def test_fit_refuses(words, languages, message):
    with pytest.raises(ValueError, match=message):
        CharacterTokenizer().fit(words, languages)


def same(first, second):
    return (
        first.symbols == second.symbols
        and first.languages == second.languages
        and first.decompose == second.decompose
        and all(
            first.encode(word, "fre") == second.encode(word, "fre")
            for word in [*WORDS, "CABANÁ"]
        )
    )


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_tokenizer_is_the_same(kind, tmp_path):
    tokenizer = fitted(kind, languages=["fre", "ita"] * 4)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = KINDS[kind]()
    loaded.load(tmp_path / "tokenizer.json")
    assert same(loaded, tokenizer)
    for copied in (
        pickle.loads(pickle.dumps(tokenizer)),
        copy.deepcopy(tokenizer),
    ):
        assert same(copied, tokenizer)


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_lives_in_checkpoints(kind, tmp_path):
    tokenizer = fitted(kind, languages=["fre", "ita"] * 4)
    Checkpointer(tmp_path, {"tokenizer": tokenizer}).save_checkpoint()
    other = KINDS[kind]()
    Checkpointer(tmp_path, {"tokenizer": other}).recover_if_possible()
    assert same(other, tokenizer)


def test_decompose_is_saved(tmp_path):
    tokenizer = CharacterTokenizer(decompose=True)
    tokenizer.fit(["é"])
    tokenizer.save(tmp_path / "t")
    loaded = CharacterTokenizer()
    loaded.load(tmp_path / "t")
    assert loaded.encode("é") == [2, 3]
    assert not loaded.fallbacks


def test_a_tokenizer_of_another_kind_is_not_loaded(tmp_path):
    fitted().save(tmp_path / "t")
    with pytest.raises(
        ValueError, match="of the kind sentencepiece; got characters"
    ):
        SentencePieceTokenizer().load(tmp_path / "t")


def test_yaml_word_chooses():
    options = {"sentencepiece": {"model_type": "bpe", "vocab_size": 8}}
    made = make_grapheme_tokenizer("sentencepiece", options)
    assert (made.model_type, made.vocab_size) == ("bpe", 8)
    assert isinstance(
        make_grapheme_tokenizer("characters", options), CharacterTokenizer
    )
    assert set(TOKENIZERS) == {"characters", "sentencepiece", "hinted"}
    with pytest.raises(
        ValueError, match="characters, sentencepiece, hinted; got 'bytes'"
    ):
        make_grapheme_tokenizer("bytes")
    with pytest.raises(ValueError, match="one of unigram, bpe; got 'word'"):
        make_grapheme_tokenizer(
            "sentencepiece", {"sentencepiece": {"model_type": "word"}}
        )


@pytest.mark.parametrize("vocab_size", [None, "x", 0, 2.5, True])
def test_a_number_of_pieces_is_a_count(vocab_size):
    with pytest.raises(ValueError, match="1 or more; got "):
        SentencePieceTokenizer("bpe", vocab_size)


@pytest.mark.parametrize(
    "kind", [CharacterTokenizer, SentencePieceTokenizer], ids=lambda k: k.kind
)
def test_a_word_may_be_read_from_its_end(kind, tmp_path):
    options = {} if kind is CharacterTokenizer else {"vocab_size": 6}
    forwards, backwards = kind(**options), kind(**options, backwards=True)
    for tokenizer in (forwards, backwards):
        tokenizer.fit(["banana", "ban", "nab"], ["one", "two", "two"])
    language, *indices = forwards.encode("nabana", "two")
    # what tells the language still comes first
    assert backwards.encode("nabana", "two") == [language, *indices[::-1]]
    assert backwards.pieces("nabana") == forwards.pieces("nabana")
    backwards.save(tmp_path / "saved")
    loaded = kind(**options)
    loaded.load(tmp_path / "saved")
    assert loaded.backwards
    assert loaded.encode("ban", "one") == backwards.encode("ban", "one")


def test_a_file_without_a_direction_is_read_forwards(tmp_path):
    tokenizer = CharacterTokenizer()
    tokenizer.fit(["ab"])
    content = tokenizer.content()
    del content["backwards"]
    (tmp_path / "old").write_text(json.dumps(content))
    for loaded in (tokenizer, CharacterTokenizer()):
        loaded.load(tmp_path / "old")
        assert loaded.encode("ab") == [2, 3]
