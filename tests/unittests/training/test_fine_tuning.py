"""A training starts from a model that was trained before."""

import re

import pytest
import torch
from torch import nn

from sb_sma.data.lexicon.tokenizers import (
    CharacterTokenizer,
    SentencePieceTokenizer,
)
from sb_sma.training.fine_tuning import (
    check_readable,
    identify,
    load_initial_model,
    start_from,
)


@pytest.fixture
def initial(exported_g2p):
    """A model that reads a, b and c, says AH, B and K, and has room for one
    more."""
    return load_initial_model(str(exported_g2p))


@pytest.fixture
def models(exported_g2p):
    """The YAML's part ``models``, whose model has learnt nothing."""
    blank = vars(load_initial_model(str(exported_g2p)).hparams)
    for parameter in blank["model"].parameters():
        nn.init.zeros_(parameter)
    names = ("nhead", "dropout", "decoder_window", "monotonic_heads", "model")
    return {name: blank[name] for name in names}


def entry(word, language=None):
    return {"word": word, "language": language}


def test_weights_letters_and_phonemes_are_taken(initial, models):
    tokenizer = CharacterTokenizer()
    table = start_from(initial, models["model"], models, tokenizer, ["A", "B"])
    # index by index what the weights belong to; what is new comes last
    assert table.symbols == ["AH", "B", "K", "A"]
    assert tokenizer.symbols == ["a", "b", "c"]
    filled = models["model"].state_dict()
    for name, tensor in initial.mods.model.state_dict().items():
        assert torch.equal(filled[name], tensor), name


def test_new_phonemes_are_said_in_the_order_of_the_others(
    exported_backwards,
):
    initial = load_initial_model(str(exported_backwards))
    names = ("nhead", "dropout", "decoder_window", "monotonic_heads", "model")
    models = {name: vars(initial.hparams)[name] for name in names}
    tokenizer = CharacterTokenizer(backwards=True)
    table = start_from(initial, models["model"], models, tokenizer, ["A"])
    assert table.decode(table.encode(["A", "B", "K"])) == ["A", "B", "K"]
    assert table.encode(["A", "B", "K"])[-2:] == table.encode(["A"])


@pytest.mark.parametrize(
    "change, tokenizer, message",
    [
        ({"nhead": 2}, CharacterTokenizer(), "nhead: 4 there, 2 here"),
        (
            {"decoder_window": 3},
            CharacterTokenizer(),
            "decoder_window: None there, 3 here",
        ),
        (
            {"monotonic_heads": 3},
            CharacterTokenizer(),
            "monotonic_heads: 2 there, 3 here",
        ),
        (
            {},
            CharacterTokenizer(decompose=True),
            "decompose: False there, True here",
        ),
        (
            {},
            SentencePieceTokenizer(),
            "graphemes: characters there, sentencepiece here; ",
        ),
    ],
    ids=["heads", "window", "monotonic", "decompose", "tokenizer"],
)
def test_other_settings_are_refused(
    initial, models, change, tokenizer, message
):
    with pytest.raises(
        ValueError,
        match=f"must have the settings of this run; got {message}.*Give the "
        "YAML and overrides that it was trained with",
    ):
        start_from(
            initial, models["model"], {**models, **change}, tokenizer, ["B"]
        )
    assert not tokenizer.symbols
    assert not models["model"].encoder.embedding.weight.any()


def test_dropout_may_differ(initial, models):
    models["dropout"] = 0.4
    start_from(initial, models["model"], models, CharacterTokenizer(), ["B"])


def test_phonemes_that_find_no_room_are_refused(initial, models):
    with pytest.raises(
        ValueError,
        match="has room for 1 more phonemes; the corpus has 2 that it lacks, "
        "such as X, Y. Train a model with a larger n_phonemes first",
    ):
        start_from(
            initial,
            models["model"],
            models,
            CharacterTokenizer(),
            ["B", "X", "Y"],
        )


def test_words_with_foreign_letters_are_listed(initial, models):
    tokenizer = CharacterTokenizer()
    start_from(initial, models["model"], models, tokenizer, ["B"])
    entries = [entry(word) for word in ("abc", "жук", "a", "đ")]
    check_readable(entries[::2], tokenizer)
    with pytest.raises(ValueError, match=r"2 problem\(s\)") as raised:
        check_readable(entries, tokenizer)
    assert "initial_model cannot read it: The word 'жук'" in str(raised.value)


@pytest.mark.parametrize(
    "known, languages, message",
    [
        (None, ["dut"], "knows of no language; got dut"),
        (["bul"], ["bul", "dut"], "knows bul; got dut"),
        (["bul", "dut"], ["bul", None], "knows bul, dut; got None"),
    ],
    ids=["of no language", "of one", "of several"],
)
def test_a_language_that_the_model_lacks_is_refused(known, languages, message):
    tokenizer = CharacterTokenizer()
    tokenizer.fit(["ab", "ba"], known and [known[0], known[-1]])
    check_readable([entry("ab", known and known[0])], tokenizer)
    with pytest.raises(ValueError, match=message):
        check_readable([entry("ab", each) for each in languages], tokenizer)


def test_a_model_of_one_language_reads_words_of_none():
    tokenizer = CharacterTokenizer()
    tokenizer.fit(["ab"], ["bul"])
    check_readable([entry("ba")], tokenizer)


def test_models_are_told_apart(exported_g2p, initial):
    identity = identify(initial)
    assert re.fullmatch("[0-9a-f]{12}", identity)
    assert identify(load_initial_model(exported_g2p)) == identity
    initial.hparams.phonemes.symbols.append("Z")
    renamed = identify(initial)
    with torch.no_grad():
        next(initial.mods.model.parameters()).add_(1.0)
    assert len({identity, renamed, identify(initial)}) == 3


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(ValueError, match="does not exist. Give the folder"):
        load_initial_model(f"{tmp_path}/nothing")
