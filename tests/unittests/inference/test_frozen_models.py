"""Models that were exported by an older version speak as they did then."""

import json

import pytest
import torch
from safetensors.torch import load_file

from sb_sma.inference.load_exported import read_format
from tests.frozen.freeze import REPOSITORY, describe_machine, pronounce, say

MODELS = sorted((REPOSITORY / "tests" / "frozen").glob("*/*/hyperparams.yaml"))


@pytest.mark.parametrize(
    "path", MODELS, ids=[f"{p.parts[-3]}-{p.parts[-2]}" for p in MODELS]
)
def test_it_says_what_it_said(path):
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


def test_only_names_of_this_package_are_led_on():
    text = "a: !new:your.data.text.TokenTable\nb: !new:sb_sma.data.Other"
    assert read_format(text, "here") == text
