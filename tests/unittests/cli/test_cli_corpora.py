"""``sb-sma corpora`` shows what there is, and removes what is free."""

import os
import re
import shutil
import subprocess
import sys

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
            lambda folder: (folder / "train.json").write_text("{}" + 200 * " "),
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


def test_a_path_is_as_good_as_a_name(root, capsys, monkeypatch):
    monkeypatch.chdir(root.parent)
    name = f"{root.name}/free/"
    status, lines, _ = run(capsys, "--corpus_folder", root, "--remove", name)
    assert status == 0 and lines[0].startswith("removed free: ")
    status, _, error = run(
        capsys, "--corpus_folder", root, "--remove", f"{root.name}/notes.txt"
    )
    assert status == 1 and "There is no corpus notes.txt in " in error


def test_a_path_elsewhere_removes_nothing(root, capsys):
    elsewhere = root / "elsewhere" / "free"
    status, _, error = run(
        capsys, "--corpus_folder", root, "--remove", elsewhere
    )
    assert status == 1 and f"There is no corpus {elsewhere} in " in error
    assert (root / "free").exists()


def test_a_corpus_is_no_folder_of_corpora(root, capsys):
    status, _, error = run(capsys, "--corpus_folder", root / "free")
    assert status == 1
    assert f"{root}/free is a corpus itself. Give {root}." in error


@pytest.mark.parametrize(
    "content", ["[1]", "{", "7", "null", '{"about": 3}', '{"about": [3]}', ""]
)
def test_a_broken_description_does_not_stop_the_list(root, capsys, content):
    (root / "free" / "corpus.json").write_text(content)
    status, lines, _ = run(capsys, "--corpus_folder", root)
    assert status == 0
    assert lines[0].startswith("free: ")
    assert lines[-1].startswith("2 corpora, ")
    assert run(capsys, "--corpus_folder", root, "--remove", "free")[0] == 0


def test_what_has_lost_its_description_is_listed_and_removed(root, capsys):
    (used,) = root.glob("used-*")
    lost = used.rename(root / "lost-0123abcd")
    (lost / "corpus.json").unlink()
    (root / "free").rename(root / "mine")
    (root / "mine" / "corpus.json").unlink()
    status, lines, _ = run(capsys, "--corpus_folder", root)
    assert status == 0
    assert lines[0].startswith("lost-0123abcd: incomplete (corpus.json is miss")
    assert lines[1].startswith("1 corpora, ")
    for flags in (["--remove", "mine"], ["--remove", "lost-0123abcd"]):
        status = run(capsys, "--corpus_folder", root, *flags)[0]
        assert status == (flags[1] == "mine")
    assert not lost.exists()
    assert (root / "mine" / "train.json").exists()


def test_nothing_is_left_of_what_is_unused(root, capsys):
    (used,) = root.glob("used-*")
    used.rename(root / "other")
    (root / ".digests-0a1b.json").write_text("{}")
    (root / ".begun-0123abcd.lock").touch()
    status, _, _ = run(capsys, "--corpus_folder", root, "--remove_unused")
    assert status == 0
    left = [path.name for path in root.iterdir() if ".user-" not in path.name]
    assert left == ["notes.txt"]


READ_ONLY = """
mount --bind {root} {root} && mount -o remount,bind,ro {root} &&
exec {python} -m sb_sma.cli corpora --corpus_folder {root} "$@"
"""


def run_read_only(root, *flags):
    """Run the command where the file system cannot be written."""
    unshare = shutil.which("unshare")
    script = READ_ONLY.format(root=root, python=sys.executable)
    command = [unshare or "", "--mount", "--map-root-user", "sh", "-c"]
    if unshare is None or subprocess.run([*command, "true"]).returncode:
        pytest.skip("needs mounts of its own")
    return subprocess.run(
        [*command, script, "sh", *flags],
        env={**os.environ},
        capture_output=True,
        text=True,
    )


def test_a_folder_that_cannot_be_written_is_listed(root):
    done = run_read_only(root)
    assert done.returncode == 0, done.stderr
    assert "free: 0.00 MB, last used 20" in done.stdout
    assert f", {root} cannot be written\n" in done.stdout
    assert f"2 corpora, 0.00 MB in {root}" in done.stdout
    done = run_read_only(root, "--remove", "free")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"got free ({root} cannot be written)" in done.stderr
