"""A misspelt name is told what it may stand for."""

from pathlib import Path

import pytest
from ruamel.yaml.nodes import MappingNode

from sb_sma.hparams.command_line import RUN_OPTIONS
from sb_sma.hparams.compose import compose
from sb_sma.hparams.names import closest_names

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def keys():
    items = compose(REPOSITORY / "hparams/tts.yaml").items
    return [key for key in items if not isinstance(items[key], MappingNode)]


@pytest.mark.parametrize(
    "name, first",
    [
        ("epochs", "number_of_epochs"),
        ("num_epochs", "number_of_epochs"),
        ("n_epochs", "number_of_epochs"),
        ("number-of-epochs", "number_of_epochs"),
        ("batch_size", "max_batch_items"),
        ("learning_rate", "lr"),
        ("output", "output_folder"),
        ("outptu_folder", "output_folder"),
        ("workers", "num_workers"),
        ("minutes", "max_minutes"),
        ("voices", "voice"),
        ("devcie", "device"),
        ("precison", "precision"),
    ],
)
def test_the_closest_comes_first(keys, name, first):
    hint = closest_names(name, keys, RUN_OPTIONS)
    assert hint.startswith(f"Closest known names: {first}")


@pytest.mark.parametrize("name", ["typo", "zzz", "x", ""])
def test_nothing_is_close_to_nonsense(keys, name):
    assert closest_names(name, keys, RUN_OPTIONS).startswith("No known name")
