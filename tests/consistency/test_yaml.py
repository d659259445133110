"""Every experiment's YAML: its header, its keys, and what they reach."""

import os
import re
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sma.data.lexicon.tokenizers import TOKENIZERS
from sb_sma.hparams import check_yaml
from sb_sma.hparams.document import Document, tag_of

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(
    file
    for pattern in ("hparams/*.yaml", "recipes/**/hparams/*.yaml")
    for file in REPOSITORY.glob(pattern)
)
LJSPEECH = "recipes/LJSpeech/TTS/transformer/hparams"
PARTS = sorted(REPOSITORY.glob("hparams/models/*.yaml"))


def ids(files):
    return [str(file.relative_to(REPOSITORY)) for file in files]


def recipes_of(file):
    """The script beside `hparams/`, and the one that the file names."""
    named = Document(file).items.get("recipe")
    if named is not None:
        yield REPOSITORY / named.value
    # abspath, since a linked file belongs to the recipe it is linked into
    beside = Path(os.path.abspath(file)).parents[1] / "train.py"
    if beside != REPOSITORY / "train.py":
        yield beside


def with_placeholders_given(document):
    """Overrides that fill what a user must give."""
    return "\n".join(
        f"{path[0]}: given"
        for path, node in document.walk()
        if tag_of(node) == "!PLACEHOLDER" and len(path) == 1
    )


@pytest.mark.parametrize("file", FILES, ids=ids(FILES))
def test_every_key_is_known_and_reachable(file):
    recipes = list(recipes_of(file))
    assert recipes, f"{file} belongs to no recipe; name it: `recipe: ...`"
    for recipe in recipes:
        check_yaml(file, recipe, with_placeholders_given(Document(file)))


@pytest.mark.parametrize("file", FILES, ids=ids(FILES))
def test_header_tells_model_data_and_command(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    header = []
    while lines and lines[0].startswith("#"):
        header.append(lines.pop(0))
    text = "\n".join(header)
    for word in ("Model:", "Data:", "python train.py "):
        assert word in text, f"the header of {file} has no '{word}'"


@pytest.mark.parametrize("file", FILES, ids=ids(FILES))
def test_random_numbers_are_seeded_first(file):
    assert list(Document(file).items)[:2] == ["seed", "__set_seed"]


@pytest.mark.parametrize("file", PARTS, ids=ids(PARTS))
def test_shared_part_begins_with_what_it_is(file):
    assert file.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("file", PARTS, ids=ids(PARTS))
def test_shared_part_gets_every_size_from_outside(file):
    """A number in a shared part could not be overridden by a user, and would
    stand in two places."""
    document = Document(file)
    values = {
        name
        for name, node in document.items.items()
        if not tag_of(node) and isinstance(node.value, str)
    }
    assert not values, f"{file}: make {sorted(values)} a !PLACEHOLDER"


def keys_that_differ(name, other, start):
    """Keys whose lines after `start` are not the same in two files."""
    base, variant = (
        (REPOSITORY / file).read_text(encoding="utf-8").partition(start)[2]
        for file in (name, other)
    )
    lines = {*base.splitlines()} ^ {*variant.splitlines()}
    return {line.split(":")[0] for line in lines}


def test_g2p_recipes_differ_in_their_data_and_little_else():
    keys = keys_that_differ(
        "hparams/g2p.yaml",
        "recipes/SIGMORPHON2021/G2P/transformer/hparams/train.yaml",
        start="# Graphemes",
    )
    assert keys == {
        "batch_words",
        "dropout",
        "encoder_layers",
        "n_phonemes",
        "number_of_epochs",
    }


def test_tts_with_styles_differs_in_its_speech_styles_and_epochs():
    keys = keys_that_differ(
        "hparams/tts.yaml", "hparams/tts_gst.yaml", start="# Seed needs"
    )
    assert keys == {
        "output_folder",
        "corpus_folder",
        "n_test",
        "voice",
        "rate",
        "pitch",
        "pitch_range",
        "style",
        "number_of_epochs",
    }


def test_small_model_of_ljspeech_differs_in_its_data_and_its_schedule():
    keys = keys_that_differ(
        "hparams/tts.yaml", f"{LJSPEECH}/train_small.yaml", start="# Seed needs"
    )
    assert keys == {
        "recipe",
        "output_folder",
        "corpus_folder",
        "data_folder",
        "number_of_epochs",
        "guided_half_life",
        "guided_unit",
        "energy_noise_end",
        "samples_every",
    }


def test_models_of_ljspeech_differ_in_their_size_and_their_schedule():
    keys = keys_that_differ(
        f"{LJSPEECH}/train_small.yaml",
        f"{LJSPEECH}/train.yaml",
        start="# Seed needs",
    )
    assert keys == {
        "output_folder",
        "n_processes",
        "d_model",
        "nhead",
        "d_ffn",
        "encoder_layers",
        "encoder_prenet_layers",
        "encoder_prenet_kernel_size",
        "decoder_layers",
        "reduction_factor",
        "postnet_channels",
        "max_stay",
        "number_of_epochs",
        "max_batch_frames",
        "max_batch_items",
        "num_workers",
        "lr",
        "warmup_steps",
        "average_decay",
        "guided_half_life",
        "energy_noise_steps",
        "own_frames_steps",
        "samples_every",
    }


@pytest.mark.parametrize("name", ["train.yaml", "train_small.yaml"])
def test_real_speech_has_to_be_given(name):
    file = REPOSITORY / LJSPEECH / name
    message = r"values must be given for data_folder \(line \d+\). Give each as"
    with pytest.raises(ValueError, match=message):
        check_yaml(file, file.parents[1] / "train.py")


def test_header_tells_the_true_size_of_the_full_model(tmp_path, monkeypatch):
    file = REPOSITORY / LJSPEECH / "train.yaml"
    monkeypatch.syspath_prepend(str(file.parents[1]))
    overrides = {"data_folder": "given", "output_folder": str(tmp_path)}
    with torch.random.fork_rng(), open(file, encoding="utf-8") as stream:
        model = load_hyperpyyaml(stream, overrides)["models"]["model"]
    size = sum(parameter.numel() for parameter in model.parameters())
    stated = re.search(r"of ([\d.]+) M parameters", file.read_text())[1]
    assert stated == f"{size / 1e6:.1f}"


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_tokenizer_may_read_backwards(kind, tmp_path, monkeypatch):
    file = REPOSITORY / "hparams" / "g2p.yaml"
    recipe = REPOSITORY / "recipes" / "CMUDict" / "G2P" / "transformer"
    monkeypatch.syspath_prepend(str(recipe))
    overrides = {
        "output_folder": str(tmp_path),
        "graphemes": kind,
        "hint_lexicon": "cmudict",
        "backwards": True,
    }
    with torch.random.fork_rng(), open(file, encoding="utf-8") as stream:
        tokenizer = load_hyperpyyaml(stream, overrides)["grapheme_tokenizer"]
    assert tokenizer.backwards
