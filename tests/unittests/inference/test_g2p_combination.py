"""Models of different kinds: they propose, and weigh what others propose."""

import json
import shutil

import pytest
import torch

from sb_sma.inference import G2P
from sb_sma.inference.g2p_combination import CombinedG2P, load_together
from sb_sma.models.ensemble import Ensemble

WORDS = ["cab", "a", "bacca", "abc", "bb", "caab"]


@pytest.fixture
def models(exported_g2p):
    """One as it was trained, and one that is less sure, and errs."""
    first, second = (
        G2P.from_hparams(source=str(exported_g2p)) for _ in range(2)
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in second.mods.model.decoder.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.3 * parameter.abs().mean() * noise)
    return first, second


@pytest.fixture
def other_source(exported_g2p, tmp_path):
    """A model that takes words apart in another way."""
    folder = tmp_path / "other"
    shutil.copytree(exported_g2p, folder)
    graphemes = json.loads((folder / "graphemes.json").read_text())
    graphemes["decompose"] = not graphemes["decompose"]
    (folder / "graphemes.json").write_text(json.dumps(graphemes))
    return folder


def test_a_model_agrees_with_its_copy(exported_g2p):
    alone, *copies = (
        G2P.from_hparams(source=str(exported_g2p)) for _ in range(3)
    )
    combined = CombinedG2P(copies)
    assert combined(WORDS) == alone(WORDS)
    for found, expected in zip(
        combined.n_best(WORDS, 3), alone.n_best(WORDS, 5)
    ):
        assert [each.phonemes for each in found] == [
            each.phonemes for each in expected[:3]
        ]
        assert [each.log_probability for each in found] == pytest.approx(
            [each.log_probability for each in expected[:3]], abs=1e-4
        )


def test_the_best_are_those_that_all_hold_to_be_probable(models):
    first, second = models
    assert first(WORDS) != second(WORDS)
    combined = CombinedG2P(models)
    for word, found in zip(WORDS, combined.n_best(WORDS, 4)):
        proposed = [
            each.phonemes
            for model in models
            for each in model.n_best([word], 5)[0]
        ]
        means = {}
        for phonemes in proposed:
            weighed = [
                model.weigh(model.read([word]), [[phonemes]])[0][0]
                for model in models
            ]
            means[tuple(phonemes)] = sum(weighed) / 2
        best = sorted(
            means, key=lambda each: means[each] / (len(each) + 1), reverse=True
        )
        assert [tuple(each.phonemes) for each in found] == best[:4]
        assert [each.log_probability for each in found] == pytest.approx(
            [means[each] for each in best[:4]], abs=1e-4
        )


def test_a_narrow_beam_proposes_less(models):
    combined = CombinedG2P(models)
    greedy = combined.n_best(WORDS, 1, beam_size=1)
    proposals = [
        [model(WORDS, beam_size=1)[row] for model in models]
        for row in range(len(WORDS))
    ]
    for (best,), proposed in zip(greedy, proposals):
        assert best.phonemes in proposed


def test_no_words_give_nothing(models):
    assert CombinedG2P(models)([]) == []


def test_words_are_refused_as_by_a_model(models):
    combined = CombinedG2P(models)
    with pytest.raises(ValueError, match="word 2"):
        combined(["cab", ""])
    with pytest.raises(ValueError, match="language"):
        combined.check_language("eng_us")


def test_replaced_letters_are_counted_once(models):
    combined = CombinedG2P(models)
    combined(["c\u0101b"])
    assert sum(combined.fallbacks.values()) == 1


def test_one_model_is_not_combined(models):
    with pytest.raises(ValueError, match="two or more.*got 1"):
        CombinedG2P(models[:1])


def test_like_models_are_joined_and_unlike_ones_combined(
    exported_g2p, other_source
):
    one, other = str(exported_g2p), str(other_source)
    assert isinstance(load_together([one]), G2P)
    joined = load_together([one, one])
    assert isinstance(joined, G2P)
    assert isinstance(joined.mods.model, Ensemble)
    combined = load_together([one, other, one])
    assert isinstance(combined, CombinedG2P)
    first, second = combined.models
    assert len(first.mods.model.models) == 2
    assert not isinstance(second.mods.model, Ensemble)
    assert combined(WORDS) == joined(WORDS)
    with pytest.raises(ValueError, match="one model or more"):
        load_together([])
