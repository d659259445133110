"""A text is cut at headings, and a sentence is none."""

import pytest

from sb_sma.books.plain import chapters_of_text


def titles(text):
    book = chapters_of_text(enumerate(text.split("\n"), 1), "Title")
    return [chapter.title for chapter in book.chapters]


@pytest.mark.parametrize(
    "heading",
    "CHAPTER I;Chapter 1. The Cat;Kapitel 3;Prologue;# A title;## A title ##;"
    "PART TWO;Chapter IV.;Глава 2".split(";"),
)
def test_a_heading_begins_a_chapter(heading):
    found = titles(f"Before.\n\n{heading}\n\nAfter.\n")
    assert found == ["Title", heading.strip("# ")]


@pytest.mark.parametrize(
    "line",
    [
        "Chapter one was long.",
        "part of it",
        "Bookish",
        "“Chapter One,” he said.",
        "A title",
        "Part of him wanted to go,\nand part of him did not",
    ],
)
def test_a_sentence_is_no_heading(line):
    assert titles(f"Before.\n\n{line}\n\nAfter.") == ["Title"]


def test_paragraphs_keep_their_lines():
    book = chapters_of_text([(1, "a"), (2, "b"), (3, " "), (9, "c")], "T")
    (chapter,) = book.chapters
    assert [(each.place, each.text) for each in chapter.paragraphs] == [
        ("text:1", "a b"),
        ("text:9", "c"),
    ]


@pytest.mark.parametrize(
    "line",
    ["* * *", "***", "---", "# # #", "⁂", "•", "~", "…", "-" * 80],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"], ids=["close", "apart"])
def test_a_line_of_signs_is_a_break(line, between):
    text = between.join([line, "One.", line, "Two.", "", "Three.", line])
    book = chapters_of_text(enumerate(text.split("\n"), 1), "T")
    (chapter,) = book.chapters
    assert [(each.text, each.ends_scene) for each in chapter.paragraphs] == [
        ("One.", True),
        ("Two.", False),
        ("Three.", True),
    ]
    assert book.problems == []


@pytest.mark.parametrize("last", ["...", '..."', ". . .", '!"', "?!"])
def test_a_line_of_punctuation_belongs_to_its_paragraph(last):
    text = f'"Stop it now, she said\n{last}\n\nIt rained.\n\n{last}\n\nNo.'
    book = chapters_of_text(enumerate(text.split("\n"), 1), "T")
    (chapter,) = book.chapters
    assert [(each.text, each.ends_scene) for each in chapter.paragraphs] == [
        (f'"Stop it now, she said {last}', False),
        ("It rained.", True),
        ("No.", False),
    ]


def test_an_invisible_line_is_an_empty_one():
    book = chapters_of_text([(1, "One."), (2, "\u200b"), (3, "Two.")], "T")
    (chapter,) = book.chapters
    assert [(each.text, each.ends_scene) for each in chapter.paragraphs] == [
        ("One.", False),
        ("Two.", False),
    ]


def test_nothing_is_no_book():
    assert chapters_of_text([(1, " ")], "T").chapters == []
