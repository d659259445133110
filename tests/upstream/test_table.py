"""The table of branches, and what is told of mistakes in it."""

import json

import pytest

from sb_sma.upstream.pull_request import describe_results
from sb_sma.upstream.table import branches_below, read_table


def test_the_table_is_read(ours):
    table = read_table(ours)
    assert list(table) == ["walk", "run"]
    assert table["run"].patches == [ours / "upstream/run/nnet.patch"]
    assert table["walk"].sections[0].before == "# Two"
    assert branches_below(table, "run") == [table["walk"], table["run"]]


WALK, RUN = "upstream/walk/branch.yaml", "upstream/run/branch.yaml"
ORDER = "upstream/order.yaml"

MISTAKES = {
    "no order": (ORDER, None, "no table of branches .*git|clone"),
    "order is a mapping": (ORDER, "walk: 1", "must be a list of names"),
    "order is empty": (ORDER, "[]", "must be a list of names"),
    "order is broken": (ORDER, "- [", "is not valid YAML"),
    "a name that leads out": (ORDER, "- ../walk", "must be a list of names"),
    "a name twice": (ORDER, "[walk, walk]", "names walk twice"),
    "a name without a folder": (
        ORDER,
        "[walk, fly]",
        "names fly, but there is",
    ),
    "the wrong order": (ORDER, "[run, walk]", "run builds on walk, which does"),
    "no title": (WALK, "max_lines: 9", "branch.yaml has no key title"),
    "an empty title": (WALK, "title: ''\nmax_lines: 9", "title must be one"),
    "an unknown key": (
        WALK,
        "title: a\nmax_lines: 9\npatch: []",
        "line 3: there is no key patch. Closest known names: patches",
    ),
    "a key twice": (WALK, "title: a\ntitle: b", "'title' is given twice"),
    "a tag": (WALK, "title: a\nmax_lines: !x 9", "is not plain YAML"),
    "no lines": (WALK, "title: a\nmax_lines: 0", "line 2: max_lines must be"),
    "lines as a text": (WALK, "title: a\nmax_lines: many", "got 'many'"),
    "true lines": (WALK, "title: a\nmax_lines: true", "got True"),
    "a copy of nothing": (
        WALK,
        "title: a\nmax_lines: 9\ncopies: {sb_sma/none.py: a.py}",
        "copies: there is no file .*none.py",
    ),
    "a copy out of the checkout": (
        WALK,
        "title: a\nmax_lines: 9\ncopies: {sb_sma/walk.py: ../a.py}",
        "copies must be a mapping of paths",
    ),
    "a copy to the root": (
        WALK,
        "title: a\nmax_lines: 9\ncopies: {sb_sma/walk.py: /a.py}",
        "copies must be a mapping of paths",
    ),
    "a list of copies": (
        WALK,
        "title: a\nmax_lines: 9\ncopies: [sb_sma/walk.py]",
        "copies must be a mapping of paths",
    ),
    "no such patch": (
        WALK,
        "title: a\nmax_lines: 9\npatches: [a.patch]",
        "patches: there is no file .*a.patch",
    ),
    "a section without a place": (
        WALK,
        "title: a\nmax_lines: 9\nsections: [{file: a.md, text: b.md}]",
        "sections must be a list of mappings of file, text and before",
    ),
    "a mistyped column": (
        WALK,
        "title: a\nmax_lines: 9\nrows: {a.csv: [{Script_file: a, "
        "Hparam_file: b, Readme_file: c, test_debug_flag: d}]}",
        "whose columns are of Task, Dataset",
    ),
    "a row without a script": (
        WALK,
        "title: a\nmax_lines: 9\nrows: {a.csv: [{Hparam_file: b}]}",
        "rows must be by CSV file, a list of rows with Script_file",
    ),
    "tests that are a folder": (
        WALK,
        "title: a\nmax_lines: 9\ntests: [tests/unittests]",
        "tests must be a list of modules there",
    ),
    "no such results": (RUN, "title: a\nmax_lines: 9\nresults: a", "no file"),
    "no text": ("upstream/run/pull_request.md", None, "no file .*pull_request"),
    "a text without results": (
        "upstream/run/pull_request.md",
        "{commands}",
        r"must hold \{results\} once",
    ),
    "a text with commands twice": (
        "upstream/run/pull_request.md",
        "{commands} {results} {commands}",
        r"must hold \{commands\} once",
    ),
}


@pytest.mark.parametrize("file, text, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(file, text, message, ours):
    if text is None:
        (ours / file).unlink()
    else:
        (ours / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_table(ours)


@pytest.mark.parametrize(
    "stored",
    [
        "{",
        "[]",
        '{"machine": {}}',
        '{"table": [], "machine": {}}',
        '{"table": [{"a": 1}, {"b": 1}], "machine": {}}',
        '{"table": [{"a": 1}]}',
    ],
)
def test_results_without_a_table_are_refused(stored, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(stored)
    with pytest.raises(ValueError, match="must hold `table`, a list of rows"):
        describe_results(path)


def test_without_results_the_text_says_so(tmp_path):
    assert "no results" in describe_results(None)
    path = tmp_path / "a.json"
    rows = [{"model": "a", "WER": 12.34567}, {"model": "b", "WER": None}]
    path.write_text(json.dumps({"table": rows, "machine": {"cores": "2"}}))
    lines = describe_results(path).splitlines()
    assert lines[2:4] == ["| a | 12.35 |", "| b | None |"]
    assert lines[-1] == "Measured on: cores 2."
