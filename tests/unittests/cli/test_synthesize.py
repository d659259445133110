"""The shell command writes sound and pictures, or one line that says why not."""

import io
import sys

import pytest
import soundfile

from sb_sma import __version__
from sb_sma.cli import main

PNG = b"\x89PNG\r\n"


@pytest.fixture
def command(exported, tmp_path, monkeypatch):
    """Run ``sb-sma synthesize`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=exported[2]):
        return main(["synthesize", "--model", str(model), *map(str, arguments)])

    return run


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_sound(path):
    samples, sample_rate = soundfile.read(path)
    assert sample_rate == 22050
    assert samples.ndim == 1 and len(samples) > 1000
    assert 0 < abs(samples).max() <= 1


def error_of(capsys):
    """The one line that was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    prefix, message = line[:15], line[15:]
    assert prefix == "sb-sma: error: "
    return message


def test_a_text_becomes_a_sound_and_a_picture(command, tmp_path, texts):
    assert command("--text", texts[1], "--out", "a.wav", "--plot", "a.png") == 0
    assert files(tmp_path) == ["a.png", "a.wav"]
    assert_sound(tmp_path / "a.wav")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_the_picture_is_only_made_on_demand(command, tmp_path, texts):
    assert command("--text", texts[1], "--out", tmp_path / "b.WAV") == 0
    assert files(tmp_path) == ["b.WAV"]


def test_every_line_of_a_file_is_spoken(command, tmp_path, texts):
    lines = f"  {texts[1]}\n\n \n{texts[0]}\n"
    (tmp_path / "lines.txt").write_text(lines, encoding="utf-8")
    (tmp_path / "out").mkdir()
    arguments = ["--input", "lines.txt", "--plot", "out/p.png"]
    assert command(*arguments, "--out", "out/c.wav") == 0
    assert files(tmp_path / "out") == [
        "c-1.wav",
        "c-2.wav",
        "p-1.png",
        "p-2.png",
    ]
    sizes = [
        len(soundfile.read(tmp_path / "out" / f"c-{index}.wav")[0])
        for index in (1, 2)
    ]
    assert 0 < sizes[0] < sizes[1]


@pytest.mark.parametrize("option", [[], ["--input", "-"]], ids=["none", "-"])
def test_standard_input_is_spoken(
    command, tmp_path, texts, option, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{texts[1]}\n"))
    assert command(*option, "--out", "d.wav") == 0
    assert files(tmp_path) == ["d.wav"]


def test_seed_mode_and_pace_reach_the_model(command, tmp_path, texts):
    def samples(*options):
        assert command("--text", texts[0], "--out", "e.wav", *options) == 0
        return soundfile.read(tmp_path / "e.wav")[0].tolist()

    plain = samples("--seed", "1")
    assert samples("--seed", "1") == plain
    assert samples("--seed", "2") != plain
    assert samples("--seed", "1", "--mode", "hard") != plain
    assert len(samples("--seed", "1", "--pace", "4")) < len(plain)


def test_the_speaker_is_chosen_by_name(
    command, exported_speakers, tmp_path, texts, capsys
):
    def say(*options):
        arguments = ["--text", texts[1], "--out", "s.wav", "--seed", "1"]
        return command(*arguments, *options, model=exported_speakers)

    said = []
    for name in ("225", "no"):
        assert say("--speaker", name) == 0
        said.append(soundfile.read(tmp_path / "s.wav")[0].tolist())
    assert said[0] != said[1]
    capsys.readouterr()
    assert say("--speaker", "yes") == 1
    assert error_of(capsys) == (
        "speaker must be one of 225, en-us+f2, no; got 'yes'."
    )


def test_progress_is_shown(command, texts, capsys):
    command("--text", texts[1], "--out", "f.wav")
    assert "1/1" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "  ", "...", "?!"])
def test_a_text_that_cannot_be_spoken_is_an_error(
    command, tmp_path, text, capsys
):
    assert command("--text", text, "--out", "g.wav") == 1
    assert "sb-sma: error: text 1: " in capsys.readouterr().err
    assert files(tmp_path) == []


