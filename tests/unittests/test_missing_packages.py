"""A package that is missing is one error, which names the extra."""

import sys

import pytest

from sb_sma.extras import check_installed, require


def test_a_package_that_is_there_is_given():
    assert require("json", "text", "Nothing").dumps([]) == "[]"


def test_a_missing_one_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "two_words", None)
    with pytest.raises(ImportError) as error:
        require("two_words", "data", "A corpus")
    assert str(error.value) == (
        "A corpus needs two-words, which is missing. Install it with: pip "
        "install 'sb_sma[data]'"
    )


def test_all_that_are_missing_are_named_at_once():
    with pytest.raises(ImportError) as error:
        check_installed(
            *("no_a", "json", "no_b"), extra="serve", needed_by="A page"
        )
    assert str(error.value) == (
        "A page needs no-a and no-b, which are missing. Install them with: "
        "pip install 'sb_sma[serve]'"
    )


@pytest.mark.parametrize("line", ["import no_such_part", "import os.no_such"])
def test_what_is_wrong_inside_of_one_is_told_as_it_is(
    line, monkeypatch, tmp_path
):
    (tmp_path / "broken_inside.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no_such") as error:
        require("broken_inside", "text", "A text")
    assert "Install" not in str(error.value)
