"""Models are set side by side, or one line says why not."""

import json
import re
import sys

import pytest

from sb_sma.cli import main
from sb_sma.cli.paths import short_names
from sb_sma.evaluation.summary import ALL
from sb_sma.inference import TTS

FILES = ["evaluation.json", "evaluation.png", "index.html"]


@pytest.fixture
def command(exported, texts, tmp_path, monkeypatch):
    """Run ``sb-sma evaluate`` with three texts, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    lines = [f"kind {number % 2}\t{text}" for number, text in enumerate(texts)]
    (tmp_path / "texts.tsv").write_text("\n".join(lines), encoding="utf-8")

    def run(*arguments, models=(exported[2],), texts="texts.tsv"):
        options = ["--texts", texts] if texts else []
        arguments = ["--model", *models, *options, *arguments]
        return main(["evaluate", *map(str, arguments)])

    return run


def stored(folder="evaluation"):
    with open(f"{folder}/evaluation.json", encoding="utf-8") as file:
        return json.load(file)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def error_of(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    *_, line = captured.err.splitlines()
    assert line.startswith("sb-sma: error: ")
    return line.removeprefix("sb-sma: error: ")


def test_models_and_modes_stand_side_by_side(
    command, exported, exported_softmax, tmp_path, capsys
):
    arguments = ["--mode", "soft", "hard", "soft", "--window", "1", "2"]
    models = [exported[2], exported_softmax]
    assert command(*arguments, "--seeds", 2, models=models) == 0
    assert names_in(tmp_path / "evaluation") == FILES
    evaluation = stored()
    assert evaluation["n_texts"] == 3 and evaluation["seeds"] == [0, 1]
    monotonic = {s["name"]: s["monotonic"] for s in evaluation["systems"]}
    assert list(monotonic.values()) == [True, True, False, False]
    sma, softmax = "moved model", exported_softmax.parent.name
    assert list(monotonic) == [
        f"{sma}, soft",
        f"{sma}, hard",
        softmax,
        f"{softmax}, window 1 2",
    ]
    assert [s["window"] for s in evaluation["systems"]][2:] == [None, [1, 2]]
    for system in evaluation["systems"]:
        bad = system["bad_texts"]
        assert list(bad) == [ALL, "kind 0", "kind 1"]
        assert [bad[kind]["of"] for kind in bad] == [3, 2, 1]
        assert len(bad[ALL]["by_seed"]) == 2
        assert bad[ALL]["best"] <= bad[ALL]["mean"] <= bad[ALL]["worst"]
        listed = system["faults"]
        assert bad[ALL]["worst"] <= len(listed) <= sum(bad[ALL]["by_seed"])
    page = (tmp_path / "evaluation" / "index.html").read_text("utf-8")
    printed = capsys.readouterr().out
    for name in monotonic:
        assert name in page and name in printed
    assert "<audio" in page and "kind 1" in printed


def test_it_speaks_as_the_model_does_alone(command, exported, texts):
    assert command("--seeds", 1, "--mode", "soft") == 0
    tts = TTS.from_hparams(source=str(exported[2]))
    spoken = tts.speak(texts, mode="soft", seed=0)
    seconds = sum(len(each.mel) for each in spoken) * 256 / 22050
    assert stored()["systems"][0]["seconds_spoken"] == pytest.approx(
        seconds, abs=0.06
    )


def test_a_text_that_cannot_be_spoken_is_named_and_left_out(
    command, tmp_path, texts, capsys
):
    lines = f"{texts[0]}\n\n* * *\n{texts[1]}\n"
    (tmp_path / "mine.txt").write_text(lines, encoding="utf-8")
    assert command("--seeds", 1, texts="mine.txt", *["--out", "o"]) == 0
    evaluation = stored("o")
    assert (evaluation["n_texts"], evaluation["passed_over"]) == (2, 1)
    passed_over = evaluation["passed_over_texts"]
    assert list(passed_over) == ["line 3"]
    page = (tmp_path / "o" / "index.html").read_text("utf-8")
    assert "Texts passed over" in page and "line 3" in page
    errors = capsys.readouterr().err
    assert "mine.txt:3: text must have at least one letter" in errors
    assert "1 bad line(s) passed over" in errors


def test_an_interrupted_run_leaves_nothing(command, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sb_sma.evaluation.systems.read_spoken", interrupt)
    assert command("--seeds", 1) == 130
    assert names_in(tmp_path) == ["texts.tsv"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--opinion"], "--opinion needs --ear"),
        (["--recordings", "x"], "--recordings needs --ear"),
        (["--window", "0", "0"], "--window must be two counts"),
        (["--window", "1", "3"], "--window is for models with softmax"),
        (["--out", "texts.tsv"], "--out must be a folder"),
        (["--texts", "none.txt"], "--texts must be a readable file; got none"),
        (["--model", "./none"], "./none does not exist"),
        (["--ear", "tiny.eng"], "--ear must be a folder, a repository"),
        (["--ear", "."], "--ear must be a folder with hyperparams.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line(command, tmp_path, capsys, arguments, message):
    if arguments == ["--ear", "tiny.eng"]:
        pytest.importorskip("faster_whisper")
    assert command("--seeds", 1, *arguments) == 1
    assert message in error_of(capsys)
    assert names_in(tmp_path) == ["texts.tsv"]


def test_attempts_of_a_model_that_speaks_once_are_told(
    command, exported_unusual, capsys
):
    assert command("--seeds", 1, "--attempts", 2) == 1
    message = "--attempts above 1 is for models that know"
    assert message in error_of(capsys)
    assert (
        command("--seeds", 1, "--attempts", 2, models=[exported_unusual]) == 0
    )
    (system,) = stored()["systems"]
    assert system["attempts"] == 2
    assert system["reading"]["spoken_again"] == 3.0


def test_the_page_tells_one_seed_and_its_examples(command, tmp_path, capsys):
    assert command("--seeds", 1) == 0
    page = (tmp_path / "evaluation" / "index.html").read_text("utf-8")
    titles = re.findall(r"seed 0, kind \d, text (\d)", page)
    assert set(titles) == {"2", "3"}
    assert "The examples of each are the 3 texts with most faults" in page
    printed = capsys.readouterr().out
    (line,) = [row for row in printed.splitlines() if row[:4] == "all "]
    assert re.fullmatch(r"all +\d of 3 .*", line)
    assert "mean" not in printed


def test_a_model_that_speaks_once_has_one_attempt(command):
    assert command("--seeds", 1) == 0
    (system,) = stored()["systems"]
    assert system["attempts"] == 1


def test_a_mode_that_no_model_has_is_told(command, exported_softmax, capsys):
    assert command("--mode", "hard", models=[exported_softmax]) == 1
    assert "--mode is for models with monotonic attention" in error_of(capsys)


def test_a_model_is_named_once(command, exported, capsys):
    assert command(models=[exported[2]] * 2) == 1
    assert "twice" in error_of(capsys)


@pytest.mark.parametrize("seeds", ["0", "101", "1.5", "many"])
def test_a_number_of_seeds_is_one(command, seeds, capsys):
    with pytest.raises(SystemExit) as exited:
        command("--seeds", seeds)
    assert exited.value.code == 2
    assert "must be a whole number from 1 to 100" in capsys.readouterr().err


def test_lines_with_and_without_a_kind_are_told_apart(
    command, tmp_path, capsys
):
    (tmp_path / "mixed.txt").write_text("a\tNo.\nYes.", encoding="utf-8")
    assert command(texts="mixed.txt") == 1
    assert "mixed.txt: line 2: all lines must name a kind" in error_of(capsys)


@pytest.mark.parametrize(
    "arguments, packages",
    [
        (["--ear", "tiny.en"], "faster-whisper, which is missing"),
        (
            ["--ear", "tiny.en", "--opinion"],
            "faster-whisper and distillmos, which are",
        ),
        (["--ear", "some/asr", "--opinion"], "distillmos, which is missing"),
    ],
    ids=["words", "words and opinion", "opinion"],
)
def test_a_missing_package_names_the_extra(
    command, monkeypatch, capsys, arguments, packages
):
    for name in ("faster_whisper", "distillmos"):
        monkeypatch.setitem(sys.modules, name, None)
    assert command(*arguments) == 1
    message = error_of(capsys)
    assert packages in message
    assert message.endswith("pip install 'sb_sma[evaluate]'")


def test_models_are_named_by_their_runs():
    assert [*short_names(["runs/SMA/model", "other"])] == [
        ("SMA", "runs/SMA/model"),
        ("other", "other"),
    ]
    twins = ["a/SMA/model", "b/SMA/model"]
    assert [*short_names(twins)] == [(twin, twin) for twin in twins]


def test_the_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert (
        "sb-sma evaluate --model DIR --ear tiny.en" in capsys.readouterr().out
    )


def test_the_command_can_be_typed_again(command, exported):
    assert command("--seeds", 1, "--mode", "soft", "hard") == 0
    assert stored()["command"] == (
        f"sb-sma evaluate --model '{exported[2]}' --texts texts.tsv "
        "--out evaluation --seeds 1 --mode soft hard --language en"
    )
