"""`sb-sma check` names every problem of a corpus at once."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from sb_sma.cli import main
from sb_sma.data.speech.check import find_problems


@pytest.fixture
def manifest(tmp_path):
    """Three good lines, then one with each kind of fault."""
    sound = 0.3 * np.sin(np.arange(9000) / 20)
    broken = sound.copy()
    broken[100] = np.nan
    soundfile.write(tmp_path / "good.wav", sound, 22050)
    soundfile.write(tmp_path / "nan.wav", broken, 22050, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no sound")
    path = tmp_path / "manifest.csv"
    path.write_text(
        "id,wav,text\n"
        "a,good.wav,Yes.\n"
        "b,good.wav,No.\n"
        "b2,good.wav,Maybe.\n"
        "c,good.wav\n"
        "a,good.wav,Again.\n"
        "d,nan.wav,Hm.\n"
        "e,text.wav,...\n"
    )
    return path


def lines_of(problems):
    return [
        int(problem.split(", line ")[1].split(":")[0]) for problem in problems
    ]


def test_lines_texts_and_recordings_are_checked(manifest):
    n_good, problems = find_problems(manifest)
    assert n_good == 3
    assert lines_of(problems) == [5, 6, 7, 8, 8]
    assert "NaN" in problems[2] and "letter or digit" in problems[3]
    assert "text.wav must be a readable recording" in problems[4]


def test_the_recordings_can_be_left_alone(manifest):
    (manifest.parent / "good.wav").unlink()
    n_good, problems = find_problems(manifest, skip_audio=True)
    assert n_good == 4
    assert lines_of(problems) == [5, 6, 8]


@pytest.mark.parametrize(
    "content, message",
    [
        (
            "id,wav,text,split\na,a.wav,A,train\nb,b.wav,B,valid\n",
            "got none of test. Change",
        ),
        (
            "id,wav,text\na,a.wav,A\nb,b.wav,B\n",
            "got 2 and 2 of 2 utterances",
        ),
    ],
    ids=["column", "too few"],
)
def test_splits_that_cannot_train_are_a_problem(tmp_path, content, message):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(content)
    n_good, [problem] = find_problems(manifest, skip_audio=True)
    assert n_good == 2
    assert problem.startswith(f"{manifest}: ") and message in problem


def test_the_command_prints_every_problem(manifest, capsys):
    assert main(["check", str(manifest)]) == 1
    *problems, summary = capsys.readouterr().out.splitlines()
    assert lines_of(problems) == [5, 6, 7, 8, 8]
    assert summary == "3 good utterance(s), 5 problem(s)"


def test_the_command_agrees_to_a_good_corpus(shared, capsys):
    assert main(["check", str(shared / "data" / "ljspeech-mini")]) == 0
    assert capsys.readouterr().out == "32 good utterance(s), 0 problem(s)\n"


def test_the_command_tells_what_is_no_manifest(tmp_path, capsys):
    assert main(["check", str(tmp_path / "nowhere.csv")]) == 1
    assert "or be a manifest (.csv or .json); got" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["sb_sma.cli check", "sb_sma.data.check"])
def test_the_old_call_goes_on_working(call, manifest, repository):
    done = subprocess.run(
        [sys.executable, "-m", *call.split(), str(manifest), "--skip_audio"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout.endswith("4 good utterance(s), 3 problem(s)\n")


def test_the_lines_are_checked_without_torch(manifest, repository):
    code = (
        "import sys; from sb_sma.cli import main; main(sys.argv[1:]); "
        "print('torch' in sys.modules)"
    )
    command = ["check", str(manifest), "--skip_audio"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("4 good utterance(s), 3 problem(s)\nFalse\n")
