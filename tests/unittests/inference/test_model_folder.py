"""What is no model's folder is told before a hub is asked."""

import pytest
from speechbrain.utils.fetching import FetchFrom, FetchSource

from sb_sma.cli import main
from sb_sma.inference import G2P, TTS
from sb_sma.inference.model_folder import check_model_folder

CALLS = [check_model_folder, TTS.from_hparams, G2P.from_hparams]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "name",
    [
        "./absent",
        "../absent",
        "/absent",
        "~/absent",
        "a/b/c",
        "C:\\a",
        "a/b/",
        "my models/tts",
    ],
)
def test_a_missing_folder_is_told(call, name):
    with pytest.raises(ValueError) as error:
        call(name)
    assert f"; {name} does not exist. Give the folder" in str(error.value)


@pytest.mark.parametrize("call", CALLS)
def test_a_file_is_told(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tts").mkdir()
    (tmp_path / "tts" / "model.safetensors").touch()
    with pytest.raises(ValueError, match="tts/model.safetensors is a file."):
        call("tts/model.safetensors")


@pytest.mark.parametrize("call", CALLS)
def test_the_folder_of_a_run_is_told_from_its_model(tmp_path, call):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").touch()
    with pytest.raises(ValueError, match=f"itself. Give {tmp_path}/model."):
        call(str(tmp_path))


@pytest.mark.parametrize(
    "source",
    [
        "owner/name",
        "name",
        "https://example.org/models/tts",
        FetchSource(FetchFrom.HUGGING_FACE, "owner/name"),
    ],
)
def test_what_speechbrain_fetches_passes(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner").mkdir()
    check_model_folder(source)


@pytest.mark.parametrize("name", ["name", "owner/name"])
def test_a_command_takes_it_for_a_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner").mkdir()
    with pytest.raises(ValueError, match=f"; {name} does not exist"):
        check_model_folder(name, prefer_folder=True)
    check_model_folder("someone/name", prefer_folder=True)


def test_an_exported_model_passes(tmp_path):
    (tmp_path / "model.safetensors").touch()
    check_model_folder(tmp_path)


@pytest.mark.parametrize("call", CALLS)
def test_a_folder_of_something_else_is_told(tmp_path, call):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match="has no hyperparams.yaml. Give"):
        call(str(tmp_path))


def test_a_model_of_another_kind_is_told(exported, exported_g2p):
    with pytest.raises(ValueError) as error:
        TTS.from_hparams(exported_g2p)
    assert str(error.value) == (
        f"a model that speaks (TTS) is needed here; {exported_g2p} holds one "
        "that pronounces words (G2P). Give it to sb-sma g2p; in Python, "
        "sb_sma.inference.G2P."
    )
    with pytest.raises(ValueError, match="one that speaks .*sb-sma synthesize"):
        G2P.from_hparams(exported[2])


@pytest.mark.parametrize(
    "command",
    [
        ["synthesize", "--text=a", "--out=a.wav"],
        ["book", "a.txt", "--out=a"],
        ["evaluate"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_says_which_one_takes_the_model(
    command, exported_g2p, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("A.")
    assert main([*command, "--model", str(exported_g2p)]) == 1
    error = capsys.readouterr().err
    assert "pronounces words (G2P). Give it to sb-sma g2p" in error
    assert "trusted" not in error


def test_g2p_says_which_command_takes_the_model(exported, tmp_path, capsys):
    path = tmp_path / "words.txt"
    path.write_text("a\n")
    arguments = ["--model", str(exported[2]), "--input", str(path)]
    assert main(["g2p", *arguments]) == 1
    error = capsys.readouterr().err
    assert "speaks (TTS). Give it to sb-sma synthesize" in error
