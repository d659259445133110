"""Phonemes as indices, and back."""

import pytest

from sb_sma.data import phonemes


def test_indices_come_back_as_phonemes():
    table = phonemes.PhonemeTable(["AH", "B", "K"])
    indices = table.encode(["K", "AH", "B"])
    assert indices[-1] == phonemes.END and len(indices) == 4
    assert sorted(indices[:-1]) == [2, 3, 4] and len(table) == 5
    assert table.decode([*indices, 0, 0]) == ["K", "AH", "B"]
    assert "B" in table and "D" not in table


def test_a_model_may_say_the_last_phoneme_first():
    table = phonemes.PhonemeTable(["AH", "B", "K"], backwards=True)
    word = ["K", "AH", "B"]
    indices = table.encode(iter(word))
    assert indices == [3, 2, 4, phonemes.END]
    assert table.decode(indices) == word
    assert table.as_said(word) == ["B", "AH", "K"]


def test_an_unknown_phoneme_is_named():
    table = phonemes.PhonemeTable(["AH"])
    with pytest.raises(ValueError, match="got B, K. Correct"):
        table.encode(["K", "AH", "B"])


@pytest.mark.parametrize("symbols", [["AH", "AH"], ["AH", ""]])
def test_symbols_must_differ(symbols):
    with pytest.raises(ValueError, match="must be phonemes that differ"):
        phonemes.PhonemeTable(symbols)


def test_an_index_beyond_the_table_is_refused():
    table = phonemes.PhonemeTable(["AH"])
    with pytest.raises(ValueError, match="of a table of 3; got 3"):
        table.decode([2, 3, phonemes.END])
