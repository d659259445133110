"""A manifest of very many lines is checked, split and batched in little memory."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness.large_manifest import write_manifest
from sb_sma.data.speech.check import check_corpus
from sb_sma.data.speech.manifest.entries import Entries
from sb_sma.data.speech.manifest.read import read_entries
from sb_sma.data.speech.splits import HoldOut, assign_splits

ROOT = Path(__file__).resolve().parents[5]
MIB_OF_A_MILLION = 1024
# what does not grow, such as torch's first sort
MIB_AT_ALL = 24

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="needs Linux, which tells the peak of a process",
)


def measure(path):
    """In a process of its own."""
    command = [sys.executable, "-m", "benchmarks.harness.large_manifest"]
    done = subprocess.run(
        [*command, "recordings", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "ending, n_lines", [("csv", 100_000), ("jsonl", 30_000)]
)
def test_memory_of_many_lines(tmp_path, ending, n_lines):
    path = tmp_path / f"manifest.{ending}"
    seconds = write_manifest(path, n_lines)
    figures = measure(path)
    assert figures["lines"] == n_lines
    assert figures["hours"] == pytest.approx(seconds / 3600)
    assert figures["held_out"] == n_lines // 50
    assert figures["batch"]["batches"] > n_lines / 100
    room = MIB_OF_A_MILLION * n_lines / 1_000_000
    assert figures["peak_mib"] < MIB_AT_ALL + room


@pytest.mark.slow
def test_memory_of_a_million_lines(tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(path, 1_000_000)
    figures = measure(path)
    assert figures["lines"] == 1_000_000
    assert figures["peak_mib"] <= MIB_OF_A_MILLION


def test_no_recording_is_opened_or_looked_for(tmp_path, monkeypatch):
    path = tmp_path / "manifest.csv"
    write_manifest(path, 50)

    def refuse(*arguments):
        raise AssertionError("a recording was looked for")

    monkeypatch.setattr(
        "sb_sma.data.speech.manifest.entries.find_alike", refuse
    )
    assert check_corpus(path, skip_audio=True).n_good == 50
    assert len(assign_splits(read_entries(path)[0], HoldOut())) == 50


def test_entries_are_a_sequence(tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(path, 7)
    entries = read_entries(path)[0]
    listed = list(entries)
    assert entries == listed and len(entries) == len(listed) == 7
    assert entries[-1] == listed[-1] and entries[2:5] == listed[2:5]
    assert listed[3] in entries and entries.index(listed[3]) == 3
    assert entries != listed[1:] and entries != 7
    assert Entries(path) == []
    with pytest.raises(IndexError):
        entries[7]


@pytest.mark.parametrize("seed", range(5))
def test_splits_depend_on_neither_order_nor_reading(tmp_path, seed):
    path = tmp_path / "manifest.csv"
    write_manifest(path, 500)
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    random.Random(seed).shuffle(rows)
    shuffled = tmp_path / "shuffled.csv"
    with open(shuffled, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    splits = [
        {
            entry.name: split
            for entry, split in zip(entries, assign_splits(entries, HoldOut()))
        }
        for entries in (read_entries(path)[0], read_entries(shuffled)[0])
    ]
    assert splits[0] == splits[1]


@pytest.mark.parametrize("n_more", [1, 50, 500])
def test_what_is_added_hardly_changes_who_is_held_out(n_more):
    names = [f"u{i}" for i in range(1000)]
    before = dict(zip(names, HoldOut(n_valid=10, n_test=10)(names)))
    more = [*names, *(f"v{i}" for i in range(n_more))]
    after = dict(zip(more, HoldOut(n_valid=10, n_test=10)(more)))
    for name in names:
        # places are taken, never exchanged
        assert after[name] in ("train", before[name])


DURATIONS = "id,wav,text,duration\n{}"


@pytest.mark.parametrize(
    "written", ["0", "-1", "abc", "nan", "inf", "1,5", "1e999", "3 s", "0:03"]
)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_durations_that_are_none_are_told(tmp_path, written, ending):
    path = tmp_path / f"manifest.{ending}"
    if ending == "csv":
        path.write_text(DURATIONS.format(f'a,a.wav,Yes.,"{written}"'))
    else:
        fields = {"id": "a", "wav": "a.wav", "text": "A", "duration": written}
        if ending == "json":
            fields = {fields.pop("id"): fields}
        path.write_text(json.dumps(fields))
    entries, problems = read_entries(path)
    assert entries == [] and len(problems) == 1
    assert "the duration must be a number of seconds above 0" in problems[0]
    assert repr(written) in problems[0]


@pytest.mark.parametrize("value", [3, 3.25, "3.25", " 3.5 "])
def test_json_may_have_durations_as_numbers(tmp_path, value):
    fields = {"id": "a", "wav": "a.wav", "text": "A", "Duration": value}
    path = tmp_path / "manifest.jsonl"
    path.write_text(json.dumps(fields))
    entries, problems = read_entries(path)
    assert problems == []
    assert entries[0].duration == float(value) and entries[0].labels == {}
    for wrong in ({**fields, "Duration": True}, {**fields, "text": 3}):
        path.write_text(json.dumps(wrong))
        assert "must be an object with strings" in read_entries(path)[1][0]


def test_texts_that_are_too_long_for_their_duration_are_told(tmp_path):
    path = tmp_path / "manifest.csv"
    lines = [f"a{i},a{i}.wav,A short text.,2.0" for i in range(6)]
    long = "A text that is much longer than what can be said in that time."
    path.write_text(
        DURATIONS.format("\n".join([*lines, f"b,b.wav,{long},0.2"]))
    )
    found = check_corpus(path, skip_audio=True)
    assert found.n_good == 6 and found.seconds == 12
    (problem,) = found.problems
    assert "line 8: " in problem and "got 48 letters for 0.2 s" in problem


def test_a_recording_is_as_long_as_the_manifest_says(tmp_path):
    import soundfile

    path = tmp_path / "manifest.csv"
    for name in "abcdefg":
        tone = np.sin(np.arange(2 * 22050) / 9) / 2
        soundfile.write(tmp_path / f"{name}.wav", tone, 22050)
    stated = dict.fromkeys("abcdef", 2.1) | {"g": 5.0}
    lines = [f"{n},{n}.wav,A short text.,{s}" for n, s in stated.items()]
    path.write_text(DURATIONS.format("\n".join(lines)))
    (problem,) = check_corpus(path).problems
    assert "line 8: " in problem
    assert "as long as the manifest says, 5 s; got 2.00 s" in problem
