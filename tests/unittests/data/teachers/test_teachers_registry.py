"""The YAML word makes a teacher."""

from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sma.data import Teacher, make_teacher
from sb_sma.data.teachers.espeak import EspeakTeacher
from sb_sma.data.teachers.hibari import HibariTeacher
from sb_sma.data.teachers.piper import PiperTeacher
from sb_sma.hparams.compose import compose

REPOSITORY = Path(__file__).resolve().parents[4]


class Own(EspeakTeacher):
    """A user's, with a voice if wanted."""

    name = "own"

    def __init__(self, voice="usual"):
        self.voice = voice


class Half(Teacher):
    """One that says nothing yet."""

    name = "half"

    def identity(self):
        return 1


def test_names_make_teachers():
    assert type(make_teacher("espeak")) is EspeakTeacher
    assert type(make_teacher("hibari")) is HibariTeacher
    teacher = make_teacher("piper", "~/a.onnx")
    assert type(teacher) is PiperTeacher
    assert teacher.voice == Path.home() / "a.onnx"


def test_a_class_is_a_teacher():
    assert make_teacher(Own).voice == "usual"
    assert make_teacher(Own, "mine").voice == "mine"


@pytest.mark.parametrize(
    "teacher, voice, message",
    [
        ("kokoro", None, "must be one of espeak, hibari, piper, or !name:your"),
        ("espeak", "a.onnx", "teacher_voice must be null for teacher: espeak"),
        ("hibari", "a.onnx", "teacher_voice must be null for teacher: hibari"),
        ("piper", None, "teacher: piper needs teacher_voice, the file"),
        (Half, None, "Half lacks frontend, speak. Add them"),
        (dict, None, "dict lacks name, settings, speak, identity, frontend"),
    ],
)
def test_what_is_no_teacher_is_refused(teacher, voice, message):
    with pytest.raises(ValueError, match=message):
        make_teacher(teacher, voice)


def test_the_yaml_takes_a_class(tmp_path, monkeypatch):
    recipe = REPOSITORY / "recipes" / "Embedded" / "TTS" / "transformer"
    monkeypatch.syspath_prepend(str(recipe))
    (tmp_path / "own_teacher.py").write_text(
        "from sb_sma.data.teachers.espeak import EspeakTeacher\n"
        "class Mine(EspeakTeacher):\n    name = 'mine'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text = compose(REPOSITORY / "hparams" / "tts.yaml").text
    overrides = f"output_folder: {tmp_path}\nteacher: !name:own_teacher.Mine\n"
    with torch.random.fork_rng():
        hparams = load_hyperpyyaml(text, overrides)
    assert hparams["speaking_teacher"].name == "mine"
    sizes = {"n_utterances": 3, "n_valid": 1, "n_test": 1}
    corpus = hparams["prepare_embedded"](tmp_path / "corpus", **sizes)
    assert corpus.folder_name.startswith("embedded-en-us-")
    assert corpus.parameters["mine"]
