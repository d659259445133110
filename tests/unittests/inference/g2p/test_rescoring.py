"""Models of different kinds: they propose, and weigh what others propose."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch

from sb_sma.inference import G2P
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.rescoring import (
    CombinedG2P,
    add_analogy,
    load_together,
)
from sb_sma.models.g2p.ensemble import Ensemble
from tests.model_folders import forget_digests

SPELLING = {"a": "AH", "b": "B", "c": "K"}
WORDS = ["cab", "a", "bacca", "abc", "bb", "caab"]


@pytest.fixture
def models(exported_g2p):
    """One as it was trained, and one that errs."""
    first, second = (
        G2P.from_hparams(source=str(exported_g2p)) for _ in range(2)
    )
    disturb(second)
    return first, second


def disturb(g2p):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in g2p.mods.model.decoder.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.5 * parameter.abs().mean() * noise)


@pytest.fixture
def other_source(exported_g2p, tmp_path):
    """A model that takes letters apart, or does not, unlike the other."""
    folder = tmp_path / "other"
    forget_digests(shutil.copytree(exported_g2p, folder))
    graphemes = json.loads((folder / "graphemes.json").read_text())
    graphemes["decompose"] = not graphemes["decompose"]
    (folder / "graphemes.json").write_text(json.dumps(graphemes))
    return folder


def mean_log_probabilities(models, word, candidates):
    """Of each candidate, by its definition."""
    weighed = [
        model.weigh(model.read([word]), [candidates])[0] for model in models
    ]
    return [
        sum(max(each, -20.0) for each in several) / len(models)
        for several in zip(*weighed)
    ]


def test_models_of_both_directions_agree(exported_g2p, exported_backwards):
    both = [str(exported_g2p), str(exported_backwards)]
    forwards, backwards = (G2P.from_hparams(source=each) for each in both)
    words = [word for word in WORDS if len(word) < 5]  # as in training
    expected = [[SPELLING[letter] for letter in word] for word in words]
    assert backwards(words) == forwards(words) == expected
    # each says its phonemes in its own order, and weighs the word as said
    (indices,) = backwards.read(["cab"])
    assert indices == forwards.read(["cab"])[0][::-1]
    ((right, wrong),) = backwards.weigh(
        [indices], [[["K", "AH", "B"], ["B", "AH", "K"]]]
    )
    assert right > -0.5 > -3 > wrong
    combined = load_together(both)
    assert isinstance(combined, CombinedG2P)
    assert combined(words) == expected
    with pytest.raises(ValueError, match="they differ in backwards"):
        forwards.join([backwards])


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


@pytest.mark.parametrize("words", [["a"], []])
def test_a_beam_that_is_no_number_is_refused(models, words):
    with pytest.raises(ValueError, match="beam_size must be 1 or more"):
        CombinedG2P(models)(words, beam_size="x")


def test_the_best_are_those_with_the_most_probability(models):
    first, second = models
    assert first(WORDS) != second(WORDS)
    found = CombinedG2P(models).n_best(WORDS, 4)
    for word, best in zip(WORDS, found):
        proposed = {
            tuple(each.phonemes)
            for model in models
            for each in model.n_best([word], 5)[0]
        }
        candidates = [list(each) for each in proposed]
        means = mean_log_probabilities(models, word, candidates)
        ranked = sorted(
            zip(candidates, means),
            key=lambda pair: pair[1] / (len(pair[0]) + 1),
            reverse=True,
        )[:4]
        assert [each.phonemes for each in best] == [each for each, _ in ranked]
        assert [each.log_probability for each in best] == pytest.approx(
            [mean for _, mean in ranked], abs=1e-4
        )


# words that are said as no model would say them
ODD = {"cab": [["B", "AH", "B"]], "abc": [["AH", "B", "K"]]}


def test_analogy_weighs_as_much_as_a_model(models):
    analogy = Analogy(ODD)
    several = CombinedG2P(models, analogy)
    alone = add_analogy(models[0], ODD)
    for combined, asked in ((several, models), (alone, models[:1])):
        for word, found in zip(WORDS, combined.n_best(WORDS, 4)):
            candidates = [each.phonemes for each in found]
            means = mean_log_probabilities(asked, word, candidates)
            # all candidates, since log-ratios are of the best one of them
            (by_analogy,) = analogy.weigh([list(word)], [propose(asked, word)])
            of_each = dict(zip(map(tuple, propose(asked, word)), by_analogy))
            expected = [
                (len(asked) * mean + max(of_each[tuple(each)], -20.0))
                / (len(asked) + 1)
                for mean, each in zip(means, candidates)
            ]
            assert [each.log_probability for each in found] == pytest.approx(
                expected, abs=1e-4
            )
        encoded = [combined.encode(word) for word in WORDS]
        assert [each[0].phonemes for each in combined.decode(encoded)] == (
            combined(WORDS)
        )
    assert combined(WORDS) != models[0](WORDS)


def propose(models, word):
    """What the models propose."""
    proposed = {
        tuple(each.phonemes)
        for model in models
        for each in model.n_best([word], 5)[0]
    }
    return [list(each) for each in sorted(proposed)]


def test_analogy_that_knows_nothing_changes_nothing(models):
    # candidates are of unlike lengths, which the length penalty weighs
    words = ["cab", "abc", "bacca"]
    nothing = {"xyz": [["K", "AH", "B"]]}
    combined = add_analogy(CombinedG2P(models), nothing)
    for word, found in zip(words, combined.n_best(words, 3)):
        assert len({len(each.phonemes) for each in found}) > 1
        alone = CombinedG2P(models).n_best([word], 3)[0]
        assert [each.phonemes for each in found] == [
            each.phonemes for each in alone
        ]


def test_analogy_is_added_to_models_of_several_languages(models):
    tokenizer = models[1].hparams.grapheme_tokenizer
    tokenizer.languages = ["one", "two"]
    combined = add_analogy(CombinedG2P(models), ODD)
    with pytest.raises(ValueError, match="Name one"):
        combined.check_language(None)
    *readings, letters = combined.encode("cab", "one")
    assert readings[0] != readings[1]
    assert letters == ["c", "a", "b"]


def test_analogy_is_in_the_notation_of_the_models(models):
    other = {"cab": [["k", "æ", "B"]]}
    message = "lexicon of analogy and model 1 do not share AH, K"
    with pytest.raises(ValueError, match=message):
        CombinedG2P(models, Analogy(other))
    with pytest.raises(ValueError, match=message):
        # before anything is learnt, of which this would be too little
        add_analogy(models[0], {**other, "": [[]], "c": [["k", "k", "k"]]})


@pytest.mark.parametrize("beam_size", [1, 3])
def test_the_beam_is_that_of_every_model(models, beam_size):
    candidates = CombinedG2P(models).n_best(WORDS, 3, beam_size=beam_size)
    for row, (word, found) in enumerate(zip(WORDS, candidates)):
        proposed = [
            each.phonemes
            for model in models
            for each in model.n_best(
                WORDS, max(3, beam_size), beam_size=beam_size
            )[row]
        ]
        assert all(each.phonemes in proposed for each in found)
    with pytest.raises(ValueError, match="beam_size must be 1 or more"):
        CombinedG2P(models)(WORDS, beam_size=0)


def test_a_greedy_search_is_greedy(models, monkeypatch):
    widths = []
    for model in models:
        search = model.decode

        def decode(graphemes, n, beam_size, search=search):
            widths.append((n, beam_size))
            return search(graphemes, n, beam_size)

        monkeypatch.setattr(model, "decode", decode)
    CombinedG2P(models)(WORDS, beam_size=1)
    CombinedG2P(models).n_best(WORDS, 7)
    assert widths == [(1, 1), (1, 1), (7, None), (7, None)]


@pytest.mark.parametrize("n", [0, -1])
def test_no_pronunciation_at_all_is_refused(models, n):
    with pytest.raises(ValueError, match="n must be 1 or more"):
        CombinedG2P(models).n_best(["cab"], n)


def test_words_that_do_not_end_are_cut_off_as_by_the_first(models):
    for model in models:
        model.hparams.beam_settings = replace(
            model.hparams.beam_settings, steps_per_grapheme=0, extra_steps=1
        )
    (found,) = CombinedG2P(models).n_best(["cab"], 2)
    (expected,) = models[0].n_best(["cab"], 2)
    assert [each.phonemes for each in found] == [expected[0].phonemes]
    assert not found[0].finished
    # one that ends is preferred
    models[1].hparams.beam_settings = replace(
        models[1].hparams.beam_settings, extra_steps=8
    )
    (found,) = CombinedG2P(models).n_best(["cab"], 1)
    assert found[0].finished
    assert len(found[0].phonemes) > 1


def test_a_phoneme_that_one_model_lacks_stays_possible(models):
    first, second = models
    with torch.no_grad():
        second.mods.model.decoder.bias[2] = -math.inf  # AH
    (found,) = CombinedG2P(models).n_best(["a"], 50)
    with_it = [each for each in found if "AH" in each.phonemes]
    assert with_it
    for each in with_it:
        (weighed,) = first.weigh(first.read(["a"]), [[each.phonemes]])
        expected = (max(weighed[0], -20.0) - 20.0) / 2
        assert each.log_probability == pytest.approx(expected, abs=1e-4)


def test_other_notations_are_refused(models):
    models[1].hparams.phonemes.symbols[:] = ["AH", "b", "k"]
    with pytest.raises(
        ValueError, match="of the 3 of one, model 2 and model 1 .* share B, K"
    ):
        CombinedG2P(models)


def test_no_words_give_nothing(models):
    assert CombinedG2P(models)([]) == []


def test_words_are_refused_as_by_a_model(models):
    combined = CombinedG2P(models)
    with pytest.raises(ValueError, match="word 2"):
        combined(["cab", ""])
    with pytest.raises(ValueError, match="list of words"):
        combined("cab")


def test_models_are_told_the_language_if_they_know_of_any(models):
    tokenizer = models[1].hparams.grapheme_tokenizer
    tokenizer.languages = ["one", "two"]
    combined = CombinedG2P(models)
    combined.check_language("one")
    with pytest.raises(ValueError, match="Name one"):
        combined.check_language(None)
    with pytest.raises(ValueError, match="language"):
        combined.encode("cab", "three")


def test_replaced_letters_are_counted_once(exported_g2p, other_source):
    combined = load_together([str(exported_g2p), str(other_source)])
    combined(["c\u0101b"])
    assert list(combined.fallbacks.values()) == [1]


def test_one_model_is_not_combined(models):
    with pytest.raises(ValueError, match="two or more.*got 1"):
        CombinedG2P(models[:1])
    with pytest.raises(ValueError, match="or one with analogy; got 0"):
        CombinedG2P([], Analogy({"cab": [["K", "AH", "B"]]}))


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


def test_sources_are_a_list(exported_g2p):
    with pytest.raises(ValueError, match="one model or more"):
        load_together([])
    with pytest.raises(ValueError, match="must be a list of folders"):
        load_together(str(exported_g2p))
