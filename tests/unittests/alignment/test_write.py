"""Files that other programs read."""

import json
import re
import zipfile

import pytest

from sb_sma.alignment.alignment import Alignment, Interval
from sb_sma.alignment.write import (
    ctm,
    textgrid,
    write_tables,
    write_textgrid,
    write_zip,
)

ALIGNMENT = Alignment(
    duration=1.25,
    words=[
        Interval("", 0.0, 0.1),
        Interval('say "a"', 0.1, 0.9),
        Interval("", 0.9, 1.25),
    ],
    phones=[
        Interval("", 0.0, 0.1),
        Interval("s", 0.1, 0.4),
        Interval("ˈeɪ", 0.4, 0.9),
        Interval("", 0.9, 1.25),
    ],
    score=-5.0,
)


def test_textgrid_has_both_tiers_from_begin_to_end():
    content = textgrid(ALIGNMENT, pause="spn")
    assert content.count('"IntervalTier"') == 2
    assert re.findall(r'name = "(\w+)"', content) == ["words", "phones"]
    assert re.findall(r"intervals: size = (\d+)", content) == ["3", "4"]
    texts = re.findall(r'text = "((?:[^"]|"")*)"', content)
    assert texts == ["", 'say ""a""', "", "spn", "s", "ˈeɪ", "spn"]
    starts = re.findall(r"\n {12}xmin = (\S+)", content)
    ends = re.findall(r"\n {12}xmax = (\S+)", content)
    assert starts[1:3] == ends[0:2] and ends[2] == ends[6] == "1.25"


def test_textgrid_is_read_by_tgt(tmp_path):
    tgt = pytest.importorskip("tgt")
    write_textgrid(tmp_path, "a1", ALIGNMENT)
    grid = tgt.io.read_textgrid(
        str(tmp_path / "a1.TextGrid"), include_empty_intervals=True
    )
    for name in ("words", "phones"):
        read = grid.get_tier_by_name(name)
        assert [
            (each.text, each.start_time, each.end_time) for each in read
        ] == [tuple(interval) for interval in getattr(ALIGNMENT, name)]


def test_ctm_is_one_word_a_column():
    assert ctm("a 1", ALIGNMENT.words) == 'a_1 1 0.1000 0.8000 say_"a"\n'


def test_tables_are_of_all_recordings(tmp_path):
    alignments = {"a1": ALIGNMENT, "b": ALIGNMENT}
    wavs = {"a1": "a1.wav", "b": "b.flac"}
    names = write_tables(tmp_path, alignments, wavs)
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    content = json.loads((tmp_path / "alignments.json").read_text("utf-8"))
    assert content["b"]["wav"] == "b.flac"
    assert Alignment.from_json(content["b"]) == ALIGNMENT
    lines = (tmp_path / "phones.ctm").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["a1", "a1", "b", "b"]


def test_zip_is_what_speechbrain_unpacks(tmp_path):
    (tmp_path / "TextGrid").mkdir()
    write_textgrid(tmp_path / "TextGrid", "LJ001-0001", ALIGNMENT)
    name = write_zip(tmp_path, ["LJ001-0001"])
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.namelist() == ["TextGrid/LJSpeech/LJ001-0001.TextGrid"]
