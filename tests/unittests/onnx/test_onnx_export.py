"""An export is there as a whole, or not at all."""

import importlib
import subprocess
import sys

import pytest
import torch
from numpy.testing import assert_allclose

from sb_sma.cli import main
from sb_sma.inference import TTS
from sb_sma.onnx import OnnxTTS, export_onnx
from sb_sma.onnx.folder import OnnxGraph
from sb_sma.onnx.graphs import EncoderGraph
from tests.unittests.conftest import TEXTS, export_small_model

module = importlib.import_module("sb_sma.onnx.export")


def test_the_command_writes_what_speaks(exported_softmax, tmp_path, capsys):
    folder = exported_softmax
    out = tmp_path / "new" / "graphs"
    assert main(["export", "--model", str(folder), "--onnx", str(out)]) == 0
    told = capsys.readouterr().out
    assert "step_soft.onnx" in told and "onnx.json" in told
    (wanted,) = TTS.from_hparams(source=str(folder)).speak(TEXTS[0], seed=1)
    found = OnnxTTS(out).speak(TEXTS[0], seed=1)
    assert_allclose(found.mel, wanted.mel.numpy(), atol=1e-3, rtol=0)
    assert [path.name for path in out.parent.iterdir()] == ["graphs"]
    # nothing tells of the machine
    assert not any(
        b"site-packages" in path.read_bytes() for path in out.iterdir()
    )
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert main(["export", "--model", str(folder), "--onnx", str(out)]) == 1
    assert "must be absent or an empty folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    "encoder",
    [
        {"encoder_type": "conformer"},
        {
            "encoder_type": "ConformerEncoder",
            "encoder_attention_type": "RelPosMHAXL",
        },
        {
            "encoder_type": "transformer",
            "encoder_attention_type": "RelPosMHAXL",
        },
        {"encoder_type": "transformer", "encoder_attention_type": "RoPEMHA"},
    ],
    ids=lambda settings: "-".join(settings.values()),
)
def test_every_encoder_can_be_exported(encoder, tmp_path, repository):
    model, symbols = export_small_model(tmp_path, repository, **encoder)
    graph = EncoderGraph(model, [], [])
    with torch.no_grad(), module._quiet():
        module._write(graph, tmp_path, "encoder")
    runner = OnnxGraph((tmp_path / "encoder.onnx").read_bytes(), n_threads=1)
    for n_tokens in (1, 3, 67):
        tokens = torch.arange(n_tokens)[None] % len(symbols) + 1
        with torch.no_grad():
            wanted = model.encode(tokens, torch.tensor([n_tokens]))
        found = runner({"tokens": tokens.numpy()})["memory"]
        assert_allclose(found, wanted.numpy(), atol=1e-5, rtol=0)


def test_what_cannot_be_exported_leaves_nothing(
    exported_g2p, tmp_path, monkeypatch
):
    """Though a graph before it is there."""
    monkeypatch.setattr(module, "EncoderGraph", Untraceable)
    with pytest.raises(ValueError, match="encoder of this model cannot be"):
        export_onnx(exported_g2p, tmp_path / "graphs")
    assert list(tmp_path.iterdir()) == []


def test_two_exports_to_one_folder_do_not_mix(tmp_path):
    """The first that is complete is there, and the other is told."""
    folder = tmp_path / "graphs"
    folder.mkdir()
    one, other = (module._complete_or_absent(folder) for _ in range(2))
    building, late = one.__enter__(), other.__enter__()
    (building / "a.onnx").touch()
    (late / "b.onnx").touch()
    one.__exit__(None, None, None)
    with pytest.raises(ValueError, match="must be absent or an empty folder"):
        other.__exit__(None, None, None)
    assert [path.name for path in folder.iterdir()] == ["a.onnx"]
    assert list(tmp_path.iterdir()) == [folder]


class Untraceable(EncoderGraph):
    """A part whose way depends on numbers."""

    def forward(self, tokens):
        """Turn some texts round."""
        return super().forward(tokens if tokens.sum() > 0 else tokens.flip(1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--model", "./none", "--onnx", "new"], "./none does not exist"),
        (["--model", "{model}", "--onnx", "file"], "must be absent"),
        (["--model", "{model}", "--onnx", "full"], "must be absent"),
        (["--model", "full", "--onnx", "new"], "hyperparams.yaml"),
    ],
)
def test_mistakes_are_one_line(
    arguments, message, exported, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    arguments = [each.format(model=exported[2]) for each in arguments]
    assert main(["export", *arguments]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("sb-sma: error: ") and message in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_a_missing_package_names_the_extra(exported, repository, tmp_path):
    _, _, folder = exported
    script = (
        "import sys\n"
        "sys.modules['onnxscript'] = None\n"
        "from sb_sma.cli import main\n"
        f"arguments = {['export', '--model', str(folder), '--onnx', 'new']}\n"
        "print(main(arguments), 'torch' in sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["1", "False"]
    assert "pip install 'sb_sma[onnx]'" in done.stderr
    assert list(tmp_path.iterdir()) == []