@pytest.mark.parametrize("content", ["", "\n \n"], ids=["empty", "blank"])
def test_a_file_without_text_is_an_error(command, tmp_path, content, capsys):
    (tmp_path / "lines.txt").write_text(content)
    assert command("--input", "lines.txt", "--out", "g.wav") == 1
    assert error_of(capsys) == (
        "lines.txt holds no text. Give --text, or one utterance per line."
    )


def test_no_input_at_all_is_an_error(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert command("--out", "g.wav") == 1
    assert error_of(capsys).startswith("standard input holds no text.")


def test_a_missing_file_is_an_error(command, capsys):
    assert command("--input", "lines.txt", "--out", "g.wav") == 1
    assert "No such file or directory: 'lines.txt'" in error_of(capsys)


@pytest.mark.parametrize(
    "model", ["absent", "./absent", "results/tts/absent", "/absent", "x/absent"]
)
def test_a_missing_model_is_an_error(command, tmp_path, model, capsys):
    (tmp_path / "x").mkdir()
    assert command("--text", "Hi.", "--out", "g.wav", model=model) == 1
    assert error_of(capsys) == (
        "a model must be a folder that a training run exported; "
        f"{model} does not exist. Give the folder model/ of the run."
    )


def test_a_folder_without_a_model_is_an_error(command, tmp_path, capsys):
    (tmp_path / "x").mkdir()
    assert command("--text", "Hi.", "--out", "g.wav", model="x") == 1
    assert "hyperparams.yaml" in error_of(capsys)


@pytest.mark.parametrize("option", ["--out", "--plot"])
def test_a_missing_folder_is_an_error(command, tmp_path, option, capsys):
    name = {"--out": "no/a.wav", "--plot": "no/a.png"}[option]
    assert command("--text", "Hi.", "--out", "g.wav", option, name) == 1
    assert error_of(capsys) == (
        f"{name} cannot be written: the folder {tmp_path / 'no'} does not "
        "exist. Make it first."
    )


@pytest.mark.parametrize("name", ["a", "a.mp3", "a.wav.txt"])
def test_only_wav_is_written(command, name, capsys):
    assert command("--text", "Hi.", "--out", name) == 1
    assert error_of(capsys) == f"--out must end in .wav; got {name}."


@pytest.mark.parametrize("name", ["a", "a.wav", "a.png.txt"])
def test_only_pictures_are_drawn(command, tmp_path, name, capsys):
    assert command("--text", "Hi.", "--out", "a.wav", "--plot", name) == 1
    message = error_of(capsys)
    assert message.startswith("--plot must end in one of .")
    assert ".png" in message and message.endswith(f"; got {name}.")
    assert files(tmp_path) == []


def test_a_folder_is_not_overwritten(command, tmp_path, capsys):
    (tmp_path / "a.wav").mkdir()
    assert command("--text", "Hi.", "--out", "a.wav") == 1
    assert "a.wav cannot be written: it is a folder." in error_of(capsys)


def test_softmax_cannot_walk_hard(command, exported_softmax, capsys):
    arguments = ["--text", "No.", "--out", "g.wav", "--mode", "hard"]
    assert command(*arguments, model=exported_softmax) == 1
    assert "RegularMHA can only be decoded" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["synthesise"],
        ["synthesize", "--out", "a.wav"],
        ["synthesize", "--model", "m", "--text", "a"],
        ["synthesize", "--model", "m", "--out", "a.wav", "--mode", "softly"],
        ["synthesize", "--model", "m", "--out", "a.wav", "--pace", "fast"],
        ["synthesize", *"--model m --out a.wav --text a --input b".split()],
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_a_wrong_command_line_shows_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    assert capsys.readouterr().err.startswith("usage: sb-sma")


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as exited:
        main(["--version"])
    assert exited.value.code == 0
    assert capsys.readouterr().out.strip() == __version__
