"""A damaged folder is one error that names the file and the remedy."""

import random
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sb_sma.data.phonemes import END
from sb_sma.inference import G2P, TTS
from sb_sma.inference.model_folder import ModelFolderError
from tests.model_folders import forget_digests

MANY_SYMBOLS = "".join(f"  - x{number}\n" for number in range(200))
FROZEN = Path(__file__).resolve().parents[2] / "frozen" / "1"


def refusal(folder):
    with pytest.raises(ModelFolderError, match="again") as error:
        G2P.from_hparams(source=str(folder))
    return str(error.value)


@pytest.mark.parametrize("name", ["graphemes.json", "model.safetensors"])
@pytest.mark.parametrize("has_digests", [True, False])
@pytest.mark.parametrize("content", [b"", b"5", b"{}", b"\xff", b"[" * 5000])
def test_a_damaged_file_is_named(
    exported_g2p, tmp_path, name, has_digests, content
):
    folder = shutil.copytree(exported_g2p, tmp_path / "model")
    if not has_digests:
        forget_digests(folder)
    (folder / name).write_bytes(content)
    assert name in refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(exported_g2p, tmp_path, value):
    folder = forget_digests(shutil.copytree(exported_g2p, tmp_path / "model"))
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["decoder.bias"][0] = value
    save_file(weights, path)
    assert "decoder.bias holds NaN or infinity" in refusal(folder)


def test_one_altered_bit_is_found(exported_g2p, tmp_path):
    folder = shutil.copytree(exported_g2p, tmp_path / "model")
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "model.safetensors is damaged" in refusal(folder)


def test_random_damage_is_told_or_harmless(exported_g2p, tmp_path):
    chance = random.Random(0)
    folder = forget_digests(shutil.copytree(exported_g2p, tmp_path / "model"))
    names = ["graphemes.json", "hyperparams.yaml", "model.safetensors"]
    whole = {name: (folder / name).read_bytes() for name in names}
    for _ in range(200):
        name = chance.choice(names)
        content = bytearray(whole[name])
        start = chance.randrange(len(content))
        end = min(len(content), start + chance.choice([1, 1, 3, 30]))
        content[start:end] = chance.choice(
            [b"", chance.randbytes(end - start), b"9", b"["]
        )
        (folder / name).write_bytes(content)
        try:
            G2P.from_hparams(source=str(folder))
        except ValueError as error:
            assert re.search("again|trusted=True|Install", str(error))
        (folder / name).write_bytes(whole[name])


@pytest.mark.parametrize(
    "kind, name, old, new",
    [
        (TTS, "tts_sma", "prenet_dropout: 0.5", "prenet_dropout: much"),
        (TTS, "tts_sma", "!new:torch.nn.Tanh", ""),
        (
            TTS,
            "tts_sma",
            "settings: !new:sb_sma.data.VoiceSettings\n    voice: en-us\n"
            "    rate: 175\n    pitch: 50\n    pitch_range: 50\n",
            "settings: 5\n",
        ),
        (TTS, "tts_sma", "n_mels: 80\n  f_min", "n_mels: 40\n  f_min"),
        (TTS, "tts_sma", "  - <end>\n", "  - <end>\n" + MANY_SYMBOLS),
    ],
)
def test_parts_that_do_not_fit_are_told_when_they_are_loaded(
    kind, name, old, new, tmp_path
):
    folder = forget_digests(shutil.copytree(FROZEN / name, tmp_path / name))
    path = folder / "hyperparams.yaml"
    whole = path.read_text()
    assert whole.count(old) == 1
    path.write_text(whole.replace(old, new))
    with pytest.raises(ModelFolderError, match=re.escape(str(folder))):
        kind.from_hparams(source=str(folder))


def test_a_model_that_never_ends_says_nothing_when_it_is_loaded(
    exported_g2p, tmp_path, caplog
):
    folder = forget_digests(shutil.copytree(exported_g2p, tmp_path / "model"))
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["decoder.bias"][END] = -1e4
    save_file(weights, path)
    greedy = {"beam_settings": {"beam_size": 1}}
    g2p = G2P.from_hparams(source=str(folder), overrides=greedy)
    assert "did not end" not in caplog.text
    g2p(["abc"])
    assert "1 of 1 words did not end" in caplog.text


def test_no_memory_is_no_damage(exported_g2p, monkeypatch):
    def try_out(self):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(G2P, "try_out", try_out)
    with pytest.raises(torch.OutOfMemoryError):
        G2P.from_hparams(source=str(exported_g2p))
