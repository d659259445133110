"""An ensemble holds to be probable what its members do on average."""

import pytest
import torch

from sb_sma.attention.decoding import select_rows
from sb_sma.models.g2p.beam_search import BeamSettings, beam_search
from sb_sma.models.g2p.ensemble import Ensemble

START = torch.zeros(5, dtype=torch.int64)


@torch.no_grad()
def test_probabilities_are_the_mean_of_the_members(make_g2p, words):
    models = [
        make_g2p(attention, seed)
        for seed, attention in enumerate(("SMA", "mixed", "regularMHA"))
    ]
    ensemble = Ensemble(models)
    state = ensemble.start(*words, max_steps=3)
    members = [model.start(*words, max_steps=3) for model in models]
    heard = START
    rows = torch.tensor([4, 2, 2, 0, 1])
    for _ in range(2):
        log_probs, alignments = ensemble.step(heard, state)
        each = [
            model.step(heard, member) for model, member in zip(models, members)
        ]
        mean = torch.stack([part.exp() for part, _ in each]).mean(0)
        torch.testing.assert_close(log_probs.exp(), mean)
        expected = [layer for _, layers in each for layer in layers]
        assert all(map(torch.equal, alignments, expected))
        assert len(alignments) == 6
        heard = log_probs.argmax(-1)[rows]
        state, members = select_rows((state, members), rows)


@torch.no_grad()
def test_given_phonemes_are_weighed_as_found_ones(make_g2p, words):
    models = [make_g2p(seed=seed) for seed in range(2)]
    models[0].set_n_phonemes(7)  # 7 is impossible for one of them
    ensemble = Ensemble(models)
    phonemes = torch.tensor([[4, 1], [2, 7], [5, 1], [3, 1], [1, 0]])
    weighed = ensemble.weigh(*words, phonemes)
    state = ensemble.start(*words, max_steps=2)
    for step, heard in enumerate((START, phonemes[:, 0])):
        log_probs, _ = ensemble.step(heard, state)
        torch.testing.assert_close(weighed[:, step], log_probs)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_one_member_or_its_copies_are_the_model(make_g2p, words, beam_size):
    model, settings = make_g2p(), BeamSettings(beam_size)
    expected = beam_search(model, *words, settings, n_best=beam_size)
    for n_members in (1, 3):
        found = beam_search(
            Ensemble([model] * n_members), *words, settings, n_best=beam_size
        )
        for hypotheses, others in zip(found, expected):
            assert [each.tokens for each in hypotheses] == [
                each.tokens for each in others
            ]
            for each, other in zip(hypotheses, others):
                assert each.score == pytest.approx(other.score)


@torch.no_grad()
def test_what_is_impossible_for_one_stays_possible(make_g2p, words):
    models = [make_g2p(), make_g2p(seed=1)]
    models[0].decoder.bias[3] = -torch.inf
    ensemble = Ensemble(models)
    log_probs, _ = ensemble.step(START, ensemble.start(*words, max_steps=1))
    alone, _ = models[1].step(START, models[1].start(*words, max_steps=1))
    half = torch.tensor(0.5).double().log()
    torch.testing.assert_close(log_probs[:, 3], alone[:, 3] + half)


def test_members_with_other_tables_are_refused(make_g2p):
    with pytest.raises(
        ValueError,
        match=r"same tables; got .* = \[\(12, 8\), \(12, 9\)\]\. Take",
    ):
        Ensemble([make_g2p(), make_g2p(n_phonemes=9)])


def test_an_ensemble_of_none_is_refused():
    with pytest.raises(ValueError, match=r"one or more.*got .* = \[\]"):
        Ensemble([])
