"""``sb-sma corpora`` shows what there is, and removes what is free."""

import re

import pytest

from sb_sma.cli import main
from sb_sma.data.corpus.plan import Corpus


@pytest.fixture
def root(tmp_path):
    """Two corpora, one of which this process uses, and a file of the user."""
    for name, voice in (("used", "en-us"), ("free", "de")):
        corpus = Corpus(
            name,
            {"voice": voice},
            lambda folder: (folder / "train.json").write_text(200 * " "),
            about={"utterances": 3, "voice": voice, "texts": None},
        )
        folder = corpus.make_in(tmp_path)
        if name == "free":
            # as another process leaves it
            folder.rename(tmp_path / "free")
    (tmp_path / "notes.txt").write_text("precious")
    return tmp_path


def run(capsys, *arguments):
    status = main(["corpora", *map(str, arguments)])
    out, error = capsys.readouterr()
    return status, out.splitlines(), error


def test_all_is_told_of_each(root, capsys):
    status, lines, _ = run(capsys, "--corpus_folder", root)
    assert status == 0
    assert lines[0].startswith("free: 0.00 MB, last used 20")
    assert lines[0].endswith(", not in use")
    assert lines[1] == "    utterances 3, voice de"
    assert lines[2].startswith("used-") and ", in use by process " in lines[2]
    assert lines[3] == "    utterances 3, voice en-us"
    assert lines[4] == f"2 corpora, 0.00 MB in {root}"


def test_what_is_in_use_is_kept(root, capsys):
    used = next(path.name for path in root.glob("used-*"))
    status, _, error = run(capsys, "--corpus_folder", root, "--remove", used)
    assert status == 1
    assert f"got {used} (in use by process " in error
    status, lines, _ = run(capsys, "--corpus_folder", root, "--remove_unused")
    assert status == 0
    assert lines[0].startswith(f"kept {used}: ")
    assert lines[2].startswith("removed free: ")
    assert lines[-1] == f"1 corpora, 0.00 MB removed from {root}"
    assert sorted(path.name for path in root.glob("[!.]*")) == [
        "notes.txt",
        used,
    ]


def test_one_is_removed_by_its_name(root, capsys):
    status, lines, _ = run(capsys, "--corpus_folder", root, "--remove", "free")
    assert status == 0 and lines[0].startswith("removed free: ")
    assert not (root / "free").exists()


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--remove", "fre"], "There is no corpus fre in .*holds free, used-"),
        (["--remove", "free", "notes.txt"], "There is no corpus notes.txt"),
    ],
    ids=["misspelt", "no corpus"],
)
def test_a_wrong_name_removes_nothing(root, capsys, flags, message):
    status, _, error = run(capsys, "--corpus_folder", root, *flags)
    assert status == 1
    assert re.search(message, error)
    assert (root / "free").exists()


def test_a_folder_that_is_not_there_is_told(tmp_path, capsys):
    status, _, error = run(capsys, "--corpus_folder", tmp_path / "none")
    assert status == 1
    assert f"there is no {tmp_path}/none" in error
