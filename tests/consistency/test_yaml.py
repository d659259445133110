"""Every experiment's YAML: its header, its keys, and what they reach."""

import os
import re
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sma.data.lexicon.tokenizers import TOKENIZERS
from sb_sma.hparams import check_yaml
from sb_sma.hparams.compose import _base_of, _lines_of, compose
from sb_sma.hparams.document import Document, tag_of

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(
    file
    for pattern in ("hparams/*.yaml", "recipes/**/hparams/*.yaml")
    for file in REPOSITORY.glob(pattern)
)
LJSPEECH = "recipes/LJSpeech/TTS/transformer/hparams"
MINIMAL = "recipes/LJSpeech/TTS/transformer_minimal/hparams/train.yaml"


def ids(files):
    return [str(file.relative_to(REPOSITORY)) for file in files]


def recipes_of(file):
    """The script beside `hparams/`, and the one that the file names."""
    named = compose(file).items.get("recipe")
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
        check_yaml(file, recipe, with_placeholders_given(compose(file)))


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
    assert list(compose(file).items)[:2] == ["seed", "__set_seed"]


def changed_by(path):
    """The keys that a variant gives."""
    return {*Document(REPOSITORY / path).items} - {"base"}


@pytest.mark.parametrize(
    "path, n_keys",
    [
        ("hparams/tts_gst.yaml", 8),
        ("hparams/voice.yaml", 16),
        (f"{LJSPEECH}/train_small.yaml", 7),
        (f"{LJSPEECH}/train.yaml", 23),
        ("recipes/SIGMORPHON2021/G2P/transformer/hparams/train.yaml", 13),
    ],
)
def test_a_variant_says_only_what_it_changes(path, n_keys):
    given = changed_by(path)
    assert len(given) == n_keys
    base = compose(_base_of(Document(REPOSITORY / path)))
    whole = compose(REPOSITORY / path)
    for key in given:
        assert key not in base.items or (
            text_of(whole, key) != text_of(base, key)
        ), f"{key} is as in the base"
    # and nothing else is another
    for key in base.items.keys() - given:
        assert key not in whole.items or (
            text_of(whole, key) == text_of(base, key)
        )


def text_of(document, key):
    """The lines of a key, without their comments."""
    ((node, value),) = (
        pair for pair in document.root.value if pair[0].value == key
    )
    return [
        line.text.split("  #")[0] for line in _lines_of(document, node, value)
    ]


def test_the_experiments_are_no_longer_than_they_have_to_be():
    minimal = REPOSITORY / MINIMAL
    own = {file.resolve() for file in FILES} - {minimal}
    lines = sum(len(file.read_text().splitlines()) for file in own)
    assert lines <= 660
    assert len(minimal.read_text().splitlines()) <= 115


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
    with torch.random.fork_rng():
        hparams = load_hyperpyyaml(compose(file).text, overrides)
    model = hparams["models"]["model"]
    size = sum(parameter.numel() for parameter in model.parameters())
    stated = re.search(r"of ([\d.]+) M parameters", file.read_text())[1]
    assert stated == f"{size / 1e6:.1f}"


@pytest.mark.parametrize("reduction_factor", [1, 2, 4])
def test_the_longest_stay_is_of_any_decoder_step(
    reduction_factor, tmp_path, monkeypatch
):
    file = REPOSITORY / "hparams" / "tts.yaml"
    monkeypatch.syspath_prepend(
        str(REPOSITORY / "recipes" / "Embedded" / "TTS" / "transformer")
    )
    overrides = {
        "output_folder": str(tmp_path),
        "reduction_factor": reduction_factor,
    }
    with torch.random.fork_rng():
        hparams = load_hyperpyyaml(compose(file).text, overrides)
    steps = hparams["max_stay_seconds"] * 22050 / 256 / reduction_factor
    assert hparams["decoding"].max_stay ** steps == pytest.approx(0.5)


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
