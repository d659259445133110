"""The text grammar: kinds, shares, uniqueness, phoneme coverage."""

import re
from collections import Counter

import numpy as np
import pytest

from sb_sma.data.espeak.phrases import PhraseGrammar
from sb_sma.data.espeak.text_grammar import (
    LONGEST_PARAGRAPH,
    TextGrammar,
    generate_texts,
)
from sb_sma.data.espeak.voice import is_speakable, phonemize


def words_of(text):
    return re.findall(r"[\w']+", text.casefold())


@pytest.fixture(scope="module")
def texts():
    return generate_texts(4000, seed=3)


@pytest.fixture(scope="module")
def kinds():
    grammar = TextGrammar(seed=5)
    return {
        kind: [grammar.draw(kind) for _ in range(200)] for kind in grammar.KINDS
    }


def test_no_two_texts_say_the_same(texts):
    keys = {
        " ".join(
            "".join(c for c in t.casefold() if c.isalnum() or c == " ").split()
        )
        for t in texts
    }
    assert len(keys) == len(texts) == 4000


def test_every_text_can_be_spoken(texts):
    assert all(is_speakable(text) for text in texts)
    assert all(text == text.strip() for text in texts)
    assert max(len(text) for text in texts) <= LONGEST_PARAGRAPH + 50


def test_seed_decides_and_a_larger_count_continues(texts):
    assert generate_texts(50, seed=3) == texts[:50]
    assert generate_texts(50, seed=4) != texts[:50]
    assert generate_texts(0, seed=3) == []


def test_shares_of_the_kinds(monkeypatch):
    assert sum(TextGrammar.KINDS.values()) == pytest.approx(1)
    drawn = Counter()
    grammar = TextGrammar(seed=1)
    for kind, make in list(grammar.makers.items()):

        def counted(kind=kind, make=make):
            drawn[kind] += 1
            return make()

        grammar.makers[kind] = counted
    for _ in range(2000):
        grammar.draw()
    for kind, share in TextGrammar.KINDS.items():
        assert drawn[kind] / 2000 == pytest.approx(share, abs=0.03), kind


def test_words_stand_alone(kinds):
    assert all(" " not in text for text in kinds["word"])


def test_repetitions_repeat_a_word(kinds):
    for text in kinds["repetition"]:
        assert max(Counter(words_of(text)).values()) >= 2, text


def test_codes_are_of_digits_letters_dates_and_times(kinds):
    for text in kinds["code"]:
        assert re.search(r"\d|\b[A-Z]\b|^[A-Z]+\.?$", text), text
    assert any(re.fullmatch(r"\d( \d)+\.?", text) for text in kinds["code"])
    assert any(re.fullmatch(r"[A-Z]( [A-Z])+", text) for text in kinds["code"])
    assert any(re.search(r"\d:\d\d", text) for text in kinds["code"])
    assert any(re.search(r"[a-z] \d+, \d{4}", text) for text in kinds["code"])


def test_syllables_are_of_letters_and_few(kinds):
    vowels_alone = 0
    for text in kinds["syllables"]:
        parts = re.findall(r"[a-z]+", text.casefold())
        assert 2 <= len(parts) <= 7 and max(map(len, parts)) <= 9, text
        vowels_alone += any(set(part) <= set("aeiou") for part in parts)
    assert vowels_alone > 100


def test_punctuation_stands_where_it_is_unusual(kinds):
    unusual = re.compile(
        r"[a-z][;,/][a-z]|[([{\"'*].*[a-z]|^(!|\?|\.|-)|[!?]{2}|\.\.\.| -- |[;:] "
    )
    marked = [text for text in kinds["punctuation"] if unusual.search(text)]
    assert len(marked) > 150
    assert any(text.startswith("!!! ") for text in marked)
    assert any(text.startswith("[ ") for text in marked)


def test_questions_and_exclamations_end_with_their_mark(kinds):
    marks = Counter(text[-1] for text in kinds["question"])
    assert set(marks) == {"?", "!"}
    assert marks["?"] > 120
    assert all(text.endswith("!") for text in kinds["exclamation"])


def test_enumerations_have_at_least_three_items(kinds):
    for text in kinds["enumeration"]:
        assert len(re.split(r",| and | or ", text)) >= 3, text


def test_paragraphs_are_long_and_bounded(kinds):
    lengths = [len(text) for text in kinds["paragraph"]]
    assert max(lengths) <= LONGEST_PARAGRAPH
    assert min(lengths) > 100
    assert any("\n" in text for text in kinds["paragraph"])


def test_sentences_have_unusual_punctuation(kinds):
    content = " ".join(kinds["sentence"])
    for mark in (",", ";", ":", "(", '"', "...", "…", " - ", "--", "—", "."):
        assert mark in content, mark


def test_unknown_kind_is_an_error_that_lists_the_kinds():
    with pytest.raises(ValueError, match="kind must be one of word, repet"):
        TextGrammar(seed=1).draw("poem")


def test_kind_without_new_texts_is_an_error():
    grammar = TextGrammar(seed=1)
    grammar.makers["word"] = lambda: "only"
    assert grammar.draw("word") == "only"
    with pytest.raises(ValueError, match="a new text of the kind 'word'"):
        grammar.draw("word")
    # another kind goes on
    grammar.draw("sentence")


def test_negative_count_is_an_error():
    with pytest.raises(ValueError, match="count must be at least 0; got -1"):
        generate_texts(-1, seed=1)


@pytest.mark.parametrize(
    "forms, expected",
    [
        (("carry", "carried"), "carrying"),
        (("drop", "dropped"), "dropping"),
        (("win", "won"), "winning"),
        (("lie", "lay"), "lying"),
        (("make", "made"), "making"),
        (("see", "saw"), "seeing"),
        (("open", "opened"), "opening"),
    ],
)
def test_present_participle(forms, expected):
    assert PhraseGrammar._present_participle(forms) == expected


def test_word_list_is_large_and_has_nothing_twice():
    words = PhraseGrammar(seed=1).words
    assert (
        len({str(word) for section in words.values() for word in section})
        > 1200
    )
    for section, content in words.items():
        assert len(content) == len(set(content)), section
        pairs = section in ("verb", "intransitive", "irregular")
        assert all(isinstance(word, tuple) == pairs for word in content)


def test_tokens_cover_real_sentences(texts, shared):
    covered = {t for text in texts[:600] for t in phonemize(text)}
    lines = (shared / "data" / "ljspeech-transcripts.csv").read_text("utf-8")
    sentences = [line.split("|")[2] for line in lines.splitlines()[::130]]
    spoken = Counter(t for s in sentences for t in phonemize(s))
    unseen = sum(n for t, n in spoken.items() if t not in covered)
    assert len(spoken) > 80
    assert unseen / sum(spoken.values()) < 5e-4


def test_most_of_the_word_list_is_used(texts):
    used = {word for text in texts for word in words_of(text)}
    for section, words in PhraseGrammar(seed=1).words.items():
        if section == "irregular":
            continue
        flat = {w for word in words for w in np.atleast_1d(word)}
        share = np.mean([word.casefold() in used for word in flat])
        assert share > 0.8, section
