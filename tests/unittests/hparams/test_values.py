"""Values that what reads them cannot take are refused before building."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from ruamel.yaml.nodes import MappingNode, ScalarNode
from torch import nn

from sb_sma.hparams import check_yaml, compose
from sb_sma.hparams.annotations import matches
from sb_sma.hparams.document import kind_of, tag_of
from sb_sma.hparams.ranges import NUMBERS, Number

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = "hparams = {}\nprint(hparams['part'], hparams['n_samples'])\n"
TRAIN = """\
width: 4
deep: 2
n_samples: 3
part: !new:sb_sma.training.epochs.TimedEpochCounter
    limit: !ref <width>
    max_minutes: null
"""


@pytest.fixture
def check(tmp_path):
    """Check a file with a recipe that reads it."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)

    def check(*changes, overrides=""):
        text = TRAIN.replace("deep: 2\n", "")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "train.yaml").write_text(text)
        check_yaml(tmp_path / "train.yaml", script, overrides)

    return check


def test_right_values_pass(check):
    check()
    check(("max_minutes: null", "max_minutes: 2.5"))
    check(("max_minutes: null", "max_minutes: 3"))
    check(overrides="width: 5")


@pytest.mark.parametrize(
    "change, message",
    [
        (
            ("max_minutes: null", "max_minutes: abc"),
            r"train.yaml, line 5: 'max_minutes' of \S+TimedEpochCounter must "
            "be float or null; got 'abc'",
        ),
        (
            ("width: 4", "width: 4.5"),
            r"train.yaml, line 1: 'limit' of \S+ must be int; got 4.5",
        ),
        (
            ("limit:", "limits:"),
            r"train.yaml, line 4: \S+TimedEpochCounter takes no 'limits'. "
            "Closest known names: limit",
        ),
        (
            ("    limit: !ref <width>\n", ""),
            "train.yaml, line 2: .*TimedEpochCounter lacks limit",
        ),
        (
            ("n_samples: 3", "n_samples: -1"),
            "train.yaml, line 2: 'n_samples' must be a whole number, 0 or "
            "more; got -1",
        ),
    ],
    ids=["type", "reference", "argument", "missing", "range"],
)
def test_wrong_values_are_named_with_their_place(check, change, message):
    changes = [change]
    if "limit: !ref" in change[0]:
        changes.append(("width: 4\n", ""))
    with pytest.raises(ValueError, match=message):
        check(*changes)


@pytest.mark.parametrize(
    "override, message",
    [
        ("width: 2.5", "the command line: 'limit' of .* must be int; got 2.5"),
        ("n_samples: 0.5", "the command line: 'n_samples' must be a whole"),
    ],
)
def test_the_command_line_is_checked_alike(check, override, message):
    with pytest.raises(ValueError, match=message):
        check(overrides=override)


@pytest.mark.parametrize(
    "value, hint, expected",
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        (1.5, int, False),
        ("1", float, False),
        (True, bool, True),
        (1, bool, False),
        (None, int | None, True),
        (None, int, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ([1, 2], Sequence[int], True),
        ([1, "x"], list[int], False),
        ([], Sequence[int] | None, True),
        ("en-us", str | Sequence[str], True),
        (["a"], str | Sequence[str], True),
        (3, str | Sequence[str], False),
        ("a/b", str | Path, True),
        ("a/b", Path, True),
        (3, nn.Module, False),
        ("abc", Sequence[int], False),
        ("abc", Sequence[str], True),
        ([1, "a"], tuple[int, str], True),
        ([1, 2], tuple[int, str], False),
        ("cpu", torch.device, True),
        ("a", Callable[..., Any], False),
        ({"a": 1}, str | Callable[..., Any], False),
        ({"a": 1}, dict[str, int], True),
        (3, Any, True),
    ],
    ids=str,
)
def test_plain_values_fit_annotations(value, hint, expected):
    assert matches(value, hint) == expected


def test_every_number_of_the_recipes_says_what_it_is():
    assert str(Number()) == "a whole number, 0 or more"
    assert str(Number(float, 0, 1, True)) == "a number, from 0 to 1, or null"
    assert not NUMBERS["label_smoothing"].allows(1.5)
    assert NUMBERS["frames_per_token"].allows(None)


WRONG = {"bool": "abc", "int": "abc", "float": "abc", "null": "[[a]]"}


@pytest.mark.parametrize("name", ["tts_gst", "g2p"])
def test_every_key_of_an_experiment_is_checked(name, monkeypatch):
    path = REPOSITORY / "hparams" / f"{name}.yaml"
    document = compose(path)
    recipe = REPOSITORY / document.items["recipe"].value
    monkeypatch.syspath_prepend(recipe.parent)
    passed = []
    for key, node in document.items.items():
        is_plain = not tag_of(node) and not isinstance(node, MappingNode)
        if not is_plain or key == "recipe":
            continue
        wrong = "[[3.5]]"
        if isinstance(node, ScalarNode):
            wrong = WRONG.get(kind_of(node), "[[3.5]]")
        try:
            check_yaml(path, recipe, f"{key}: {wrong}")
            passed.append(key)
        except ValueError as error:
            assert "the command line: " in str(error), (key, str(error))
    assert not passed


@pytest.mark.parametrize(
    "override, message",
    [
        (
            "attention_type: sma",
            "SMA, regularMHA, forward or !name:your.module.Class; got 'sma'",
        ),
        ("encoder_type: rnn", "one of transformer, conformer, Conf"),
        ("monotonic_head_choice: best", "one of all, focused; got 'best'"),
        ("sentencepiece_model: bpee", "one of unigram, bpe; got 'bpee'"),
        ("frontend: arpabet", "one of espeak, characters"),
        ("style: tokens", "one of none, gst; got 'tokens'"),
        ("corpus_folder: [3]", r"'corpus_folder' must be Path; got \[3\]"),
        ("corpus_folder: null", "'corpus_folder' must be Path; got null"),
    ],
)
def test_names_of_a_table_are_checked(override, message):
    path = REPOSITORY / "hparams" / "tts.yaml"
    recipe = REPOSITORY / "recipes/Embedded/TTS/transformer/train.py"
    with pytest.raises(ValueError, match=message):
        check_yaml(path, recipe, override)


def test_options_are_held_against_what_is_built(tmp_path):
    path = tmp_path / "train.yaml"
    text = (
        "cross: !apply:sb_sma.attention.attention_factory\n"
        "    attention_type: {}\n"
        "    options:\n"
        "        {}:\n"
        "            {}\n"
    )
    script = tmp_path / "train.py"
    script.write_text("hparams = {}\nprint(hparams['cross'])\n")

    def check(*parts):
        path.write_text(text.format(*parts))
        check_yaml(path, script)

    check("SMA", "SMA", "moves_per_query: 2")
    with pytest.raises(ValueError, match="line 2: .*; got {'a': None}"):
        check("!!set {a}", "SMA", "moves_per_query: 2")
    with pytest.raises(ValueError, match="line 5: SMA takes no 'moves'"):
        check("SMA", "SMA", "moves: 2")
    with pytest.raises(ValueError, match="line 5: 'moves_per_query' of forw"):
        check("SMA", "forward", "moves_per_query: abc")
    with pytest.raises(ValueError, match="options for SMA, .*got 'sma'"):
        check("SMA", "sma", "moves_per_query: 2")
    check("SMA", "SMA", "")
    with pytest.raises(ValueError, match="line 6: .* takes no 'd_model'"):
        check("SMA", "SMA", "moves_per_query: 2\n    d_model: 8")
