"""Runs beside each other, and runs that go on, have each the corpus that it is
told.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.corpus.listing import list_corpora
from sb_sma.data.espeak.voice import speak
from tests.integration.recipe_runs import (
    KILLED,
    ROOT,
    TIMEOUT,
    read_history,
    refusal_of,
    train_tts,
)

pytestmark = pytest.mark.integration

QUICK = ("--use_tensorboard=False", "--number_of_epochs=1")


def corpora_in(folder):
    return sorted((folder / "corpus").glob("[!.]*"))


def entries_of(corpus):
    manifests = load_manifests(corpus).values()
    return [entry for manifest in manifests for entry in manifest.values()]


def test_runs_beside_each_other_keep_their_corpora(tmp_path):
    flags = {
        "one": ("--number_of_epochs=2",),
        "slow": ("--number_of_epochs=1", "--rate=130"),
        "same": ("--number_of_epochs=1", "--lr=0.001"),
    }
    with ThreadPoolExecutor() as pool:
        runs = {
            name: pool.submit(train_tts, tmp_path / name, QUICK[0], *each)
            for name, each in flags.items()
        }
    for run in runs.values():
        assert run.result().returncode == 0, run.result().stderr[-3000:]
    rates = {}
    for corpus in corpora_in(tmp_path):
        entries = entries_of(corpus)
        (rates[corpus.name],) = {entry["rate"] for entry in entries}
        for entry in entries:
            assert len(np.load(entry["mel"])) == entry["mel_length"]
    assert sorted(rates.values()) == [130, 175]
    for name, rate in (("one", 175), ("slow", 130), ("same", 175)):
        begun = json.loads((tmp_path / name / "save/corpus.json").read_text())
        assert begun["parameters"]["rate"] == [rate, rate]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder in LJSpeech's layout, and a finished run on it."""
    folder = tmp_path_factory.mktemp("going_on")
    (folder / "data" / "wavs").mkdir(parents=True)
    for i in range(8):
        add_recording(folder / "data", f"u{i}", f"This is sentence number {i}.")
    done = train_tts(folder / "run", f"--data_folder={folder / 'data'}", *QUICK)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def add_recording(data, name, text):
    soundfile.write(data / "wavs" / f"{name}.wav", speak(text).samples, 22050)
    with open(data / "metadata.csv", "a", encoding="utf-8") as file:
        file.write(f"{name}|{text}|{text}\n")


def written(folder):
    """What a command that is refused must not touch."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_a_run_goes_on_though_its_data_were_moved(recordings):
    moved = recordings / "moved"
    shutil.copytree(recordings / "data", moved, copy_function=shutil.copyfile)
    done = train_tts(
        recordings / "run",
        f"--data_folder={moved}",
        "--number_of_epochs=2",
        QUICK[0],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(read_history(recordings / "run")) == 2
    assert len(corpora_in(recordings)) == 1


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda data: add_recording(data, "new", "One more."), "1 added (new)"),
        (
            lambda data: soundfile.write(
                data / "wavs/u3.wav",
                speak("This is sentence number 3.").samples[::-1],
                22050,
            ),
            "1 changed (u3)",
        ),
    ],
    ids=["more", "other content"],
)
def test_other_recordings_are_told_before_anything_is_touched(
    recordings, change, told
):
    data = recordings / told
    shutil.copytree(recordings / "data", data)
    change(data)
    before = written(recordings)
    refusal = refusal_of(
        train_tts,
        recordings / "run",
        f"--data_folder={data}",
        "--number_of_epochs=3",
    )
    assert "began with something else: " in refusal
    assert f"utterances: {told}" in refusal
    assert "Give another --output_folder" in refusal
    assert written(recordings) == before


def test_a_trial_where_a_run_is_touches_nothing(recordings):
    before = written(recordings)
    refusal = refusal_of(
        train_tts,
        recordings / "run",
        f"--data_folder={recordings / 'data'}",
        "--debug",
    )
    assert "--debug would replace logs, report and model" in refusal
    assert written(recordings) == before


def test_no_step_in_an_epoch_is_refused(recordings):
    refusal = refusal_of(
        train_tts,
        recordings / "many",
        f"--data_folder={recordings / 'data'}",
        "--grad_accumulation_factor=99",
    )
    assert "grad_accumulation_factor must be at most" in refusal


PREPARATION = """
import logging
logging.basicConfig(level="INFO")
from recipes.Embedded.embedded_prepare import prepare_embedded
prepare_embedded(n_utterances=12, n_valid=2, n_test=2).make_in("corpus")
"""


def prepare(folder, *kill):
    """Make a corpus, or begin to."""
    folder.mkdir(exist_ok=True)
    script = folder / "prepare.py"
    script.write_text(PREPARATION)
    return subprocess.run(
        [sys.executable, *kill, script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def test_a_killed_preparation_goes_on(tmp_path):
    spot = "sb_sma.data.speech.journal.Journal.add:6"
    done = prepare(tmp_path / "killed", KILLED, spot)
    assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
    (begun,) = list_corpora(tmp_path / "killed" / "corpus")
    assert not begun.is_finished and not begun.users
    done = prepare(tmp_path / "killed")
    assert "Going on after 5 utterances" in done.stderr
    assert prepare(tmp_path / "whole").returncode == 0
    (killed,), (whole,) = map(
        corpora_in, (tmp_path / "killed", tmp_path / "whole")
    )
    assert killed.name == whole.name
    for path, content in written(whole).items():
        assert (killed / path.relative_to(whole)).read_bytes() == content
