"""``sb-sma g2p``: a line in, a line out; bad lines are named and passed over."""

import io
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file, save_file

from sb_sma.cli import (
    g2p as command_module,
    main,
)
from sb_sma.inference import G2P
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.rescoring import CombinedG2P, load_together
from tests.model_folders import forget_digests
from tests.unittests.conftest import export_small_g2p


@pytest.fixture
def command(exported_g2p, tmp_path, monkeypatch):
    """Run ``sb-sma g2p`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=exported_g2p):
        return main(["g2p", "--model", str(model), *map(str, arguments)])

    return run


def test_a_line_per_word_in_the_same_order(command, tmp_path, exported_g2p):
    words = ["cab", "a", "bacca", "abc"]
    (tmp_path / "words.txt").write_text("\n".join(words) + "\n")
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    expected = G2P.from_hparams(source=str(exported_g2p))(words)
    assert (tmp_path / "out.tsv").read_text() == "".join(
        f"{word}\t{' '.join(phonemes)}\n"
        for word, phonemes in zip(words, expected)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.tsv",
        "words.txt",
    ]


def test_the_order_holds_across_chunks(command, tmp_path, monkeypatch):
    monkeypatch.setattr(command_module, "_CHUNK_LINES", 3)
    words = ["cab", "a", "bacca", "abc", "bb", "caab", "b"]
    (tmp_path / "words.txt").write_text("\n".join(words))
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    lines = (tmp_path / "out.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == words


def test_several_lines_per_word_with_their_log_probability(command, tmp_path):
    (tmp_path / "words.txt").write_text("cab\nabc\n")
    arguments = ("--input", "words.txt", "--output", "out.tsv", "--nbest", 2)
    assert command(*arguments) == 0
    rows = [
        line.split("\t")
        for line in (tmp_path / "out.tsv").read_text().splitlines()
    ]
    assert [row[0] for row in rows] == ["cab", "cab", "abc", "abc"]
    assert all(len(row) == 3 and float(row[2]) < 0 for row in rows)


def test_unlike_models_are_asked_together(command, tmp_path, exported_g2p):
    forget_digests(shutil.copytree(exported_g2p, tmp_path / "other"))
    graphemes = tmp_path / "other" / "graphemes.json"
    settings = json.loads(graphemes.read_text())
    settings["decompose"] = not settings["decompose"]
    graphemes.write_text(json.dumps(settings))
    weights = tmp_path / "other" / "model.safetensors"
    halves = {name: 0.5 * each for name, each in load_file(weights).items()}
    save_file(halves, weights)
    (tmp_path / "words.txt").write_text("cab\nabc\n")
    said = {}
    for name, models in (("alone", []), ("both", ["other"])):
        arguments = ("--input", "words.txt", "--output", name, "--nbest", 5)
        models = [str(exported_g2p), *models]
        assert main(["g2p", "--model", *models, *map(str, arguments)]) == 0
        said[name] = (tmp_path / name).read_text()
    expected = load_together([str(exported_g2p), "other"])
    assert said["both"] == "".join(
        f"{word}\t{' '.join(each.phonemes)}\t{each.log_probability:.4f}\n"
        for word in ("cab", "abc")
        for each in expected.n_best([word], 5)[0]
    )
    assert said["both"] != said["alone"]


@pytest.mark.parametrize("name", ["mine.tsv", "mine.dict"])
def test_the_words_of_a_lexicon_weigh(command, tmp_path, exported_g2p, name):
    (tmp_path / "words.txt").write_text("cab\nabc\n")
    between = "\t" if name.endswith(".tsv") else "  "
    (tmp_path / name).write_text(f"Cab{between}K AH K\n")
    arguments = ("--input", "words.txt", "--output", "out", "--nbest", 5)
    assert command("--analogy", name, *arguments) == 0
    expected = CombinedG2P(
        [G2P.from_hparams(source=str(exported_g2p))],
        Analogy({"cab": [["K", "AH", "K"]]}),
    )
    assert (tmp_path / "out").read_text() == "".join(
        f"{word}\t{' '.join(each.phonemes)}\t{each.log_probability:.4f}\n"
        for word in ("cab", "abc")
        for each in expected.n_best([word], 5)[0]
    )


def test_a_lexicon_is_read_before_anything_else(command, tmp_path, capsys):
    (tmp_path / "mine.tsv").write_text("cab K AH B\n")
    (tmp_path / "model.safetensors").touch()
    assert command("--analogy", "mine.tsv", model=tmp_path) != 0
    assert "mine.tsv" in capsys.readouterr().err
    assert command("--analogy", "none.tsv", "--input", "none.txt") != 0
    error = capsys.readouterr().err
    assert "--analogy none.tsv: " in error
    assert "none.tsv must be a readable file" in error


def test_analogy_needs_a_choice(command, capsys):
    assert command("--analogy", "mine.tsv", "--beam", 1) != 0
    assert "--beam 1 of one model gives a single" in capsys.readouterr().err


def test_a_lexicon_that_does_not_fit_is_named(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("cab\n")
    (tmp_path / "mine.tsv").write_text("cab\tK AH B K AH B K\n")
    assert command("--analogy", "mine.tsv", "--input", "words.txt") != 0
    assert "--analogy mine.tsv: lexicon must" in capsys.readouterr().err
    (tmp_path / "mine.tsv").write_text("cab\tk æ b\n")
    assert command("--analogy", "mine.tsv", "--input", "words.txt") != 0
    assert "mine.tsv: what is combined must write" in capsys.readouterr().err


def test_bad_lines_are_numbered_and_passed_over(command, tmp_path, capsys):
    lines = [b"cab", b"", b"a\tb", b"\xff\xfe", b"a" * 200, "ж".encode(), b"bb"]
    (tmp_path / "words.txt").write_bytes(b"\r\n".join(lines))
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    written = (tmp_path / "out.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in written] == ["cab", "bb"]
    error = capsys.readouterr().err
    # an empty line is no bad one
    assert "words.txt:2: " not in error
    for number in range(3, 7):
        assert f"sb-sma: words.txt:{number}: " in error
    last = error.splitlines()[-1]
    assert last == "sb-sma: 4 bad line(s) passed over: 3, 4, 5, 6"


@pytest.mark.parametrize(
    "words, status", [("cab\nbb\n", 0), ("cab\n...\n", 1)], ids=["good", "bad"]
)
def test_bad_lines_have_a_status_where_asked_for(
    command, tmp_path, words, status
):
    (tmp_path / "words.txt").write_text(words)
    arguments = ("--input", "words.txt", "--output", "out.tsv")
    assert command(*arguments) == 0
    lenient = (tmp_path / "out.tsv").read_text()
    assert command(*arguments, "--strict") == status
    # all is written in any case
    assert (tmp_path / "out.tsv").read_text() == lenient


def test_words_that_were_cut_off_are_marked(
    tmp_path, monkeypatch, repository, caplog
):
    monkeypatch.chdir(tmp_path)
    model = export_small_g2p(tmp_path / "run", repository)
    yaml = model / "hyperparams.yaml"
    text = yaml.read_text()
    text = re.sub(r"steps_per_grapheme: .*", "steps_per_grapheme: 0.0", text)
    yaml.write_text(re.sub(r"extra_steps: .*", "extra_steps: 1", text))
    (tmp_path / "words.txt").write_text("cab\nabc\n")
    arguments = ["--input", "words.txt", "--output", "out.tsv"]
    assert main(["g2p", "--model", str(model), *arguments]) == 0
    lines = (tmp_path / "out.tsv").read_text().splitlines()
    assert [line.split("\t")[2:] for line in lines] == [["cut off"]] * 2
    assert "2 of 2 words did not end by themselves" in caplog.text
    arguments += ["--nbest", "1", "--strict"]
    assert main(["g2p", "--model", str(model), *arguments]) == 1
    for line in (tmp_path / "out.tsv").read_text().splitlines():
        _, _, log_probability, mark = line.split("\t")
        assert float(log_probability) < 0 and mark == "cut off"


def test_a_beam_that_is_widened_is_told(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("cab\n")
    arguments = ("--input", "words.txt", "--output", "out.tsv", "--beam", 2)
    assert command(*arguments, "--nbest", 2) == 0
    assert capsys.readouterr().err == ""
    assert command(*arguments, "--nbest", 3) == 0
    told = "sb-sma: --nbest 3 widens the beam from 2 to 3\n"
    assert capsys.readouterr().err == told


def test_what_has_no_letter_is_no_word(
    tmp_path, monkeypatch, capsys, repository
):
    monkeypatch.chdir(tmp_path)
    words = ["a.b", "'c", "a-b", "b2"]
    model = export_small_g2p(
        tmp_path / "run", repository, words, lambda *_: None, n_graphemes=16
    )
    silent = ["...", "-", "'", "’", "–", "\u0301", "☂", ". -", "'-.'"]
    read = ["a.b", "2", "..c", "²"]
    (tmp_path / "words.txt").write_text("\n".join(silent + read), "utf-8")
    arguments = ["--input", "words.txt", "--output", "out.tsv"]
    assert main(["g2p", "--model", str(model), *arguments]) == 0
    written = (tmp_path / "out.tsv").read_text("utf-8").splitlines()
    assert [line.split("\t")[0] for line in written] == read
    error = capsys.readouterr().err
    for number in range(1, len(silent) + 1):
        assert f"sb-sma: words.txt:{number}: " in error
    assert error.count("A word must have a letter; got") == len(silent)
    assert "sb-sma: 9 bad line(s) passed over" in error
    g2p = G2P.from_hparams(source=str(model))
    with pytest.raises(ValueError, match="word 2: A word must have a letter"):
        g2p(["a", "..."])


def test_words_come_and_go_through_standard_streams(
    command, monkeypatch, capfdbinary
):
    stream = io.TextIOWrapper(io.BytesIO("\ufeffcab\nbb\n".encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert command() == 0
    out, err = capfdbinary.readouterr()
    assert [line.split(b"\t")[0] for line in out.splitlines()] == [
        b"cab",
        b"bb",
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--input", "none.txt"), "none.txt"),
        (("--input", "a.txt", "--output", "a.txt"), "another file"),
        (("--input", "a.txt", "--output", "none/b.tsv"), "none/b.tsv"),
        (
            ("--input", "a.txt", "--output", "."),
            ". cannot be written: it is a folder. Name a file in it.",
        ),
    ],
    ids=["no input", "input is output", "no folder", "a folder"],
)
def test_files_that_cannot_be_used_are_one_line(
    command, tmp_path, capsys, arguments, message
):
    (tmp_path / "a.txt").write_text("cab\n")
    assert command(*arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sb-sma: error: ") and message in line
    assert (tmp_path / "a.txt").read_text() == "cab\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_language_that_the_model_lacks_is_told_once(
    command, tmp_path, capsys
):
    (tmp_path / "words.txt").write_text("cab\nbb\n")
    arguments = ("--input", "words.txt", "--output", "out.tsv")
    assert command(*arguments, "--language", "eng_us") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "language must be one" in line
    assert not (tmp_path / "out.tsv").exists()


def test_only_bad_lines_are_an_error(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("ж\n\n")
    assert command("--input", "words.txt", "--output", "out.tsv") == 1
    assert "none of the 1 line(s)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["words.txt"]


@pytest.mark.parametrize("content", ["", "\n \n"], ids=["empty", "blank"])
def test_a_file_without_words_is_told(command, tmp_path, capsys, content):
    (tmp_path / "words.txt").write_text(content)
    arguments = ("--input", "words.txt", "--output", "out.tsv", "--strict")
    assert command(*arguments) == 0
    assert capsys.readouterr().err == (
        "sb-sma: words.txt holds no word. Give one word per line.\n"
    )
    assert (tmp_path / "out.tsv").read_text() == ""


def test_words_on_the_command_line_are_told_where_they_belong(capsys):
    assert main(["g2p", "words.txt"]) == 1
    assert capsys.readouterr().err == (
        "sb-sma: error: words are read of a file, or of standard input; got "
        "'words.txt'. Write sb-sma g2p --input FILE, or echo WORD | sb-sma "
        "g2p\n"
    )


def test_replaced_letters_are_counted(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("cáb\nbá\n")
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    assert "á was replaced 2 time(s)" in capsys.readouterr().err


def test_capitals_are_no_news(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("CAB\n")
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    assert capsys.readouterr().err == ""


def test_a_line_that_is_not_utf_8_is_named(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_bytes(b"cab\n\xffb\n")
    assert command("--input", "words.txt", "--output", "out.tsv") == 0
    error = capsys.readouterr().err
    assert "words.txt:2: must be UTF-8; got b'\\xff'" in error
    assert "iconv -f CP1252 -t UTF-8" in error


def test_a_file_in_utf_16_is_refused(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("cab\nbb\n", encoding="utf-16")
    assert command("--input", "words.txt", "--output", "out.tsv") == 1
    assert capsys.readouterr().err.startswith(
        "sb-sma: error: words.txt:1: must be UTF-8; got b'\\xff\\xfe', as a "
        "file in UTF-16 has."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["words.txt"]


def test_a_lexicon_is_not_overwritten(command, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("cab\n")
    (tmp_path / "mine.tsv").write_text("cab\tK AH B\n")
    arguments = ("--input", "words.txt", "--output", "mine.tsv")
    assert command(*arguments, "--analogy", "mine.tsv") == 1
    assert "--output must be another file than --analogy" in (
        capsys.readouterr().err
    )
    assert (tmp_path / "mine.tsv").read_text() == "cab\tK AH B\n"


def test_an_input_that_is_missing_is_named(command, capsys):
    assert command("--input", "nofile.txt", "--output", "out.tsv") == 1
    error = capsys.readouterr().err
    assert "--input must be a readable file; got nofile.txt: No such" in error


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(command, capsys, number):
    with pytest.raises(SystemExit):
        command("--input", "words.txt", f"--nbest={number}")
    error = capsys.readouterr().err
    assert f"must be a whole number, 1 or more; got {number}" in error


def test_a_pipe_and_a_link_stay_what_they_are(command, tmp_path):
    (tmp_path / "words.txt").write_text("cab\n")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        ["cat", tmp_path / "pipe"], stdout=subprocess.PIPE
    ) as reader:
        assert command("--input", "words.txt", "--output", "pipe") == 0
        assert reader.stdout.read().startswith(b"cab\t")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "target.tsv").write_text("old")
    (tmp_path / "link.tsv").symlink_to("target.tsv")
    assert command("--input", "words.txt", "--output", "link.tsv") == 0
    assert (tmp_path / "link.tsv").is_symlink()
    assert (tmp_path / "target.tsv").read_text().startswith("cab\t")
    assert (tmp_path / "target.tsv").stat().st_mode & 0o400


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_numbers_are_above_zero(command, capsys, number):
    with pytest.raises(SystemExit):
        command("--nbest", number)
    assert "--nbest" in capsys.readouterr().err


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """Run ``sb-sma g2p`` without a model of one's own."""
    monkeypatch.chdir(tmp_path)

    def run(words, *arguments):
        (tmp_path / "words.txt").write_text(words, "utf-8")
        files = ["--input", "words.txt", "--output", "out.tsv"]
        status = main(["g2p", *files, *map(str, arguments)])
        return status, (tmp_path / "out.tsv").read_text("utf-8").splitlines()

    return run


