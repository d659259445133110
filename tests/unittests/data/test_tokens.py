"""Symbols become indices, and nothing unknown passes silently."""

import logging

import pytest

from sb_sma.data.tokens import PADDING, UNKNOWN, TokenTable


def test_symbols_follow_padding_and_unknown():
    table = TokenTable(["<pause>", "a", "ɹ", "<end>"])
    assert len(table) == 6
    assert table.symbols == ["<pause>", "a", "ɹ", "<end>"]
    assert table.encode(["a", "<end>", "<pause>", "ɹ", "a"]) == [3, 5, 2, 4, 3]


def test_known_symbols_raise_no_warning(caplog):
    assert TokenTable(["a"]).encode([]) == []
    TokenTable(["a"]).encode(["a"])
    assert caplog.records == []


def test_an_unknown_symbol_is_spoken_as_such_and_warned_about(caplog):
    with caplog.at_level(logging.WARNING):
        assert TokenTable(["a"]).encode(iter(["x", "a", "x", "b"])) == [
            1,
            2,
            1,
            1,
        ]
    assert [record.getMessage() for record in caplog.records] == [
        f"The model never heard '{token}'; spoken as '<unk>'."
        for token in ("b", "x")
    ]


def test_a_vowel_of_unknown_stress_is_spoken_without_it(caplog):
    assert TokenTable(["ə"]).encode(["ˈə", "ˌə"]) == [2, 2]
    assert "never heard 'ˈə'; spoken as 'ə'" in caplog.text


def test_a_vowel_of_unknown_stress_is_spoken_with_another(caplog):
    table = TokenTable(["UH1", "UH2", "K", "ˈoʊ"])
    assert table.encode(["UH0", "UH", "oʊ", "ˌoʊ", "K1"]) == [2, 2, 5, 5, 1]
    assert "never heard 'UH0'; spoken as 'UH1'" in caplog.text
    assert TokenTable(["UH1", "UH"]).encode(["UH0"]) == [3]


def test_symbols_are_copied():
    symbols = ["a", "b"]
    table = TokenTable(symbols)
    symbols.append("c")
    assert len(table) == 4 and table.symbols == ["a", "b"]


@pytest.mark.parametrize(
    "symbols", [["a", "b", "a"], [PADDING], ["a", UNKNOWN]], ids=str
)
def test_a_symbol_that_comes_twice_is_refused(symbols):
    with pytest.raises(
        ValueError, match="symbols must be different from each other.*got "
    ):
        TokenTable(symbols)
