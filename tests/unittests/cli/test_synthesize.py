"""The shell command writes sound and pictures, or one line that says why not."""

import argparse
import contextlib
import io
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sb_sma import __version__
from sb_sma.cli import (
    main,
    synthesize as command_module,
)
from sb_sma.cli.utterances import Utterance
from sb_sma.data import MelSettings
from sb_sma.inference import TTS
from sb_sma.inference.spoken import join_spoken
from sb_sma.vocoders import HiFiGAN
from sb_sma.vocoders.registry import VOCODERS

PNG = b"\x89PNG\r\n"


@pytest.fixture
def command(exported, tmp_path, monkeypatch):
    """Run ``sb-sma synthesize`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=exported[2]):
        return main(["synthesize", "--model", str(model), *map(str, arguments)])

    run.model = exported[2]
    return run


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_sound(path):
    samples, sample_rate = soundfile.read(path)
    assert sample_rate == 22050
    assert samples.ndim == 1 and len(samples) > 1000
    assert 0 < abs(samples).max() <= 1


def give_standard_input(monkeypatch, content):
    stream = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stream)


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
    give_standard_input(monkeypatch, f"\ufeff{texts[1]}\n".encode())
    assert command(*option, "--out", "d.wav") == 0
    assert files(tmp_path) == ["d.wav"]


def test_a_line_that_cannot_be_spoken_is_passed_over(
    command, tmp_path, texts, capsys
):
    lines = [texts[0], "", "* * *", texts[1], "...", texts[2]]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("--seed", "1", "--input", "lines.txt", "--plot", "c.png")
    assert command(*arguments, "--out", "c.wav") == 0
    assert files(tmp_path) == [
        *(
            f"c-{number}{end}"
            for number in (1, 3, 5)
            for end in (".png", ".wav")
        ),
        "lines.txt",
    ]
    error = capsys.readouterr().err
    assert "sb-sma: lines.txt:3: text must have at least one letter" in error
    assert "sb-sma: lines.txt:5: text must have at least one letter" in error
    assert error.endswith("sb-sma: 2 bad line(s) passed over: 3, 5\n")
    assert "5/5" in error
    # the others do not hear of it
    good = "\n".join(texts)
    (tmp_path / "good.txt").write_text(good, encoding="utf-8")
    arguments = ("--seed", "1", "--input", "good.txt", "--out", "good.wav")
    assert command(*arguments) == 0
    for name, other in (
        ("c-1", "good-1"),
        ("c-3", "good-2"),
        ("c-5", "good-3"),
    ):
        one, two = (
            soundfile.read(tmp_path / f"{each}.wav")[0]
            for each in (name, other)
        )
        np.testing.assert_allclose(one, two, atol=1e-3)


def test_names_are_in_the_order_of_the_lines(
    command, tmp_path, texts, monkeypatch
):
    monkeypatch.setattr(command_module, "_CHUNK_TEXTS", 4)
    lines = [texts[1 if number % 3 else 0] for number in range(12)]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out").mkdir()
    arguments = ("--seed", "1", "--input", "lines.txt", "--out", "out/c.wav")
    assert command(*arguments) == 0
    names = files(tmp_path / "out")
    assert names == [f"c-{number:02}.wav" for number in range(1, 13)]
    sizes = [soundfile.info(tmp_path / "out" / name).frames for name in names]
    assert len(set(sizes)) == 2
    assert sizes == [sizes[1 if number % 3 else 0] for number in range(12)]


def test_lines_in_another_encoding_are_told(command, tmp_path, texts, capsys):
    lines = f"{texts[1]}\ncafé\n“{texts[1]}”\n{texts[1]}\n"
    (tmp_path / "lines.txt").write_bytes(lines.encode("cp1252"))
    assert command("--input", "lines.txt", "--out", "c.wav") == 0
    assert files(tmp_path) == ["c-1.wav", "c-4.wav", "lines.txt"]
    error = capsys.readouterr().err
    assert "sb-sma: lines.txt:2: must be UTF-8; got b'\\xe9', as" in error
    assert "sb-sma: lines.txt:3: must be UTF-8; got b'\\x93', as" in error
    assert "iconv -f CP1252 -t UTF-8" in error


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_says_nothing(
    command, tmp_path, texts, encoding, capsys
):
    (tmp_path / "lines.txt").write_text("\n".join(texts), encoding=encoding)
    assert command("--input", "lines.txt", "--out", "c.wav") == 1
    assert files(tmp_path) == ["lines.txt"]
    error = capsys.readouterr().err
    assert "lines.txt:1: must be UTF-8; got " in error
    assert "iconv -f UTF-16" in error
    assert error.splitlines()[-1].startswith("sb-sma: error: ")


def test_only_bad_lines_are_an_error(command, tmp_path, capsys):
    (tmp_path / "lines.txt").write_text("* * *\n\n...\n")
    assert command("--input", "lines.txt", "--out", "c.wav") == 1
    assert files(tmp_path) == ["lines.txt"]
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sb-sma: error: none of the 2 line(s) of lines.txt could be read. Give "
        "one utterance per line."
    )


def test_a_long_text_is_one_file(command, tmp_path, texts, monkeypatch):
    monkeypatch.setattr("sb_sma.inference.tts._PASSAGES_AHEAD", 2)
    line = " ".join([texts[0]] * 40)
    (tmp_path / "lines.txt").write_text(f"{line}\n{texts[1]}\n")
    arguments = ["--input", "lines.txt", "--out", "c.wav", "--seed", "1"]
    assert command(*arguments) == 0
    assert files(tmp_path) == ["c-1.wav", "c-2.wav", "lines.txt"]
    tts = TTS.from_hparams(source=str(command.model))
    (spoken,) = tts.speak(line, seed=1)
    assert len(spoken.timings) > 2
    samples, _ = soundfile.read(tmp_path / "c-1.wav")
    assert len(samples) == 256 * (len(spoken.mel) - 1)
    monkeypatch.setattr("sb_sma.inference.performer._DENSE_TOKENS", 100)
    assert command(*arguments, "--one_piece", "--words", "c.tsv") == 0
    other, _ = soundfile.read(tmp_path / "c-1.wav")
    (whole,) = tts.speak(line, seed=1, split=False)
    assert len(other) == 256 * (len(whole.mel) - 1) != len(samples)


def test_what_was_spoken_again_is_counted(
    command, exported_unusual, tmp_path, texts, capsys
):
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    arguments = ["--input", "texts.txt", "--out", "a.wav"]
    assert command(*arguments, model=exported_unusual) == 0
    assert "sb-sma: 3 passage(s) were spoken again" in capsys.readouterr().err
    arguments[-1] = "b.wav"
    assert command(*arguments) == 0
    assert "again" not in capsys.readouterr().err


def test_words_are_told(command, tmp_path, texts):
    text = f'{texts[0]} <break time="2s"/> {texts[1]}'
    arguments = ["--text", text, "--out", "c.wav", "--words", "c.tsv"]
    assert command(*arguments) == 0
    rows = (tmp_path / "c.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["start", "end", "said", "word"]
    words = [row.split("\t") for row in rows[1:]]
    assert [word[3] for word in words] == "A short one I say No".split()
    times = [float(time) for word in words for time in word[:2]]
    assert times == sorted(times) and times[-2] - times[-3] >= 2
    assert {word[2] for word in words} <= {"yes", "no"}


def test_unknown_markup_is_passed_over_by_name(
    command, tmp_path, texts, capsys
):
    lines = [
        f"<i>{texts[0]}</i>",
        texts[1],
        '<prosody rate="30%">No.</prosody>',
    ]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    arguments = ["--input", "lines.txt", "--out", "c.wav", "--pace", "0.5"]
    assert command(*arguments) == 0
    assert files(tmp_path) == ["c-2.wav", "lines.txt"]
    error = capsys.readouterr().err
    assert "lines.txt:1: character 1: '<i>' is not known; known are" in error
    assert "lines.txt:3: pace must be a number from 0.25 to 4.0" in error


def test_a_picture_of_a_book_is_not_drawn(
    command, tmp_path, texts, monkeypatch, capsys
):
    monkeypatch.setattr(command_module, "_DRAWN_TOKENS", 5)
    arguments = ["--text", texts[0], "--out", "c.wav", "--plot", "c.png"]
    assert command(*arguments) == 0
    assert files(tmp_path) == ["c.wav"]
    assert "c.png is not drawn: the text has" in capsys.readouterr().err


def test_a_picture_that_is_not_drawn_takes_no_memory(
    command, tmp_path, texts, monkeypatch, capsys
):
    monkeypatch.setattr(command_module, "_DRAWN_TOKENS", 100)
    joined = []

    def join(text, passages, seconds_per_frame):
        """Note what was kept."""
        joined.append(sum(each.mel.numel() for each in passages))
        return join_spoken(text, passages, seconds_per_frame)

    monkeypatch.setattr("sb_sma.inference.spoken.join_spoken", join)
    text = " ".join([texts[0]] * 40)
    arguments = ["--text", text, "--out", "c.wav", "--plot", "c.png"]
    assert command(*arguments, "--words", "c.tsv") == 0
    assert files(tmp_path) == ["c.tsv", "c.wav"] and joined == [0]
    assert "c.png is not drawn: the text has" in capsys.readouterr().err
    assert command("--text", texts[0], *arguments[2:]) == 0
    assert joined[1] > 0 and "c.png" in files(tmp_path)


def test_lines_are_read_some_at_a_time(monkeypatch):
    monkeypatch.setattr(command_module, "_CHUNK_TEXTS", 3)
    monkeypatch.setattr(command_module, "_CHUNK_CHARACTERS", 10)
    lengths = [9, 1, 1, 1, 1, 4, 6, 5, 10, 2]
    utterances = [
        Utterance(line, "a" * length, Path("a.wav"), None)
        for line, length in enumerate(lengths)
    ]
    chunks = command_module._chunks(utterances)
    assert [[len(each.text) for each in chunk] for chunk in chunks] == [
        [9],  # alone, whatever follows
        [1, 1, 1],
        [1, 4],
        [6],
        [5],
        [10],
        [2],
    ]


def test_a_line_that_is_cut_off_is_told(
    command, tmp_path, texts, monkeypatch, capsys, caplog
):
    monkeypatch.setattr(command_module, "_CHUNK_TEXTS", 2)
    brief = tmp_path / "brief"
    shutil.copytree(command.model, brief)
    path = brief / "hyperparams.yaml"
    limit = "max_seconds_per_token:"
    settings = path.read_text().replace(f"{limit} 0.2", f"{limit} 0.03")
    path.write_text(settings)
    lines = ["", *[texts[0]] * 4]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="sb_sma"):
        arguments = ("--input", "lines.txt", "--out", "c.wav")
        assert command(*arguments, model=brief) == 0
    error = capsys.readouterr().err
    for position in range(1, 5):
        assert (
            f"sb-sma: lines.txt:{position + 1}: did not end by itself and was "
            f"cut off; see c-{position}.wav" in error
        )
    # and not by its number in a chunk
    assert "text 1 was cut off" not in error + caplog.text


@pytest.mark.integration
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_what_is_complete(
    command, tmp_path, texts, kind, repository
):
    (tmp_path / "lines.txt").write_text(f"{texts[2]}\n" * 2000)
    (tmp_path / "out").mkdir()
    arguments = ["--model", command.model, "--input", "lines.txt"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sb_sma.cli", "synthesize", *arguments]
        + ["--out", "out/c.wav"],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stderr=subprocess.PIPE,
        text=True,
        # whoever runs the tests in the background may ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        end = time.monotonic() + 300
        written = (tmp_path / "out").glob
        while len([*written("*.wav")]) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        # Python drops an interrupt that falls into a finalizer: insist
        for _ in range(12):
            process.send_signal(kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
                break
        process.kill()
        error = process.stderr.read()
    written = sorted((tmp_path / "out").glob("*.wav"))
    assert 3 <= len(written) < 2000
    assert [path.name for path in written] == [
        f"c-{number:04}.wav" for number in range(1, len(written) + 1)
    ]
    for path in written:
        assert_sound(path)
    if kind == signal.SIGINT:
        assert process.returncode == 130
        assert error.splitlines()[-1] == "sb-sma: interrupted"
        assert len(files(tmp_path / "out")) == len(written)


@pytest.mark.parametrize("option", ["--input", "--style_wav"])
def test_what_is_read_is_not_overwritten(
    command, exported_gst, tmp_path, texts, option, capsys
):
    (tmp_path / "a-2.wav").write_text(f"{texts[1]}\n{texts[1]}\n")
    (tmp_path / "lines.txt").symlink_to("a-2.wav")
    arguments = ["--input", "lines.txt", "--out", "a.wav"]
    if option == "--style_wav":
        (tmp_path / "lines.txt").unlink()
        (tmp_path / "a-2.wav").rename(tmp_path / "lines.txt")
        soundfile.write(tmp_path / "a-2.wav", np.zeros(8000), 22050)
        arguments += ["--style_wav", "other.wav=0.5", "a-2.wav=0.5"]
        (tmp_path / "other.wav").touch()
    before = (tmp_path / "a-2.wav").read_bytes()
    assert command(*arguments, model=exported_gst) == 1
    assert error_of(capsys) == (
        f"--out must be another file than {option}; got a-2.wav for both."
    )
    assert (tmp_path / "a-2.wav").read_bytes() == before
    assert not (tmp_path / "a-1.wav").exists()


def test_a_pipe_can_be_heard(command, tmp_path, texts):
    os.mkfifo(tmp_path / "pipe.wav")
    with subprocess.Popen(
        ["cat", tmp_path / "pipe.wav"], stdout=subprocess.PIPE
    ) as reader:
        assert command("--text", texts[1], "--out", "pipe.wav") == 0
        samples, _ = soundfile.read(io.BytesIO(reader.stdout.read()))
    assert (tmp_path / "pipe.wav").is_fifo()
    assert len(samples) > 1000


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
    assert "sb-sma: error: --text: " in capsys.readouterr().err
    assert files(tmp_path) == []


def test_a_late_passage_that_cannot_be_spoken_costs_nothing(
    command, tmp_path, texts, monkeypatch, capsys
):
    monkeypatch.setattr("sb_sma.inference.tts._PASSAGES_AHEAD", 1)
    spoken = []
    monkeypatch.setattr(TTS, "to_sound", lambda *call: spoken.append(call))
    text = f'{texts[0]} <break time="1s"/> [No](/ʘ/).'
    assert command("--text", text, "--out", "g.wav") == 1
    assert "--text: /ʘ/ must be phonemes" in capsys.readouterr().err
    assert files(tmp_path) == [] and spoken == []


def test_a_text_is_checked_as_it_is_spoken(command, texts, monkeypatch):
    read = []
    whole = TTS.check_text

    def check_text(self, text, pace, split):
        """Note how it is read."""
        read.append(split)
        whole(self, text, pace, split)

    monkeypatch.setattr(TTS, "check_text", check_text)
    for option in ([], ["--one_piece"]):
        assert command("--text", texts[1], "--out", "g.wav", *option) == 0
    assert read == [True, False]


@pytest.mark.parametrize("content", ["", "\n \n"], ids=["empty", "blank"])
def test_a_file_without_text_is_an_error(command, tmp_path, content, capsys):
    (tmp_path / "lines.txt").write_text(content)
    assert command("--input", "lines.txt", "--out", "g.wav") == 1
    assert error_of(capsys) == (
        "lines.txt holds no text. Give --text, or one utterance per line."
    )


def test_no_input_at_all_is_an_error(command, monkeypatch, capsys):
    give_standard_input(monkeypatch, b"")
    assert command("--out", "g.wav") == 1
    assert error_of(capsys).startswith("standard input holds no text.")


def test_a_missing_file_is_an_error(command, capsys):
    assert command("--input", "lines.txt", "--out", "g.wav") == 1
    assert error_of(capsys) == (
        "--input must be a readable file; got lines.txt: No such file or "
        "directory"
    )


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
        *(
            ["synthesize", "--model", "m", "--out", "a.wav", f"--pace={pace}"]
            for pace in ("fast", "0", "-1", "inf", "nan", "4.1")
        ),
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


def test_hifigan_speaks(command, tmp_path, texts, hifigan_folder):
    arguments = ["--text", texts[1], "--seed", "1", "--vocoder", "hifigan"]
    arguments += ["--vocoder_source", hifigan_folder]
    assert command(*arguments, "--out", "a.wav") == 0
    assert_sound(tmp_path / "a.wav")
    tts = TTS.from_hparams(source=str(command.model))
    (spoken,) = tts.speak(texts[1], seed=1)
    expected = HiFiGAN(MelSettings(), hifigan_folder)(spoken.mel)
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    np.testing.assert_allclose(samples, expected.numpy(), atol=1e-3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--vocoder", "hifigan", "--vocoder_source", "./none"],
            "vocoder_source must be a folder, .* ./none does not exist",
        ),
        (
            ["--vocoder_source", "HERE"],
            "vocoder_source is for vocoder hifigan; got .* for griffin_lim",
        ),
        (
            ["--vocoder", "hifigan", "--vocoder_source", "BROKEN"],
            "generator.ckpt must hold the weights",
        ),
    ],
    ids=["missing", "not read", "cut"],
)
def test_a_vocoder_that_is_none_is_told_before_speaking(
    command, tmp_path, texts, hifigan_folder, arguments, message, capsys
):
    broken = shutil.copytree(hifigan_folder, tmp_path / "broken")
    (broken / "generator.ckpt").write_bytes(b"PK")
    places = {"HERE": hifigan_folder, "BROKEN": broken}
    given = [places.get(argument, argument) for argument in arguments]
    assert command("--text", texts[1], "--out", "a.wav", *given) == 1
    assert re.search(message, error_of(capsys))
    assert files(tmp_path) == ["broken"]


def test_vocoders_are_those_of_the_yaml():
    parser = argparse.ArgumentParser()
    command_module.add_arguments(parser)
    (option,) = (each for each in parser._actions if each.dest == "vocoder")
    assert list(option.choices) == list(VOCODERS)


def test_all_that_is_told_begins_alike(command, tmp_path, texts, capsys):
    # none of these phonemes was heard in training
    (tmp_path / "lines.txt").write_text(f"Yes, big job.\n{texts[1]}\n* * *\n")
    assert command("--input", "lines.txt", "--out", "c.wav") == 0
    error = capsys.readouterr().err
    assert "sb-sma: The model never heard" in error
    # a bar is drawn over
    lines = [line.strip() for line in re.split("[\r\n]", error)]
    told = [line for line in lines if line and "text/s]" not in line]
    assert [each for each in told if not each.startswith("sb-sma: ")] == []
