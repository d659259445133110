"""Graphs and numpy speak what PyTorch does, ends included."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sb_sma.data.text.markup import escape_markup
from sb_sma.inference import TTS
from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.onnx import OnnxTTS
from tests.unittests.conftest import TEXTS
from tests.unittests.onnx.conftest import MODELS, SPEAKERS

TOLERANCE, TOLERANCE_OF_ALIGNMENTS = 1e-5, 1e-6


def load_both(folders):
    model, graphs = folders
    return TTS.from_hparams(source=str(model)), OnnxTTS(graphs)


def assert_alike(tts, runner, text, style=None, **manner):
    tensor = None if style is None else torch.from_numpy(style)[None]
    (wanted,) = tts.speak([text], seed=3, style=tensor, **manner)
    found = runner.speak(runner.tokens(text), seed=3, style=style, **manner)
    assert found.mel.shape == wanted.mel.shape
    assert found.finished == wanted.finished
    assert_allclose(found.mel, wanted.mel.numpy(), atol=TOLERANCE, rtol=0)
    assert_allclose(
        found.alignment,
        wanted.alignment.numpy(),
        atol=TOLERANCE_OF_ALIGNMENTS,
        rtol=0,
    )


@pytest.mark.parametrize("name", MODELS)
def test_it_speaks_what_pytorch_does(name, exported_onnx):
    tts, runner = load_both(exported_onnx(name))
    assert runner.modes == (
        ["soft"] if name in ("softmax", "forward") else ["soft", "hard"]
    )
    for mode in runner.modes:
        for text in TEXTS:
            assert_alike(tts, runner, text, mode=mode)
        for pace in (0.5, 1.3, 4.0):
            assert_alike(tts, runner, TEXTS[0], mode=mode, pace=pace)
    assert_alike(tts, runner, TEXTS[2])


def test_the_refiner_is_heard(exported_onnx):
    """What is compared above is not the mel of the decoder alone."""
    tts, runner = load_both(exported_onnx("all parts"))
    assert tts.mods.model.refiner is not None
    assert_alike(tts, runner, TEXTS[2])
    runner._refiner = None
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_alike(tts, runner, TEXTS[2])


def test_styles_and_speakers_are_those_of_pytorch(exported_onnx):
    tts, runner = load_both(exported_onnx("all parts"))
    assert runner.speakers == SPEAKERS == tts.speakers
    style = np.linspace(-1.0, 1.0, 8)
    mels = [
        runner.speak(TEXTS[0], seed=0, speaker=speaker, style=given).mel
        for speaker in SPEAKERS
        for given in (None, style)
    ]
    n_frames = min(map(len, mels))
    assert all(
        np.abs(one[:n_frames] - other[:n_frames]).max() > 1e-3
        for index, one in enumerate(mels)
        for other in mels[:index]
    )
    assert_alike(tts, runner, TEXTS[0], speaker="ben", style=style)
    by_weights = tts.styles.from_weights({3: 0.5, 1: -2.0})
    spoken = runner.speak(TEXTS[1], seed=3, style={3: 0.5, 1: -2.0})
    (wanted,) = tts.speak(TEXTS[1], seed=3, style=by_weights)
    assert_allclose(spoken.mel, wanted.mel.numpy(), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("n_tokens", [1, 2, 40, 70])
def test_texts_of_any_length(n_tokens, exported_onnx):
    tts, runner = load_both(exported_onnx("walking"))
    tokens = (runner.symbols * 4)[:n_tokens]
    tts.hparams.frontend = type(
        "AsGiven", (), {"tokens": lambda self, text: text.split("|")}
    )()
    text = escape_markup("|".join(tokens))
    (wanted,) = tts.speak(text, seed=0, split=False)
    found = runner.speak(tokens, seed=0)
    assert found.mel.shape == wanted.mel.shape
    assert_allclose(found.mel, wanted.mel.numpy(), atol=TOLERANCE, rtol=0)


def test_other_seeds_speak_otherwise(exported_onnx):
    runner = OnnxTTS(exported_onnx("walking")[1])
    one, same, other = (runner.speak("No.", seed=s).mel for s in (0, 0, 1))
    assert np.array_equal(one, same)
    n_frames = min(len(one), len(other))
    assert np.abs(one[:n_frames] - other[:n_frames]).max() > 1e-3
    one, other = (runner.speak("No.").mel for _ in range(2))
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_it_needs_numpy_and_onnxruntime_alone(exported_onnx, repository):
    _, graphs = exported_onnx("walking")
    script = (
        "import sys\n"
        "from sb_sma.onnx import OnnxG2P, OnnxTTS\n"
        f"mel = OnnxTTS({str(graphs)!r}).speak('No.', seed=0).mel\n"
        "heavy = {'torch', 'speechbrain', 'scipy', 'numba', 'matplotlib', "
        "'onnx', 'onnxscript', 'tqdm', 'soundfile'}\n"
        "print(len(mel) > 0, *(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["True"]


def test_the_folder_says_what_it_holds(exported_onnx):
    content = json.loads(
        (exported_onnx("walking")[1] / "onnx.json").read_text()
    )
    assert content["kind"] == "tts" and content["modes"] == ["soft", "hard"]
    assert set(content["sha256"]) == {
        *("encoder.onnx", "postnet.onnx", "step_hard.onnx", "step_soft.onnx")
    }
    assert content["decoding"]["soft_spread"] == 2


BAD = {
    "an unknown token": (["æ", "QQ"], {}, "token 2 must be one .* got 'QQ'"),
    "no token": ([], {}, "a list of at least one token"),
    "a number": (3, {}, "text must be a string"),
    "silence": ("...", {}, "."),
    "a mode": ("No.", {"mode": "firm"}, "mode must be one of soft, hard"),
    "a pace": ("No.", {"pace": 9.0}, "pace must be a number from 0.25 to 4"),
    "a seed": ("No.", {"seed": 1.5}, "seed must be an integer"),
    "a style": ("No.", {"style": np.ones(8)}, "a model without styles"),
    "a speaker": ("No.", {"speaker": "x"}, "speaker must be None"),
}


@pytest.mark.parametrize("text, manner, message", BAD.values(), ids=BAD)
def test_what_cannot_be_spoken_is_one_error(
    text, manner, message, exported_onnx
):
    runner = OnnxTTS(exported_onnx("walking")[1])
    if isinstance(text, list):
        text = [runner.symbols[0] if each == "æ" else each for each in text]
    with pytest.raises(ValueError, match=message):
        runner.speak(text, **manner)


@pytest.mark.parametrize(
    "style, message",
    [
        (np.ones(7), r"8 finite numbers.*\(7,\)"),
        (np.ones((2, 8)), r"8 finite numbers.*\(2, 8\)"),
        (np.full(8, np.nan), "8 finite numbers"),
        (np.ones(8, dtype=int), "8 finite numbers.*int64"),
        ({10: 1.0}, "integers from 0 to 9; got 10"),
        ({"0": 1.0}, "integers from 0 to 9; got '0'"),
        ({0: "much"}, "weight of style token 0 .* 'much'"),
    ],
)
def test_a_style_of_another_shape_is_one_error(style, message, exported_onnx):
    runner = OnnxTTS(exported_onnx("all parts")[1])
    with pytest.raises(ValueError, match=message):
        runner.speak("No.", style=style)
    with pytest.raises(ValueError, match="speaker must be anna, ben; got 'x'"):
        runner.speak("No.", speaker="x")


def change(content, **changes):
    return json.dumps({**json.loads(content), **changes})


DAMAGES = {
    "no JSON": ("onnx.json", None, "there is no"),
    "broken JSON": ("onnx.json", lambda text: text[:50], "must be JSON"),
    "a list": ("onnx.json", lambda text: "[]", "must hold a JSON object"),
    "a newer format": (
        "onnx.json",
        lambda text: change(text, format=2),
        "Install a newer one",
    ),
    "another kind": (
        "onnx.json",
        lambda text: change(text, kind="g2p"),
        "Load it with OnnxG2P",
    ),
    "a number that is a word": (
        "onnx.json",
        lambda text: change(text, seconds_per_step="0.1"),
        "seconds_per_step must be a float; got '0.1'",
    ),
    "a window that is a word": (
        "onnx.json",
        lambda text: change(text, window="5"),
        "window must be a int or NoneType; got '5'",
    ),
    "a bad stop rule": (
        "onnx.json",
        lambda text: change(text, stop_rule={"hold_seconds": -1}),
        "stop_rule is refused .*hold_seconds must be above 0",
    ),
    "other lists of numbers": (
        "onnx.json",
        lambda text: change(text, mel_std=[1.0, 2.0]),
        r"mel_std must be finite numbers of shape \(80,\)",
    ),
    "modes": (
        "onnx.json",
        lambda text: change(text, modes=["../soft"]),
        "modes must be some of soft, hard",
    ),
    "modes that are lists": (
        "onnx.json",
        lambda text: change(text, modes=[["soft"]]),
        "modes must be some of soft, hard",
    ),
    "a cut graph": ("step_soft.onnx", lambda data: data[:999], "is damaged"),
    "a missing graph": ("encoder.onnx", None, "encoder.onnx cannot be read"),
}


@pytest.mark.parametrize("name, damage, message", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_one_error(
    name, damage, message, exported_onnx, tmp_path
):
    folder = shutil.copytree(exported_onnx("walking")[1], tmp_path / "copy")
    path = folder / name
    if damage is None:
        path.unlink()
    elif path.suffix == ".json":
        path.write_text(damage(path.read_text()))
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((ModelFolderError, ValueError), match=message) as raised:
        OnnxTTS(folder)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_front_end_that_was_not_exported_is_named(exported_onnx, tmp_path):
    folder = shutil.copytree(exported_onnx("walking")[1], tmp_path / "copy")
    path = folder / "onnx.json"
    path.write_text(change(path.read_text(), frontend=None))
    runner = OnnxTTS(folder)
    with pytest.raises(ValueError, match="Give its tokens"):
        runner.speak("No.")
    assert len(runner.speak(runner.symbols[:3]).mel)
