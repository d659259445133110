"""A book is spoken part by part, and goes on where it was killed."""

import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tqdm import tqdm

from sb_sma.books import m4b
from sb_sma.cli import (
    book as command_module,
    main,
)
from tests.small_epub import write_small_epub

# of letters whose phonemes the exported models know
BOOK = (
    "# One\n\nNo, I say. A short one.\n\n* * *\n\nTwo words.\n\n"
    "# Two\n\nThree words; four words.\n"
)


@pytest.fixture
def command(exported, tmp_path, monkeypatch):
    """Run ``sb-sma book`` in a folder of its own, without ffmpeg or PyAV."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_module, "find_encoder", lambda: None)
    (tmp_path / "b.txt").write_text(BOOK)

    def run(*arguments, model=exported[2]):
        return main(["book", "--model", str(model), *map(str, arguments)])

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_spoken_again_is_counted(command, exported_unusual, capsys):
    assert command("b.txt", "--out", "b", model=exported_unusual) == 0
    error = capsys.readouterr().err
    assert "sb-sma: 5 passage(s) were spoken again" in error


def test_a_text_becomes_a_folder_of_chapters(command, tmp_path, capsys):
    assert command("b.txt", "--out", "b") == 0
    assert names(tmp_path / "b") == [
        "1 One.flac",
        "1 One.srt",
        "2 Two.flac",
        "2 Two.srt",
    ]
    samples, rate = soundfile.read(tmp_path / "b" / "1 One.flac")
    assert rate == 22050 and 0 < abs(samples).max() <= 1
    # the silence after a chapter
    assert abs(samples[-rate:]).max() < 1e-3
    assert "No, I say." in (tmp_path / "b" / "1 One.srt").read_text()
    error = capsys.readouterr().err
    assert "passed over" not in error and "every word was said" in error
    assert not (tmp_path / "b.parts").exists()


def test_two_books_are_not_mixed_in_a_folder(command, tmp_path, capsys):
    for _ in range(2):  # the same one may be spoken again
        assert command("b.txt", "--out", "b") == 0
    before = names(tmp_path / "b")
    (tmp_path / "c.txt").write_text("# Three\n\nNo.\n")
    assert command("c.txt", "--out", "b") == 1
    error = capsys.readouterr().err
    assert "must hold no sound but that of c; got 1 One.flac" in error
    assert names(tmp_path / "b") == before
    assert not (tmp_path / "b.parts").exists()


def test_the_bar_moves_within_a_part(command, tmp_path, monkeypatch):
    (tmp_path / "b.txt").write_text("No.\n\nTwo words.\n\nThree words.\n")
    steps = []
    update = tqdm.update
    monkeypatch.setattr(
        tqdm, "update", lambda bar, n: (steps.append(n), update(bar, n))
    )
    assert command("b.txt", "--out", "b") == 0
    assert steps == [len("No."), len("Two words."), len("Three words."), 0]


def test_a_folder_that_may_not_be_written_is_told_first(
    command, tmp_path, capsys, monkeypatch
):
    (tmp_path / "locked").mkdir()
    # root may write everywhere
    monkeypatch.setattr(
        os, "access", lambda path, _: Path(path).name != "locked"
    )
    assert command("b.txt", "--out", "locked") == 1
    error = capsys.readouterr().err
    assert re.search("cannot be written: you may not write .*locked", error)
    assert names(tmp_path) == ["b.txt", "locked"]


def test_without_an_encoder_there_is_a_folder(command, tmp_path, capsys):
    assert command("b.txt", "--out", "b.m4b") == 0
    assert (
        "the folder b gets a file for each chapter" in capsys.readouterr().err
    )
    assert (tmp_path / "b" / "1 One.flac").is_file()


@pytest.fixture(params=["ffmpeg", "av"])
def encoder(request, monkeypatch):
    """Either of the two, where it is there."""
    if request.param == "av":
        pytest.importorskip("av", reason="needs: pip install 'sb_sma[text]'")
        found = m4b.encode_by_pyav
    else:
        if m4b.shutil.which("ffmpeg") is None:
            pytest.skip("needs the program ffmpeg")
        found = m4b.encode_by_ffmpeg
    monkeypatch.setattr(command_module, "find_encoder", lambda: found)


def test_an_epub_becomes_an_audiobook(command, encoder, tmp_path):
    write_small_epub(tmp_path / "e.epub")
    assert command("e.epub", "--out", "e.m4b") == 0
    content = (tmp_path / "e.m4b").read_bytes()
    assert content[4:8] == b"ftyp"
    for text in ("A Small Book", "Ann Author", "The First: a/b", "The Third"):
        assert text.encode() in content
    assert "It rained." in (tmp_path / "e.srt").read_text()
    assert names(tmp_path) == ["b.txt", "e.epub", "e.m4b", "e.srt"]


def test_it_goes_on_where_it_was(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command_module, "_PART_CHARACTERS", 30)
    assert command("b.txt", "--out", "whole") == 0
    speak, count = command_module._speak_part, []

    def dies(tts, part, manner, advance):
        """Be killed within the third part."""
        if len(count) == 2:
            part.path.write_bytes(b"half a file")
            raise KeyboardInterrupt
        count.append(part)
        speak(tts, part, manner, advance)

    with monkeypatch.context() as patch:
        patch.setattr(command_module, "_speak_part", dies)
        assert command("b.txt", "--out", "b") == 130
    assert not (tmp_path / "b").exists()
    spoken = []
    monkeypatch.setattr(
        command_module,
        "_speak_part",
        lambda *each: (spoken.append(each[1]), speak(*each)),
    )
    assert command("b.txt", "--out", "b") == 0
    assert "going on with what is in b.parts" in capsys.readouterr().err
    assert len(spoken) == 1 and spoken[0].path not in [p.path for p in count]
    for name in names(tmp_path / "whole"):
        one, other = (tmp_path / each / name for each in ("whole", "b"))
        assert one.read_bytes() == other.read_bytes()


def test_parts_of_another_book_are_not_mixed(
    command, tmp_path, monkeypatch, capsys
):
    def dies(*arguments):
        """Be killed at once."""
        raise KeyboardInterrupt

    monkeypatch.setattr(command_module, "_speak_part", dies)
    assert command("b.txt", "--out", "b") == 130
    (tmp_path / "b.txt").write_text(f"{BOOK}\nNo.")
    assert command("b.txt", "--out", "b", "--pace", "2") == 1
    error = capsys.readouterr().err
    assert "b.parts holds parts that were made otherwise (book, pace)" in error
    plan = json.loads((tmp_path / "b.parts" / "plan.json").read_text())
    assert plan["pace"] == 1.0


def test_a_folder_of_others_is_not_removed(command, tmp_path, capsys):
    (tmp_path / "b.parts").mkdir()
    note = tmp_path / "b.parts" / "note.txt"
    note.write_text("mine")
    assert command("b.txt", "--out", "b") == 1
    assert "b.parts is in the way" in capsys.readouterr().err
    assert note.read_text() == "mine"
    assert names(tmp_path) == ["b.parts", "b.txt"]
    note.rename(note.with_name(".sb-sma-killed"))
    assert command("b.txt", "--out", "b") == 0
    assert names(tmp_path) == ["b", "b.txt"]


@pytest.mark.parametrize("content", ["[1]", "{", "3"])
def test_a_damaged_plan_is_told(command, tmp_path, capsys, content):
    (tmp_path / "b.parts").mkdir()
    (tmp_path / "b.parts" / "plan.json").write_text(content)
    assert command("b.txt", "--out", "b") == 1
    assert "plan.json is damaged. Remove" in capsys.readouterr().err


def test_chapters_are_listed(command, tmp_path, capsys):
    assert command("b.txt", "--list") == 0
    captured = capsys.readouterr()
    assert [line.split()[-1] for line in captured.out.splitlines()] == [
        "b",
        "One",
        "Two",
    ]
    assert "passed over" not in captured.err
    assert names(tmp_path) == ["b.txt"]


def test_chapters_are_listed_without_a_model(command, tmp_path, capsys):
    (tmp_path / "odd.txt").write_text(f"{BOOK}\n<i>No.</i>\n")
    assert main(["book", "odd.txt", "--list"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.endswith(" Two\n")
    assert command("odd.txt", "--list") == 0
    told = capsys.readouterr()
    assert told.out == captured.out
    assert "sb-sma: passed over: odd.txt:13: character 1: " in told.err
    assert main(["book", "odd.txt", "--out", "b"]) == 1
    assert "--model must name a folder" in capsys.readouterr().err


def test_a_break_of_the_scene_is_a_pause(command, tmp_path):
    silences = {}
    for between in ("", "* * *", "-----"):
        (tmp_path / "b.txt").write_text(f"No.\n\n{between}\n\nTwo words.\n")
        assert command("b.txt", "--out", "b") == 0
        samples, rate = soundfile.read(tmp_path / "b" / "1 b.flac")
        silences[between] = len(samples) / rate
    plain, *broken = silences.values()
    assert broken == [pytest.approx(plain + 0.5, abs=0.02)] * 2


def test_subtitles_end_with_the_sound(command, tmp_path):
    assert command("b.txt", "--out", "b", "--pace", "2") == 0
    samples, rate = soundfile.read(tmp_path / "b" / "2 Two.flac")
    clock = (tmp_path / "b" / "2 Two.srt").read_text().split("\n")[-3].split()
    hours, minutes, seconds = clock[2].replace(",", ".").split(":")
    end = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    loud = np.flatnonzero(abs(samples) > 1e-3)[-1] / rate
    assert loud - 0.3 < end < len(samples) / rate


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["none.txt", "--out", "b"], "FILE: none.txt cannot be read"),
        (["b.txt"], "--out must name a file ending in .m4b, or a folder"),
        (["b.txt", "--out", "b.txt"], "--out must end in .m4b, or be a folder"),
        (["b.txt", "--out", "no/b.m4b"], "the folder .*no does not exist"),
        (["empty.txt", "--out", "b"], "empty.txt holds nothing to speak"),
        (["odd.txt", "--out", "b"], "nothing in odd.txt can be spoken"),
        (["b.txt", "--out", "b", "--speaker", "x"], "speaker must be None for"),
        (["zip.epub", "--out", "b"], "must be an EPUB, which is a ZIP"),
        (["n", "--out", "n.m4b"], "there is neither; the folder n, which"),
        (["n.srt", "--out", "n.m4b"], "--out must be another file than FILE"),
        (["n", "--out", "d.m4b"], "d.srt cannot be written: it is a folder"),
    ],
)
def test_a_mistake_is_one_line(command, tmp_path, arguments, message, capsys):
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "odd.txt").write_text("* * *\n\n<i>No.</i>\n")
    (tmp_path / "zip.epub").write_bytes(b"PK\x03\x04")
    (tmp_path / "n").write_text(BOOK)
    (tmp_path / "n.srt").write_text(BOOK)
    (tmp_path / "d.srt").mkdir()
    assert command(*arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("sb-sma: error: ")

    assert re.search(message, line)
    assert not (tmp_path / "b").exists()


def test_a_sentence_without_phonemes_does_not_end_the_book(
    command, tmp_path, capsys
):
    # a letter that eSpeak NG does not know, as often as a piece is long
    unread = "\u0872" * 115
    said = " No, I say."
    paragraphs = [60 * said, f"{unread}.{3 * said}", f"{unread}.{60 * said}"]
    (tmp_path / "b.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    assert command("b.txt", "--out", "b") == 0
    error = capsys.readouterr().err
    found = re.findall(r"passed over: b.txt:(\d+): text must be sp", error)
    assert found == ["5"]
    assert "1 odd thing(s) passed over" in error
    (subtitles,) = (tmp_path / "b").glob("*.srt")
    assert "No, I say." in subtitles.read_text(encoding="utf-8")


def test_a_book_in_another_encoding_is_told(command, tmp_path, capsys):
    lines = "No.\n\n“café”\n\nTwo words.\n\n“No.”\n"
    (tmp_path / "b.txt").write_bytes(lines.encode("cp1252"))
    assert command("b.txt", "--out", "b") == 1
    error = capsys.readouterr().err
    assert "error: b.txt:3: must be UTF-8; got b'\\x93'" in error
    assert "iconv -f CP1252 -t UTF-8 (first of 2 such line(s))" in error
    assert not (tmp_path / "b").exists()


def test_bad_bytes_in_a_book_in_utf_8_are_named(command, tmp_path, capsys):
    lines = "No.\n\n“No.”\n\nTwo words.\n".encode() + b"\ncaf\xe9\n"
    (tmp_path / "b.txt").write_bytes(lines)
    assert command("b.txt", "--out", "b") == 0
    error = capsys.readouterr().err
    assert "passed over: b.txt:7: must be UTF-8; got b'\\xe9'" in error
    assert "1 odd thing(s) passed over" in error


@pytest.mark.parametrize(
    "content, kind",
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a WAV or another RIFF file"),
        (b"\0\0\0\x1cftypM4B ", "an MP4 or M4B file"),
        (b"{\\rtf1\\ansi No.}", "an RTF document"),
        (b"\x93NUMPY\1\0\0\0\0\0", "a binary file"),
    ],
)
@pytest.mark.parametrize("name", ["a.bin", "a.txt", "a.epub"])
def test_what_is_no_book_is_named(
    command, tmp_path, capsys, content, kind, name
):
    (tmp_path / name).write_bytes(content)
    assert command(name, "--out", "b") == 1
    assert capsys.readouterr().err == (
        f"sb-sma: error: {name} must be a text in UTF-8 or Markdown, or an "
        f"EPUB; it is {kind}. Convert it, and give what it says as a text.\n"
    )
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"RIFFRAFF\n\nIt rained.\n",
        b"Rar! said the lion.\n",
        b"ID3 tags are small.\n",
        b"GIF8 is no picture.\n",
        b"BZh is no word.\n",
        b"It ra\0ined.\nIt sto\0pped.\nA caf\xc3\xa9.\n",
    ],
)
def test_a_text_that_begins_like_another_file_is_read(
    command, tmp_path, content
):
    (tmp_path / "b.txt").write_bytes(content)
    assert command("b.txt", "--list") == 0


def test_an_archive_with_names_in_no_encoding_is_named(
    command, tmp_path, capsys
):
    path = tmp_path / "b.epub"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é", "")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert command("b.epub", "--list") == 1
    error = capsys.readouterr().err
    assert error.startswith("sb-sma: error: b.epub must be an EPUB")


@pytest.mark.parametrize(
    "file, kind",
    [
        ("word/document.xml", "a DOCX document"),
        ("content.xml", "an ODT or another OpenDocument file"),
    ],
)
def test_a_document_of_an_office_is_named(
    command, tmp_path, capsys, file, kind
):
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr(file, "<a/>")
    assert command("a.docx", "--out", "b") == 1
    assert f"an EPUB; it is {kind}. Convert" in capsys.readouterr().err
