"""Graphs and numpy pronounce as PyTorch does."""

import json
import shutil

import pytest

from sb_sma.cli import main
from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.inference import G2P
from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.onnx import OnnxG2P
from tests.unittests.onnx.conftest import G2P_MODELS, WORDS


@pytest.mark.parametrize("name", G2P_MODELS)
@pytest.mark.parametrize(
    "n, beam_size", [(1, 1), (1, None), (3, 5), (2, 40), (5, 2)]
)
def test_it_pronounces_as_pytorch_does(name, n, beam_size, exported_g2p_onnx):
    model, graphs = exported_g2p_onnx(name)
    wanted = G2P.from_hparams(source=str(model)).n_best(
        WORDS, n, beam_size=beam_size
    )
    found = OnnxG2P(graphs).n_best(WORDS, n, beam_size=beam_size)
    for ours, theirs in zip(found, wanted, strict=True):
        assert [(p.phonemes, p.finished) for p in ours] == [
            (p.phonemes, p.finished) for p in theirs
        ]
        assert [p.log_probability for p in ours] == pytest.approx(
            [p.log_probability for p in theirs], abs=1e-4
        )


@pytest.mark.integration
def test_the_model_of_the_package_pronounces_as_pytorch_does(tmp_path):
    graphs = tmp_path / "words_onnx"
    arguments = ["export", "--model", "en-us", "--onnx", str(graphs)]
    assert main(arguments) == 0
    runner, g2p = OnnxG2P(graphs), G2P.pretrained("en-us", lexicon=False)
    words = list(Cmudict())[::4000]
    for beam_size in (1, 5):
        wanted = g2p.n_best(words, 1, beam_size=beam_size)
        found = runner.n_best(words, 1, beam_size=beam_size)
        for (ours,), (theirs,) in zip(found, wanted, strict=True):
            assert ours.phonemes == theirs.phonemes
            assert ours.log_probability == pytest.approx(
                theirs.log_probability, abs=1e-4
            )


def test_a_call_gives_the_best(exported_g2p_onnx):
    g2p = OnnxG2P(exported_g2p_onnx("walking")[1])
    assert g2p(["abc", "ca"]) == [["AH", "B", "K"], ["K", "AH"]]
    assert g2p([]) == []


def test_what_was_read_is_said(exported_g2p_onnx):
    g2p = OnnxG2P(exported_g2p_onnx("walking")[1])
    ((best,),) = g2p.decode(g2p.read(["abc"]))
    assert best.phonemes == ["AH", "B", "K"]
    with pytest.raises(ValueError, match="graphemes must be"):
        g2p.decode([[999]])


@pytest.mark.parametrize(
    "words, options, message",
    [
        ("abc", {}, "words must be a list of words"),
        (["a", 3], {}, "words must be a list of strings"),
        (3, {}, "words must be a list of strings"),
        (["a", "..."], {}, "word 2: A word must have a letter"),
        (["a"], {"language": "eng"}, "language must be one"),
        (["a"], {"beam_size": 0}, "beam_size must be 1 or more, an integer"),
    ],
)
def test_what_cannot_be_read_is_one_error(
    words, options, message, exported_g2p_onnx
):
    g2p = OnnxG2P(exported_g2p_onnx("walking")[1])
    with pytest.raises(ValueError, match=message):
        g2p(words, **options)


@pytest.mark.parametrize("key", ["kind", "characters", "decompose", "units"])
def test_damaged_letters_are_one_error(key, exported_g2p_onnx, tmp_path):
    graphs = exported_g2p_onnx("walking")[1]
    folder = shutil.copytree(graphs, tmp_path / "copy")
    content = json.loads((folder / "onnx.json").read_text())
    del content["graphemes"][key]
    (folder / "onnx.json").write_text(json.dumps(content))
    with pytest.raises(ModelFolderError, match="graphemes is refused"):
        OnnxG2P(folder)
