"""The exported folder says all, names no file, and speaks where nothing of the
recipe is.
"""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from torch import nn

from sb_sma.data.text.frontends import CharacterFrontend
from sb_sma.inference.export import export_tts, refuse_foreign
from sb_sma.models import StopRule

SPEAK = """\
import importlib.util, json, sys
assert importlib.util.find_spec("embedded_prepare") is None
from sb_sma.inference import TTS
tts = TTS.from_hparams(source=sys.argv[1])
mels, lengths, alignments = tts.encode_text(json.loads(sys.argv[2]), seed=3)
torch = sys.modules["torch"]
torch.save((mels, lengths, alignments, tts.finished), "result.pt")
"""
MODELS = "models:\n    model: !new:torch.nn.Linear\n        in_features: 2\n"
MODELS += "        out_features: 2\n"
LETTERS = CharacterFrontend()


def test_there_are_two_files(exported):
    names = sorted(path.name for path in exported[2].iterdir())
    assert names == ["hyperparams.yaml", "model.safetensors"]


def test_the_yaml_needs_no_other_file(exported):
    text = (exported[2] / "hyperparams.yaml").read_text(encoding="utf-8")
    for word in ("!include", "!PLACEHOLDER", "!ref", "prepare", "/", "\\"):
        assert word not in text
    classes = re.findall(r"!(?:new|name|apply):(\S+)", text)
    assert classes
    assert all(name.startswith(("sb_sma.", "torch.")) for name in classes)


def test_the_yaml_builds_the_model_and_what_speaking_needs(exported):
    model, symbols, folder = exported
    with open(folder / "hyperparams.yaml", encoding="utf-8") as stream:
        hparams = load_hyperpyyaml(stream)
    rebuilt = hparams["modules"]["model"]
    assert rebuilt is hparams["model"]
    expected = {name: x.shape for name, x in model.state_dict().items()}
    assert {
        name: x.shape for name, x in rebuilt.state_dict().items()
    } == expected
    assert hparams["tokens"].symbols == symbols
    assert hparams["stop_rule"].hold_seconds == 0.1
    assert hparams["mel_settings"].sample_rate == 22050
    assert hparams["frontend"].settings.voice == "en-us"
    assert hparams["griffin_lim_iterations"] == 2


def test_it_speaks_where_the_recipe_is_absent(
    exported, texts, repository, tmp_path
):
    from sb_sma.inference import TTS

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sb_sma").symlink_to(repository / "sb_sma")
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPEAK, str(exported[2]), json.dumps(texts)],
        cwd=tmp_path / "work",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # nothing is left where it was called from
    assert os.listdir(tmp_path / "work") == ["result.pt"]
    mels, lengths, alignments, finished = torch.load(
        tmp_path / "work" / "result.pt", weights_only=True
    )
    tts = TTS.from_hparams(source=str(exported[2]))
    expected = tts.encode_text(texts, seed=3)
    for actual, here in zip((mels, lengths, alignments), expected):
        torch.testing.assert_close(actual, here)
    assert finished == tts.finished


@pytest.mark.parametrize(
    "symbols",
    [
        ["no", "on", "yes", "off", "y", "n", "null", "~", "true"],
        ["1", "1e3", "0x1f", "1:30", ".inf", "2020-01-01", "1_000"],
        ["=", "<pause>", "!x", "*a", "&a", "'", '"', "#", ": ", "-", "", "$x"],
        ["ˈoʊ", "t͡ʃ", "ɹ̩", "ə", "<end>", "\u2009"],
    ],
    ids=["words", "numbers", "signs", "ipa"],
)
def test_any_symbol_survives_the_yaml(symbols, tmp_path):
    export_tts(
        tmp_path / "model", MODELS, nn.Linear(2, 2), symbols, LETTERS, {}
    )
    path = tmp_path / "model" / "hyperparams.yaml"
    with open(path, encoding="utf-8") as stream:
        assert load_hyperpyyaml(stream)["tokens"].symbols == symbols


def test_settings_are_numbers_or_objects(tmp_path):
    settings = {
        "iterations": 7,
        "stop_rule": (
            StopRule,
            {"hold_seconds": 0.25},
        ),
    }
    export_tts(
        tmp_path / "model", MODELS, nn.Linear(2, 2), ["a"], LETTERS, settings
    )
    path = tmp_path / "model" / "hyperparams.yaml"
    with open(path, encoding="utf-8") as stream:
        hparams = load_hyperpyyaml(stream)
    assert hparams["iterations"] == 7
    assert hparams["stop_rule"].hold_seconds == 0.25
    assert settings["stop_rule"][1] == {"hold_seconds": 0.25}


def test_a_folder_that_is_there_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("")
    # left by a run that was killed
    (tmp_path / ".model.building").mkdir()
    (tmp_path / ".model.building" / "half").write_text("")
    export_tts(tmp_path / "model", MODELS, nn.Linear(2, 2), ["a"], LETTERS, {})
    assert sorted(os.listdir(tmp_path)) == ["model"]
    assert sorted(os.listdir(tmp_path / "model")) == [
        "hyperparams.yaml",
        "model.safetensors",
    ]


def test_a_link_goes_on_leading_to_the_model(tmp_path):
    place, link = tmp_path / "disk" / "place", tmp_path / "model"
    place.mkdir(parents=True)
    link.symlink_to(place)
    for _ in range(3):
        export_tts(link, MODELS, nn.Linear(2, 2), ["a"], LETTERS, {})
        assert link.is_symlink()
        assert len(os.listdir(place)) == 2
    assert sorted(os.listdir(tmp_path)) == ["disk", "model"]
    assert os.listdir(place.parent) == ["place"]


def test_what_is_not_finite_is_not_exported(tmp_path):
    model = nn.Linear(2, 2)
    export_tts(tmp_path / "model", MODELS, model, ["a"], LETTERS, {})
    before = (tmp_path / "model" / "model.safetensors").read_bytes()
    nn.init.constant_(model.bias, torch.nan)
    with pytest.raises(ValueError, match="finite weights; got bias, .* lower"):
        export_tts(tmp_path / "model", MODELS, model, ["a"], LETTERS, {})
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == before


def test_only_a_model_is_replaced_by_a_model(tmp_path, repository):
    model = tmp_path / "model"
    refuse_foreign(model)
    export_tts(model, MODELS, nn.Linear(2, 2), ["a"], LETTERS, {})
    refuse_foreign(model)
    for yaml in (repository / "tests" / "frozen").glob("*/*/hyperparams.yaml"):
        refuse_foreign(yaml.parent)
    (model / "hyperparams.yaml").unlink()
    (tmp_path / "file").touch()
    for foreign in (model, tmp_path / "file"):
        with pytest.raises(
            ValueError, match=rf"exported to {foreign}, .* something else. Move"
        ):
            refuse_foreign(foreign)
