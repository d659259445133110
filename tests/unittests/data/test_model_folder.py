"""What is no model's folder is told before a hub is asked."""

import pytest

from sb_sma.data.model_folder import check_model_folder
from sb_sma.inference import G2P, TTS

CALLS = [check_model_folder, TTS.from_hparams, G2P.from_hparams]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["absent", "./absent", "x/absent", "a/b/c"])
def test_a_missing_folder_is_told(tmp_path, monkeypatch, call, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match=f"; {name} does not exist. Give the"):
        call(name)


@pytest.mark.parametrize("call", CALLS)
def test_the_folder_of_a_run_is_told_from_its_model(tmp_path, call):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").touch()
    with pytest.raises(ValueError, match=f"itself. Give {tmp_path}/model."):
        call(str(tmp_path))


def test_a_repository_on_a_hub_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_model_folder("someone/some-model")


def test_an_exported_model_passes(tmp_path):
    (tmp_path / "model.safetensors").touch()
    check_model_folder(tmp_path)
