"""Users are told of their mistakes in one message, developers of theirs in full."""

import logging
import subprocess
import sys

import pytest

from sb_sma.inference.arguments import check_number
from sb_sma.mistakes import tell_mistakes

SCRIPT = """\
import sys
from pathlib import Path
from sb_sma.mistakes import tell_mistakes

def main(kind):
    if kind == "own":
        raise ValueError("size must be 1 or more; got 0.")
    if kind == "imported":
        from prepare_toy import prepare
        prepare()
    if kind == "C":
        int("abc")
    if kind == "library":
        from fractions import Fraction
        Fraction("abc")
    if kind == "key":
        {}["abc"]
    if kind == "file":
        Path("lost.txt").read_text()
    if kind == "package":
        import a_package_that_is_not
    if kind == "typo":
        import sb_sma.a_module_that_is_not

if __name__ == "__main__":
    with tell_mistakes(__file__):
        main(sys.argv[1])
"""
PREPARE = """\
def prepare():
    raise FileNotFoundError("texts must be a file; there is no a.txt.")
"""


@pytest.fixture
def run(tmp_path, repository):
    """Run the script with some kind of mistake; returns what it says."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "prepare_toy.py").write_text(PREPARE)

    def run(kind):
        done = subprocess.run(
            [sys.executable, str(tmp_path / "train.py"), kind],
            cwd=tmp_path,
            env={"PYTHONPATH": str(repository)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1 and done.stdout == ""
        return done.stderr

    return run


@pytest.mark.parametrize(
    "kind, message",
    [
        ("own", "size must be 1 or more; got 0."),
        ("imported", "texts must be a file; there is no a.txt."),
        ("file", "No such file or directory: 'lost.txt'"),
        (
            "package",
            "the package a_package_that_is_not is not installed. Install it.",
        ),
    ],
)
def test_a_mistake_of_a_user_is_one_line(run, kind, message):
    assert run(kind) == f"error: {message}\n"


@pytest.mark.parametrize("kind", ["C", "library", "key", "typo"])
def test_a_mistake_of_a_developer_keeps_its_traceback(run, kind):
    assert run(kind).startswith("Traceback (most recent call last):")


def test_what_this_package_raises_is_told(tmp_path):
    with pytest.raises(SystemExit, match="^error: size must be above 0; got 0"):
        with tell_mistakes(tmp_path / "train.py"):
            check_number("size", 0)


def test_the_log_of_a_run_has_the_traceback(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(SystemExit):
        with tell_mistakes(tmp_path / "train.py"):
            check_number("size", 0)
    assert "in check_number" in caplog.text
    assert all(record.levelno == logging.DEBUG for record in caplog.records)


def test_what_is_no_mistake_passes(tmp_path):
    with tell_mistakes(tmp_path / "train.py"):
        pass
    with pytest.raises(SystemExit, match="7"):
        with tell_mistakes(tmp_path / "train.py"):
            sys.exit(7)
