"""`sb-sma check` names every problem of a corpus at once."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from sb_sma.cli import main
from sb_sma.data.espeak.voice import speak
from sb_sma.data.speech.check import check_corpus, find_problems
from sb_sma.data.speech.prepare import prepare_speech


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
    told = "or be a manifest (.csv, .tsv, .json or .jsonl); got"
    assert told in capsys.readouterr().err


TEXT = "A sentence of some length is said by a voice for this test."


@pytest.fixture
def recordings(tmp_path):
    """A manifest of recordings, each of which is worth a word."""
    sound = speak(TEXT).samples / 2**15
    hall, rate = np.zeros(40 * 22050), 22050
    kinds = {
        "good": sound,
        "scale": sound * 2**15,
        "pause": np.concatenate([sound, hall, sound]),
        "silent": hall,
        "inverted": np.column_stack([sound, -0.95 * sound]),
        "short": sound[2000:4000],
        "long": np.tile(sound, 16),
        "clipped": np.clip(4 * sound, -1, 1),
        "quiet": sound / 500,
        "offset": sound / 2 + 0.2,
        "one_channel": np.column_stack([0 * sound, sound]),
        "pausing": np.concatenate([sound, hall[: 3 * rate], sound]),
        "fast": sound,
    }
    rows = ["id,wav,text"]
    for name, samples in kinds.items():
        wav = tmp_path / f"{name}.wav"
        header_rate = 2 * rate if name == "fast" else rate
        soundfile.write(wav, samples, header_rate, subtype="FLOAT")
        rows.append(f"{name},{wav},{TEXT}")
    rows += [f"more{i},{tmp_path / 'good.wav'},{TEXT}" for i in range(9)]
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(rows))
    return path


PROBLEMS = {
    "scale": r"scale.wav must have samples in \[-1, 1\]; got values up to \d+",
    "pause": r"pause.wav must have pauses of at most 5 s; got silence of 40.\d "
    r"s from \d.\d s on. Shorten the silence",
    "silent": "silent.wav must be the recording of speech; got silence",
    "inverted": "inverted.wav must have channels that can be mixed",
    "short": "short.wav must be the recording of the whole text; got 46 ",
    "long": "long.wav must be the recording of its text alone; got 46 ",
}
REMARKS = {
    "clipped": r"clipped.wav is clipped \(\d+ samples at full scale\)",
    "quiet": r"quiet.wav is very quiet \(its peak is \d\d dB below full scale",
    "offset": r"offset.wav is off centre \(its mean, 0.\d+, is subtracted\)",
    "one_channel": r"one_channel.wav is silent in a channel \(number 1 of 2,",
    "pausing": r"pausing.wav is silent inside for long \(3.\d s from \d.\d s",
    "fast": r"fast.wav is much faster than most \(\d\d letters per second for",
}


def test_recordings_are_judged(recordings, capsys):
    assert main(["check", str(recordings)]) == 1
    *found, summary = capsys.readouterr().out.splitlines()
    problems = [row for row in found if not row.startswith("- remark: ")]
    remarks = [row for row in found if row not in problems]
    assert len(problems) == len(PROBLEMS)
    for problem, message in zip(problems, PROBLEMS.values()):
        assert re.search(message, problem)
    # what speaks twice as long as its text is slow, too
    slow = r"pausing.wav is much slower than most"
    for message in [*REMARKS.values(), slow]:
        [remark] = [row for row in remarks if re.search(message, row)]
        assert remark.startswith(f"- remark: {recordings}, line ")
    assert len(remarks) == len(REMARKS) + 1
    n_good = 22 - len(PROBLEMS)
    counts = f"{len(problems)} problem(s), {len(remarks)} remark(s)"
    assert summary == f"{n_good} good utterance(s), {counts}"


def test_the_command_and_preparation_judge_alike(recordings, tmp_path):
    found = check_corpus(recordings)
    with pytest.raises(ValueError) as error:
        prepare_speech(recordings, tmp_path / "corpus", trim_db=40)
    assert str(error.value).splitlines()[1:] == [
        f"- {problem}" for problem in found.problems
    ]
    prepare_speech(
        recordings, tmp_path / "corpus", trim_db=40, skip_bad_utterances=True
    )
    report = json.loads((tmp_path / "corpus" / "report.json").read_text())
    assert report["problems_skipped"] == found.problems
    told = {
        f"{recordings.parent}/{name}.wav is {kind} ({detail})"
        for name, remarks in report["remarks"].items()
        for kind, detail in remarks.items()
    }
    assert told == {remark.split(": ", 1)[1] for remark in found.remarks}


def test_remarks_alone_are_no_failure(recordings, capsys):
    lines = recordings.read_text().splitlines()
    recordings.write_text("\n".join([lines[0], *lines[8:]]))
    assert main(["check", str(recordings)]) == 0
    assert "0 problem(s), 7 remark(s)" in capsys.readouterr().out


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
