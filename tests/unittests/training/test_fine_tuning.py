"""A training starts from a model that was trained before."""

import copy

import pytest
import torch
from torch import nn

from sb_sma.data.graphemes import CharacterTokenizer, SentencePieceTokenizer
from sb_sma.inference import G2P
from sb_sma.training.fine_tuning import check_readable, start_from


@pytest.fixture
def source(exported_g2p):
    """The folder of a model that reads a, b and c, and says AH, B and K."""
    return str(exported_g2p)


@pytest.fixture
def blank(source):
    """A model of the same architecture that has learnt nothing."""
    model = G2P.from_hparams(source=source).mods.model
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def test_weights_letters_and_phonemes_are_taken(source, blank):
    trained = G2P.from_hparams(source=source)
    tokenizer, average = CharacterTokenizer(), copy.deepcopy(blank)
    table = start_from(source, [blank, average], tokenizer, ["B", "A", "Z"])
    # index by index what the weights belong to; what is new comes last
    assert table.symbols == ["AH", "B", "K", "A", "Z"]
    assert tokenizer.symbols == ["a", "b", "c"]
    for name, tensor in trained.mods.model.state_dict().items():
        for model in (blank, average):
            assert torch.equal(model.state_dict()[name], tensor), name


def test_another_architecture_is_refused(source, blank):
    blank.decoder.norm = nn.Linear(2, 2)
    tokenizer = CharacterTokenizer()
    with pytest.raises(
        ValueError,
        match=r"initial_model must be of the YAML's architecture; in .*model, "
        r"\d parameters differ, such as decoder\.norm.* in the model\. Give "
        "the YAML and overrides that it was trained with",
    ):
        start_from(source, [blank], tokenizer, ["B"])
    assert not tokenizer.symbols


def test_another_kind_of_tokenizer_is_refused(source, blank):
    with pytest.raises(
        ValueError,
        match="model must hold a tokenizer of the kind sentencepiece; got "
        "characters",
    ):
        start_from(source, [blank], SentencePieceTokenizer(), ["B"])
    assert not blank.state_dict()["encoder.embedding.weight"].any()


def test_words_with_foreign_letters_are_listed(source, blank):
    tokenizer = CharacterTokenizer()
    start_from(source, [blank], tokenizer, ["B"])
    entries = [
        {"word": word, "language": None} for word in ("abc", "жук", "a", "đ")
    ]
    check_readable(entries[::2], tokenizer)
    with pytest.raises(ValueError, match=r"2 problem\(s\)") as raised:
        check_readable(entries, tokenizer)
    assert "initial_model cannot read it: The word 'жук'" in str(raised.value)


def test_a_language_that_the_model_lacks_is_refused(source, blank):
    tokenizer = CharacterTokenizer()
    start_from(source, [blank], tokenizer, ["B"])
    with pytest.raises(ValueError, match="initial_model .* language must be"):
        check_readable([{"word": "abc", "language": "dut"}], tokenizer)
