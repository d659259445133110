"""Who speaks a corpus, and what is wrong with that, before training starts."""

import pytest

from sb_sma.data.speech.speakers import SpeakerTable, find_speakers, speaker_of


def manifests_of(train, valid=("anna",), test=("anna",)):
    return {
        split: {
            f"{split}{i}": {"voice": None}
            if name is None
            else {"voice": None, "speaker": name}
            for i, name in enumerate(names)
        }
        for split, names in (("train", train), ("valid", valid), ("test", test))
    }


def test_a_name_comes_before_the_voice_of_espeak():
    assert speaker_of({"voice": "en-us", "speaker": "anna"}) == "anna"
    assert speaker_of({"voice": "en-us"}) == "en-us"
    assert speaker_of({"voice": None}) is None


def test_the_table_is_sorted_whatever_the_order_of_the_corpus():
    for names in (["carl", "anna", "ben", "anna"], ["ben", "anna", "carl"]):
        table = find_speakers(manifests_of(names), n_speakers=5)
        assert table.names == ["anna", "ben", "carl"]
        assert table.encode(["carl", "anna"]) == [2, 0]


def test_a_model_without_speakers_takes_any_corpus():
    manifests = manifests_of(["anna", "ben", None])
    assert find_speakers(manifests, n_speakers=0).names == []


def test_speakers_who_become_one_voice_are_told(caplog):
    find_speakers(manifests_of(["anna", "anna"]), n_speakers=0)
    find_speakers({"train": {"a": {"voice": "en"}, "b": {"voice": "de"}}}, 0)
    assert caplog.text == ""
    find_speakers(manifests_of(["anna", "ben", None]), n_speakers=0)
    assert "names 2 speakers" in caplog.text
    assert "one voice: anna, ben. Train with --speakers=2" in caplog.text


def test_more_speakers_than_room_are_refused():
    manifests = manifests_of(["anna", "ben", "carl"])
    assert len(find_speakers(manifests, n_speakers=3).names) == 3
    with pytest.raises(
        ValueError,
        match="The corpus has 3 speakers, the model room for 2: anna, ben, "
        "carl. Give speakers: 3 or more",
    ):
        find_speakers(manifests, n_speakers=2)


def test_utterances_without_a_speaker_are_named():
    manifests = manifests_of(["anna", None, "ben"], test=[None])
    with pytest.raises(
        ValueError,
        match="a speaker for speakers: 2; 2 have none: train1, test0. Give a "
        "manifest with a column speaker, or --speakers=0",
    ):
        find_speakers(manifests, n_speakers=2)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_speaker_who_is_not_in_training_is_named(split):
    manifests = manifests_of(["anna", "ben"], **{split: ["anna", "carl"]})
    with pytest.raises(
        ValueError, match="must be in training; in valid or test alone: carl"
    ):
        find_speakers(manifests, n_speakers=3)


def test_who_is_known_already_need_not_be_in_training():
    manifests = manifests_of(["ben"], valid=["zoe"], test=["ben"])
    table = find_speakers(manifests, n_speakers=3, known=["zoe", "carl"])
    assert table.names == ["zoe", "carl", "ben"]


def test_an_unknown_name_lists_the_names():
    with pytest.raises(
        ValueError, match="speaker must be one of anna, ben; got 'Anna'"
    ):
        SpeakerTable(["anna", "ben"]).encode(["ben", "Anna"])


def test_a_model_without_speakers_knows_no_name():
    with pytest.raises(
        ValueError, match="for a model without speakers; got 'anna'. Train"
    ):
        SpeakerTable([]).encode(["anna"])