def test_english_needs_no_model(packaged):
    words = "Hello\ndon’t\nspeechbrain\nread\n"
    status, lines = packaged(words)
    assert status == 0
    assert lines[0] == "Hello\tHH AH0 L OW1"
    assert lines[1] == "don’t\tD OW1 N T"
    assert lines[3] == "read\tR EH1 D"
    expected = G2P.pretrained("en-us", lexicon=False)(["speechbrain"])
    assert lines[2] == f"speechbrain\t{' '.join(expected[0])}"
    assert lines[2].startswith("speechbrain\tS P ")


def test_the_lexicon_has_several_pronunciations(packaged):
    status, lines = packaged("read\ntacotron\n", "--nbest", 3)
    assert status == 0
    assert lines[:2] == ["read\tR EH1 D\t0.0000", "read\tR IY1 D\t0.0000"]
    assert [line.split("\t")[0] for line in lines[2:]] == ["tacotron"] * 3


def test_words_of_the_lexicon_load_no_torch(tmp_path):
    code = (
        "import sys; from sb_sma.cli import main; main(sys.argv[1:]); "
        "sys.exit(any(each in sys.modules for each in ('torch', 'numpy')))"
    )
    (tmp_path / "words.txt").write_text("hello\n...\n")
    done = subprocess.run(
        [sys.executable, "-c", code, "g2p", "--input", "words.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1  # what is no word is left to the model
    (tmp_path / "words.txt").write_text("hello\n")
    done = subprocess.run(
        [sys.executable, "-c", code, "g2p", "--input", "words.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "hello\tHH AH0 L OW1\n")


def test_a_lexicon_of_ones_own(packaged, tmp_path, capsys):
    (tmp_path / "mine.dict").write_text("hello HH AY1\n")
    _, lines = packaged("hello\n", "--lexicon", "mine.dict")
    assert lines == ["hello\tHH AY1"]
    _, lines = packaged("hello\n", "--lexicon", "none")
    expected = G2P.pretrained("en-us", lexicon=False)(["hello"])
    assert lines == [f"hello\t{' '.join(expected[0])}"]
    (tmp_path / "mine.dict").write_text("hello h aɪ\n")
    assert main(["g2p", "--lexicon", "mine.dict", "--input", "words.txt"]) == 1
    assert "must have the phonemes of CMUdict; got aɪ, h." in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--analogy", "a.tsv"], "--analogy weighs what trained models"),
        (["--model", "x", "--lexicon", "none"], "--lexicon is for the model"),
        (["--lexicon", "lost.dict"], "--lexicon lost.dict: "),
        (["--language", "fr"], "language must be one"),
    ],
    ids=["analogy", "model", "lost", "language"],
)
def test_options_that_do_not_go_together(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("hello\n")
    files = ["--input", "words.txt", "--output", "out.tsv"]
    assert main(["g2p", *files, *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.tsv").exists()
