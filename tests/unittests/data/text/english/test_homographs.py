"""Words that are said in several ways are said in the one that is meant."""

import pytest

from benchmarks.claims.homographs import LISTS, measure
from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.data.text.english.homographs import (
    _MORE,
    HOMOGRAPHS,
    Place,
    choose,
    is_verb,
)
from sb_sma.data.text.pronounce import Pronouncer


@pytest.mark.parametrize("name, least", [("dev", 0.95), ("test", 0.85)])
def test_the_lists_of_sentences(name, least):
    figures = measure(LISTS / f"homographs_{name}.tsv")
    assert figures["right"] >= least * figures["sentences"]
    assert figures["first_entry_right"] <= 0.6 * figures["sentences"]


@pytest.mark.parametrize(
    "sentence, expected",
    [
        ("they will soon *permit* it", True),
        ("a work *permit* is needed", False),
        ("due to *conflict* at home", False),
        ("would the guests *object* to it", True),
        ("the fans *protest* the decision", True),
        ("in *protest* they left", False),
    ],
)
def test_verbs_are_told_from_nouns(sentence, expected):
    words = sentence.split()
    index = next(i for i, word in enumerate(words) if word.startswith("*"))
    words[index] = words[index].strip("*")
    assert is_verb(Place(words, index)) == expected


def test_only_what_the_lexicon_has_is_said():
    place = Place("I will record it".split(), 2)
    own = [["R", "EH1", "K"]]
    assert choose(place, own) == own[0]
    # without stress, or in other phonemes, the first
    own = [["r", "ɛ", "k"], ["r", "ɪ", "k"]]
    assert choose(place, own) == own[0]
    pronouncer = Pronouncer({"record": [["R", "EH1", "K"]]}, lambda words: [])
    assert pronouncer.pronounce(["record"]) == [["R", "EH1", "K"]]


def test_every_homograph_has_a_choice_wherever_it_stands():
    lexicon = Cmudict()
    known = [word for word in HOMOGRAPHS if len(lexicon.get(word, ())) > 1]
    assert len(known) > 150
    for word in known:
        for words in ([word], ["the", word, "of"], ["they", "will", word]):
            place = Place(words, words.index(word))
            said = choose(place, lexicon[word])
            assert said in (*lexicon[word], _MORE.get(word))


def test_stress_is_left_out_where_the_model_has_none():
    pronouncer = Pronouncer(Cmudict(), lambda words: [], keep_stress=False)
    (*_, (_, said)) = pronouncer.words("They want to record.")
    assert said == ["R", "AH", "K", "AO", "R", "D"]
