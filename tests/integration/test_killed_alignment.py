"""``sb-sma align``, killed while it writes, ends as one that was not."""

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL

import pytest
import soundfile

from sb_sma.data.espeak.voice import speak

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet, and then the dark blue background.",
    "It is easy to tell the depth of a well.",
    "These days, a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
]


@pytest.fixture
def manifest(tmp_path):
    lines = ["id|wav|text"]
    for number, text in enumerate(TEXTS):
        speech = speak(text)
        wav = tmp_path / f"a{number}.wav"
        soundfile.write(wav, speech.samples, speech.sample_rate)
        lines.append(f"a{number}|{wav.name}|{text}")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(lines))
    return path


def align(manifest, out, killed_at=None):
    words = ["align", f"--data_folder={manifest}", f"--out={out}"]
    script = [ROOT / "sb_sma" / "cli" / "__main__.py"]
    if killed_at is not None:
        killed = Path(__file__).with_name("killed.py")
        script = [killed, killed_at, *script]
    return subprocess.run(
        [sys.executable, *script, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def content_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_killed_alignment_ends_as_one_that_was_not(manifest, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = align(manifest, whole)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "5 recording(s) aligned" in done.stdout
    assert "trained in" in done.stderr
    done = align(manifest, killed, "sb_sma.data.speech.journal.Journal.add:4")
    assert done.returncode == -SIGKILL, done.stderr[-3000:]
    assert not (killed / "alignments.json").exists()
    done = align(manifest, killed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "going on after 3 recordings" in done.stderr
    assert content_of(killed) == content_of(whole)
