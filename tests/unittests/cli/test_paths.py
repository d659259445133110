"""A command writes all of a file or nothing, and nothing that it reads."""

import os
from pathlib import Path

import pytest

from sb_sma.cli.paths import (
    check_model,
    check_not_read,
    check_readable,
    check_writable,
    complete_or_absent,
)


def test_what_fails_half_way_leaves_nothing(tmp_path):
    (tmp_path / "old").write_text("old")
    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt):
            with complete_or_absent(tmp_path / name) as file:
                file.write(b"half")
                raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_a_file_has_several_names(tmp_path, make):
    (tmp_path / "read").touch()
    make(tmp_path / "read", tmp_path / "written")
    inputs = [("--input", str(tmp_path / "read")), ("--style_wav", None)]
    check_not_read([("--out", tmp_path / "other")], inputs)
    with pytest.raises(ValueError, match="--out must be another file than --i"):
        check_not_read([("--out", tmp_path / "written")], inputs)


def test_two_outputs_are_two_files(tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.png").symlink_to("a.wav")
    outputs = [("--out", tmp_path / "a.wav"), ("--plot", tmp_path / "a.png")]
    with pytest.raises(ValueError, match="--plot must be another file than"):
        check_not_read(outputs, [])


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a").touch()
    check_readable("--a", str(tmp_path / "a"))
    with pytest.raises(ValueError, match="--a: .*none cannot be read: there"):
        check_readable("--a", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="cannot be read: it is a folder"):
        check_readable("--a", str(tmp_path))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="an administrator may write everything",
)
def test_what_may_not_be_written_is_told(tmp_path):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o500)
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o400)
    for path in (tmp_path / "closed" / "a", tmp_path / "file"):
        with pytest.raises(ValueError, match="you may not write"):
            check_writable(path)


def test_a_link_to_nowhere_is_told(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "none" / "a")
    with pytest.raises(ValueError, match="none does not exist"):
        check_writable(tmp_path / "link")


def test_a_device_can_be_written():
    check_writable(Path(os.devnull))
    with complete_or_absent(Path(os.devnull)) as file:
        file.write(b"a")


def test_what_a_hub_is_asked_for_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_model("someone/some-model")
    assert capsys.readouterr().err == (
        "sb-sma: someone/some-model is no folder here; fetching it from a hub\n"
    )
    (tmp_path / "hyperparams.yaml").touch()
    check_model(str(tmp_path))
    assert capsys.readouterr().err == ""
