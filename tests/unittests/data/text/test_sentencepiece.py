"""Texts become pieces of words that the training texts taught."""

import itertools
import logging
import pickle
import re

import pytest

from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.text.frontends import CharacterFrontend
from sb_sma.data.text.sentencepiece import SentencePieceFrontend

TEXTS = [
    "The old man walked to the sea, and the sea was old.",
    "Two hundred and five men talked; the others walked.",
    "What was told to the men was not told to the others!",
]
MODEL_TYPES = ("unigram", "bpe")


def fitted(model_type="unigram", vocab_size=24, texts=TEXTS):
    return SentencePieceFrontend(model_type, vocab_size).fit(texts)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("text", [*TEXTS, "A new one: the Sultan's?"])
def test_pieces_spell_the_words(model_type, text):
    """A space of the letters is the ▁ at the start of a word."""
    letters = CharacterFrontend().tokens(text)
    # training has no apostrophe
    text, letters = text.replace("'", ""), [t for t in letters if t != "'"]
    tokens = fitted(model_type).tokens(text)
    assert len(tokens) < len(letters)
    assert [t for t in tokens if t in (PAUSE, END)] == [
        t for t in letters if t in (PAUSE, END)
    ]
    spelled = "".join(t for t in tokens if t not in (PAUSE, END))
    words = [
        "".join(group)
        for is_word, group in itertools.groupby(
            letters, lambda t: t not in (PAUSE, END, " ")
        )
        if is_word
    ]
    assert spelled == "".join(f"▁{word}" for word in words)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_the_pieces_are_as_many_as_wanted(model_type):
    frontend = fitted(model_type, vocab_size=22)
    tokens = {t for text in TEXTS for t in frontend.tokens(text)}
    assert len(tokens - {PAUSE, END}) <= 22
    assert any(len(token.strip("▁")) > 1 for token in tokens - {PAUSE, END})


def test_numbers_are_spoken_out_in_texts_and_while_learning():
    in_words = fitted(texts=TEXTS).identity()
    in_figures = [TEXTS[0], TEXTS[1].replace("Two hundred and five", "205")]
    in_figures.append(TEXTS[2])
    frontend = fitted(texts=in_figures)
    assert frontend.identity() == in_words
    assert frontend.tokens("205") == frontend.tokens("Two hundred and five")


def test_frequent_words_count_more():
    often = [*TEXTS, *["The sultan."] * 40]
    assert "▁sultan" in fitted(texts=often).tokens("sultan")
    once = [*TEXTS, "The sultan."]
    assert "▁sultan" not in fitted(texts=once).tokens("sultan")


def test_a_fitted_one_is_another_one():
    frontend = SentencePieceFrontend(vocab_size=24)
    identity = frontend.identity()
    with pytest.raises(ValueError, match="fitted or loaded first"):
        frontend.tokens("The sea.")
    assert frontend.fit(TEXTS).tokens("The sea.")
    assert frontend.identity() == identity
    with pytest.raises(ValueError, match="fitted or loaded first"):
        frontend.tokens("The sea.")


def test_identity_tells_what_changes_the_tokens():
    frontends = [
        SentencePieceFrontend(),
        SentencePieceFrontend("bpe"),
        SentencePieceFrontend(vocab_size=24),
        fitted(),
        fitted(texts=TEXTS[:2], vocab_size=24),
        fitted("bpe"),
    ]
    identities = [frontend.identity() for frontend in frontends]
    assert all(a != b for a, b in itertools.combinations(identities, 2))
    assert fitted().identity() == fitted().identity()


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_what_is_saved_reads_the_same(model_type, tmp_path):
    frontend = fitted(model_type)
    frontend.save(tmp_path)
    found = SentencePieceFrontend(model_type, 24).locate(tmp_path)
    assert found.identity() == frontend.identity()
    sent = pickle.loads(pickle.dumps(frontend))
    for text in [*TEXTS, "A new sultan and lesson."]:
        expected = frontend.tokens(text)
        assert found.tokens(text) == sent.tokens(text) == expected


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="sentencepiece.json; got no such"):
        SentencePieceFrontend().locate(tmp_path)


def test_unknown_characters_are_replaced_counted_or_refused(caplog):
    frontend = fitted()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert frontend.tokens("séa") == frontend.tokens("sea")
    assert caplog.messages == ["Training has no 'é'; it is read as 'e'."]
    with pytest.raises(ValueError, match="The word 'zoo' has 'z'.*neither"):
        frontend.tokens("The zoo.")


def test_bad_texts_are_passed_over_while_learning():
    bad = ["...", "Привет"]
    assert fitted(texts=[*bad, *TEXTS]).identity() == fitted().identity()
    with pytest.raises(ValueError, match="got none of 2. Mend them"):
        fitted(texts=bad)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize(
    "vocab_size, message",
    [
        (9, r"at least the number of characters, 18; got 9. Raise it"),
        (900, r"at most what the training words give, \d+; .* Lower it"),
    ],
)
def test_a_size_that_the_texts_cannot_give(model_type, vocab_size, message):
    with pytest.raises(ValueError, match=f"{message} .sentencepiece_size"):
        fitted(model_type, vocab_size)


def test_characters_in_longer_pieces_alone_are_told(caplog):
    fitted(vocab_size=19)
    assert caplog.text == ""
    frontend = fitted("bpe", vocab_size=50)
    (message,) = caplog.messages
    assert "A lower sentencepiece_size may help" in message
    heard = {token for text in TEXTS for token in frontend.tokens(text)}
    letters = {letter for text in TEXTS for letter in text.lower()} - {*" ,.;!"}
    hidden = letters - heard
    assert hidden
    assert [*re.findall("'(.)'", message)] == sorted(hidden)
