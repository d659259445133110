"""Models that were exported by an older version speak as they did then."""

import importlib
import json
import pydoc

import pytest
import torch
from safetensors.torch import load_file

from sb_sma.inference.load_exported import _MOVED_SINCE_FORMAT_0, read_format
from tests.frozen.freeze import REPOSITORY, describe_machine, pronounce, say

MODELS = sorted((REPOSITORY / "tests" / "frozen").glob("*/*/hyperparams.yaml"))
SPOKEN_OUT = ("tts_styles", "tts_pieces", "tts_by_g2p")


@pytest.mark.parametrize(
    "path", MODELS, ids=[f"{p.parts[-3]}-{p.parts[-2]}" for p in MODELS]
)
def test_it_says_what_it_said(path):
    if path.parent.name in SPOKEN_OUT:
        pytest.importorskip("kitten_text_processing")
    then = json.loads((path.parents[1] / "machine.json").read_text())
    # on another processor or other versions, sums are rounded otherwise
    tolerance = 0.0 if describe_machine() == then else 1e-4
    if (path.parent / "expected.json").exists():
        expected = json.loads((path.parent / "expected.json").read_text())
        for words in zip(pronounce(path.parent), expected):
            for (said, score), (phonemes, value) in zip(*words):
                assert said == phonemes
                assert score == pytest.approx(value, abs=tolerance)
        return
    said, expected = (
        say(path.parent),
        load_file(path.parent / "expected.safetensors"),
    )
    assert said.keys() == expected.keys()
    for name, mel in expected.items():
        torch.testing.assert_close(said[name], mel, rtol=0, atol=tolerance)


def test_there_is_one_of_every_format():
    formats = {path.parts[-3] for path in MODELS}
    assert formats == {"0", "1"}
    assert len(MODELS) == 7 * len(formats)


def test_a_newer_format_is_refused():
    with pytest.raises(ValueError, match="here has the format 99, .* up to 1"):
        read_format("# Made by sb_sma\nformat: 99\n", "here")


@pytest.mark.parametrize(
    "old",
    [
        "attention.stepwise_monotonic.StepwiseMonotonicMHA",
        "attention.forward_attention.ForwardMHA",
        "models.encoder.TransformerTextEncoder",
        "models.beam_search.BeamSettings",
        "data.mel.MelSettings",
        "attention.schedules.Fading",
        "training.checkpointer.AtomicCheckpointer",
    ],
)
def test_whatever_a_file_of_before_held_is_found(old):
    text = read_format(f"!name:sb_sma.{old}", "here")
    assert pydoc.locate(text.partition(":")[2]).__name__ == old.split(".")[-1]


def test_every_file_of_before_leads_to_one_of_now():
    for place in _MOVED_SINCE_FORMAT_0.values():
        importlib.import_module(f"sb_sma.{place}")


def test_only_names_of_this_package_are_led_on():
    text = "a: !new:your.data.text.TokenTable\nb: !new:sb_sma.data.TokenTable"
    assert read_format(text, "here") == text
