"""``sb-sma align``: what is refused at once, and what the status tells."""

import json

import pytest
import soundfile

from sb_sma.alignment import corpus, training
from sb_sma.cli import main
from sb_sma.data.espeak.voice import speak


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a recording of "Yes, you."."""
    monkeypatch.setattr(corpus, "_TAUGHT_SECONDS", 5)
    monkeypatch.setattr(training, "_ADAPTING_PASSES", 1)
    monkeypatch.chdir(tmp_path)
    speech = speak("Yes, you.")
    soundfile.write("a1.wav", speech.samples, speech.sample_rate)
    return tmp_path


def told(capsys):
    output = capsys.readouterr()
    assert output.out == ""
    return output.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "got neither."),
        (["a1.wav", "Yes.", "--data_folder=."], "got both."),
        (["a1.wav"], "a1.wav needs its text"),
        (["a2.wav", "Yes."], "WAV: a2.wav cannot be read"),
        (["a1.wav", "a1.txt"], "TEXT: a1.txt cannot be read"),
        (["--data_folder=none.csv"], "none.csv"),
        (["a1.wav", "Yes.", "--model=none"], "which has none"),
        (["a1.wav", "Yes.", "--voice=xx"], "a voice of eSpeak NG"),
        (["a1.wav", "Yes.", "--n_processes=0"], "must be 1 or more; got 0"),
        (["a1.wav", "..."], "at least one letter or digit"),
        (["a1.wav", "Süß.", "--voice=de", "--phones=arpabet"], "has no sign"),
    ],
)
def test_a_mistake_is_one_message(folder, capsys, arguments, message):
    status = main(["align", *arguments, "--out=out"])
    error = told(capsys)
    assert status == 1 and message in error
    assert "Traceback" not in error


def test_out_is_no_file(folder, capsys):
    assert main(["align", "a1.wav", "Yes, you.", "--out=a1.wav"]) == 1
    assert "a1.wav is a file" in told(capsys)
    assert main(["align", "a1.wav", "Yes, you.", "--out=a1.wav/out"]) == 1
    assert "a1.wav/out cannot be made: Not a directory" in told(capsys)


@pytest.mark.parametrize("is_file", [True, False])
def test_a_recording_and_its_text(folder, capsys, is_file):
    text = "Yes, you."
    if is_file:
        (folder / "a1.txt").write_text("\ufeffYes,\nyou.\n")
        text = "a1.txt"
    assert main(["align", "a1.wav", text, "--out=out"]) == 0
    output = capsys.readouterr()
    assert "1 recording(s) aligned" in output.out
    assert "Speaking by eSpeak NG: " in output.err
    (alignment,) = json.loads(
        (folder / "out" / "alignments.json").read_text()
    ).values()
    words = [label for label, _, _ in alignment["words"] if label]
    assert words == ["Yes", "you"]
    assert {path.name for path in (folder / "out").glob("[!.]*")} == {
        "TextGrid",
        "alignments.json",
        "journal.jsonl",
        "model",
        "phones.ctm",
        "words.ctm",
    }


def test_an_aligner_is_used_again(folder, capsys):
    arguments = ["a1.wav", "Yes, you.", "--phones=arpabet"]
    assert main(["align", *arguments, "--out=first"]) == 0
    again = ["a1.wav", "Yes, you.", "--model=first/model", "--out=second"]
    assert main(["align", *again]) == 0
    for name in ("TextGrid/a1.TextGrid", "phones.ctm", "alignments.zip"):
        assert (folder / "second" / name).is_file()
    first, second = (
        (folder / out / "phones.ctm").read_text() for out in ("first", "second")
    )
    assert first == second and " Y\n" in first
    capsys.readouterr()
    assert main(["align", *again, "--phones=ipa"]) == 1
    assert "must be that of the aligner, arpabet" in told(capsys)


def test_bad_lines_are_named_and_the_status_tells(folder, capsys):
    (folder / "a.csv").write_text(
        'id,wav,text\na1,a1.wav,"Yes, you."\na2,a2.wav,No.\na1,a1.wav,Twice.\n'
    )
    assert main(["align", "--data_folder=a.csv", "--out=out"]) == 3
    output = capsys.readouterr()
    assert "1 recording(s) aligned" in output.out
    assert "a.csv, line 3: " in output.err and "a.csv, line 4: " in output.err
    assert "2 problem(s)" in output.err


def test_nothing_good_is_an_error(folder, capsys):
    (folder / "a.csv").write_text("id,wav,text\na2,a2.wav,No.\n")
    assert main(["align", "--data_folder=a.csv", "--out=out"]) == 1
    assert "a.csv, line 2: " in told(capsys)


def test_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit):
        main(["align", "--help"])
    text = capsys.readouterr().out
    assert "sb-sma align --data_folder=LJSpeech-1.1 --out=" in text
    assert "exit status:" in text
