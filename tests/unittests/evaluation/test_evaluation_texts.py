"""The texts of the package, and those of a file."""

import re
from collections import Counter

import pytest

from benchmarks.harness.hard_texts import read_hard_texts
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.evaluation.texts import UNNAMED, own_texts, take_kinds


def test_there_are_fifty_of_each_of_ten_kinds():
    counts = Counter(each.kind for each in own_texts())
    assert len(counts) == 10 and set(counts.values()) == {50}


def test_no_text_is_there_twice_or_in_a_benchmark():
    texts = [each.text for each in own_texts()]
    assert len({text.casefold() for text in texts}) == len(texts)
    assert set(texts) & set(read_hard_texts()) == set()


def test_texts_need_no_reading_of_digits_or_other_characters():
    for each in own_texts():
        assert re.fullmatch(r"[A-Za-z ,.;:!?'\"()-]+", each.text), each
        assert EspeakFrontend().written_out(each.text) == each.text


def test_repetitions_go_from_1_to_50():
    texts = [each.text for each in own_texts() if each.kind == "repetition"]
    for count, text in enumerate(texts, start=1):
        words = re.findall(r"\w+", text.casefold())
        assert len(words) % count == 0
        said = [tuple(words[i :: len(words) // count]) for i in range(count)]
        assert len({*said[: len(words) // count]}) <= len(words) // count
        assert len(set(words)) <= 4


def test_cut_off_texts_end_without_a_mark():
    texts = [each.text for each in own_texts() if each.kind == "cut-off"]
    assert all(text[-1].isalpha() for text in texts)


def test_a_file_without_kinds_has_one():
    assert [each.kind for each in take_kinds([(1, "A."), (2, "B.")])] == [
        UNNAMED,
        UNNAMED,
    ]


def test_a_line_that_could_not_be_read_leaves_a_gap():
    (text,) = take_kinds([(1, None), (4, "B.")])
    assert (text.line, text.position) == (4, 2)


@pytest.mark.parametrize(
    "lines, message",
    [
        ([(7, "a\tb\tc")], "line 7 must be a text, or its kind, a tab and"),
        ([(2, "\tNo.")], "line 2 must be"),
        ([(1, "No."), (2, "a\tYes.")], "line 2: all lines must name a kind"),
        ([(1, "a\tYes."), (2, "No.")], "line 2: all lines must name a kind"),
        ([(1, "text\tYes."), (2, "No.")], "line 2: all lines must name"),
    ],
    ids=["two tabs", "no kind", "kind later", "kind before", "same kind"],
)
def test_lines_that_cannot_be_told_apart_are_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        take_kinds(lines)
