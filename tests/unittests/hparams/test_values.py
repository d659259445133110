"""Values that what reads them cannot take are refused before building."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn

from sb_sma.hparams import check_yaml
from sb_sma.hparams.values import NUMBERS, Number, matches

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
