"""The search finds what a search without shortcuts finds, word by word."""

import itertools
import math

import pytest
import torch

from sb_sma.attention import DecodingOptions
from sb_sma.data import phonemes
from sb_sma.models.g2p import hypothesis
from sb_sma.models.g2p.beam_search import BeamSettings, beam_search
from sb_sma.models.g2p.transformer_g2p import TransformerG2P

END = phonemes.END
SEEDS = range(2)


def score_all(model, graphemes, length, sequences):
    """Log-probabilities of whole sequences, by teacher forcing."""
    longest = max(map(len, sequences))
    tokens = torch.zeros(len(sequences), longest, dtype=torch.int64)
    for row, sequence in zip(tokens, sequences):
        row[: len(sequence)] = torch.tensor(sequence)
    batch = graphemes.expand(len(sequences), -1)
    lengths = length.expand(len(sequences))
    with torch.no_grad():
        logits, _ = model(batch, lengths, tokens)
    logits = logits.masked_fill(model.blocked, -torch.inf)
    each = logits.log_softmax(-1).gather(2, tokens[..., None])[..., 0]
    return each.masked_fill(tokens == 0, 0.0).sum(1).tolist()


def longest_run(tokens):
    return max(
        (len(list(run)) for _, run in itertools.groupby(tokens)), default=0
    )


def search_plainly(model, graphemes, length, settings, n_best):
    """One hypothesis after the other, and never an early end."""
    beam, ended = [((), 0.0)], []
    n_tokens = model.decoder.bias.numel()
    for step in range(1, settings.max_steps(int(length)) + 1):
        longer = [
            (*tokens, token)
            for tokens, _ in beam
            for token in range(END if tokens else END + 1, n_tokens)
            if longest_run((*tokens, token)) <= settings.max_run
        ]
        totals = score_all(model, graphemes, length, longer)
        ranked = sorted(zip(longer, totals), key=lambda each: -each[1])
        ended += [
            (tokens[:-1], total, total / step**settings.length_penalty)
            for tokens, total in ranked[: settings.beam_size]
            if tokens[-1] == END
        ]
        ended = sorted(ended, key=lambda each: -each[2])[:n_best]
        going_on = [each for each in ranked if each[0][-1] != END]
        beam = going_on[: settings.beam_size]
        totals = sorted(total for _, total, *_ in beam + ended)
        lowest = totals[-min(n_best, len(totals))] - settings.beam_threshold
        beam = [each for each in beam if each[1] >= lowest]
        if not beam:
            break
    if not ended:
        tokens, total = beam[0]
        return [(tokens, total, total / step**settings.length_penalty)]
    return ended


def assert_found(hypotheses, expected):
    assert [tuple(each.tokens) for each in hypotheses] == [
        tokens for tokens, _, _ in expected
    ]
    for each, (_, total, score) in zip(hypotheses, expected):
        assert each.log_probability == pytest.approx(total, abs=1e-9)
        assert each.score == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_beam_without_limit_finds_the_best_of_all(
    make_g2p, words, seed, length_penalty
):
    model = make_g2p(seed=seed, n_phonemes=5)
    settings = BeamSettings(1000, length_penalty, 0.0, extra_steps=5, max_run=2)
    sequences = [
        (*tokens, END)
        for n_tokens in range(1, 5)
        for tokens in itertools.product(range(END + 1, 5), repeat=n_tokens)
        if longest_run(tokens) <= 2
    ]
    found = beam_search(model, *words, settings, n_best=20)
    for graphemes, length, hypotheses in zip(*words, found):
        totals = score_all(model, graphemes[:length], length, sequences)
        expected = sorted(
            (
                (tokens[:-1], total, total / len(tokens) ** length_penalty)
                for tokens, total in zip(sequences, totals)
            ),
            key=lambda each: -each[2],
        )
        assert all(each.finished for each in hypotheses)
        assert_found(hypotheses, expected[:20])


@pytest.mark.parametrize("beam_threshold", [math.inf, 0.5, 0.1])
@pytest.mark.parametrize(
    "beam_size, n_best, length_penalty, max_run",
    [(2, 1, 1.0, 3), (3, 3, 1.0, 1), (4, 2, 0.0, 2), (5, 5, 0.5, 9)],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_early_end_loses_nothing(
    make_g2p,
    words,
    seed,
    beam_size,
    n_best,
    length_penalty,
    max_run,
    beam_threshold,
):
    model = make_g2p(seed=seed, end_bias=-1.0)
    settings = BeamSettings(
        beam_size, length_penalty, 1.0, 3, max_run, beam_threshold
    )
    found = beam_search(model, *words, settings, n_best)
    for graphemes, length, hypotheses in zip(*words, found):
        expected = search_plainly(
            model, graphemes[:length], length, settings, n_best
        )
        assert_found(hypotheses, expected)


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("mode", ["soft", "hard"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_gives_what_its_words_give_alone(
    make_g2p, words, seed, mode, beam_size
):
    model = make_g2p(seed=seed, window=3)
    settings = BeamSettings(beam_size, beam_threshold=0.5)
    options = DecodingOptions(mode)
    n_best = min(beam_size, 3)
    found = beam_search(model, *words, settings, n_best, options)
    for item, hypotheses in enumerate(found):
        length = words[1][item : item + 1]
        alone = words[0][item : item + 1, : int(length)]
        (expected,) = beam_search(
            model, alone, length, settings, n_best, options
        )
        assert_found(
            hypotheses,
            [
                (tuple(each.tokens), each.log_probability, each.score)
                for each in expected
            ],
        )


@pytest.mark.parametrize("max_run", [1, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_greedy_takes_the_most_probable_at_every_step(
    make_g2p, words, attention, seed, max_run
):
    model = make_g2p(attention, seed)
    settings = BeamSettings(beam_size=1, max_run=max_run)
    for graphemes, length, (greedy,) in zip(
        *words, beam_search(model, *words, settings)
    ):
        tokens, n_steps = (), settings.max_steps(int(length))
        while len(tokens) < n_steps and END not in tokens:
            longer = [
                (*tokens, token)
                for token in range(END if tokens else END + 1, 8)
                if longest_run((*tokens, token)) <= max_run
            ]
            totals = score_all(model, graphemes[:length], length, longer)
            total = max(totals)
            tokens = longer[totals.index(total)]
        assert greedy.finished == (END in tokens)
        phonemes_said = tuple(token for token in tokens if token != END)
        score = total / len(tokens)
        assert_found([greedy], [(phonemes_said, total, score)])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_list_is_sorted_and_without_repeats(make_g2p, words, seed):
    model = make_g2p(seed=seed, end_bias=3.0)
    settings = BeamSettings(beam_threshold=math.inf)
    for hypotheses in beam_search(model, *words, settings, n_best=5):
        scores = [each.score for each in hypotheses]
        assert scores == sorted(scores, reverse=True)
        said = {tuple(each.tokens) for each in hypotheses}
        assert 1 < len(said) == len(hypotheses) <= 5


@pytest.mark.parametrize("beam_size", [1, 4])
def test_no_word_is_silent(make_g2p, words, beam_size):
    model = make_g2p(end_bias=10.0)
    settings = BeamSettings(beam_size, beam_threshold=math.inf)
    for hypotheses in beam_search(model, *words, settings, n_best=beam_size):
        assert all(each.tokens and each.finished for each in hypotheses)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_model_that_never_ends_is_stopped(make_g2p, words, beam_size):
    model = make_g2p(end_bias=-1e4, sharpness=10.0)
    settings = BeamSettings(
        beam_size, steps_per_grapheme=1.5, extra_steps=4, max_run=2
    )
    found = beam_search(model, *words, settings, n_best=beam_size)
    for length, hypotheses in zip(words[1].tolist(), found):
        (only,) = hypotheses
        assert not only.finished
        assert len(only.tokens) == settings.max_steps(length)
        assert longest_run(only.tokens) <= 2


@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_phoneme_is_not_said_for_ever(make_g2p, words, beam_size):
    model = make_g2p(end_bias=-1e4)
    with torch.no_grad():
        model.decoder.bias[4] += 1e3
    said = [
        longest_run(beam_search(model, *words, settings)[0][0].tokens)
        for settings in (
            BeamSettings(beam_size, max_run=max_run) for max_run in (1, 2, 5)
        )
    ]
    assert said == [1, 2, 5]


@pytest.mark.parametrize("beam_size", [1, 4])
def test_padding_is_never_said(make_g2p, words, beam_size):
    model = make_g2p()
    with torch.no_grad():
        model.decoder.bias[0] += 1e3
    for hypotheses in beam_search(model, *words, BeamSettings(beam_size)):
        assert min(hypotheses[0].tokens, default=9) > END


class CountsRows(TransformerG2P):
    """Remembers how many rows every step had."""

    n_rows = ()

    def step(self, phonemes, state):
        self.n_rows = (*self.n_rows, len(phonemes))
        return super().step(phonemes, state)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_words_that_are_done_leave(make_g2p, words, beam_size):
    model = make_g2p(end_bias=-1e4, kind=CountsRows)
    settings = BeamSettings(
        beam_size, steps_per_grapheme=1.0, extra_steps=1, max_run=9
    )
    beam_search(model, *words, settings)
    # limits of 8, 4, 2, 6 and 4 steps
    n_words = [5, 5, 4, 4, 2, 2, 1, 1]
    expected = [5] + [beam_size * each for each in n_words[1:]]
    assert list(model.n_rows) == expected


def test_hypotheses_below_the_threshold_leave(make_g2p, words):
    model = make_g2p(end_bias=-1e4, kind=CountsRows)
    settings = BeamSettings(4, 1.0, 0.0, 3, beam_threshold=1e-9)
    beam_search(model, *words, settings)
    assert list(model.n_rows) == [5, 5, 5]


class RemembersMemory(TransformerG2P):
    """Remembers the projected memory of every step."""

    memories = ()

    def step(self, phonemes, state):
        keys = state.layers[0].cross.memory.keys
        self.memories = (*self.memories, keys)
        return super().step(phonemes, state)


@pytest.mark.parametrize("beam_threshold", [math.inf, 1.0])
def test_words_that_are_done_wait_without_disturbing(make_g2p, beam_threshold):
    model = make_g2p(kind=RemembersMemory, end_bias=-2.0)
    generator = torch.Generator().manual_seed(2)
    lengths = torch.full((32,), 5)
    lengths[[3, 17]] = 2  # few of them: they wait for the others
    words = torch.randint(1, 12, (32, 5), generator=generator)
    settings = BeamSettings(
        4, 1.0, 1.0, extra_steps=2, beam_threshold=beam_threshold
    )
    found = beam_search(model, words, lengths, settings, n_best=2)
    assert len(model.memories) > settings.max_steps(2) + 1
    for before, after in itertools.pairwise(model.memories):
        assert before is after or len(before) > len(after)
    for graphemes, length, hypotheses in zip(words, lengths, found):
        (alone,) = beam_search(
            model, graphemes[None, :length], length[None], settings, n_best=2
        )
        assert [each.tokens for each in hypotheses] == [
            each.tokens for each in alone
        ]


def test_no_words_have_no_pronunciations(make_g2p):
    graphemes = torch.zeros(0, 4, dtype=torch.int64)
    assert beam_search(make_g2p(), graphemes, graphemes[:, 0]) == []


def test_the_arguments_are_left_as_they_were(make_g2p, words):
    before = [each.clone() for each in words]
    beam_search(make_g2p(), *words)
    for argument, copy in zip(words, before):
        assert torch.equal(argument, copy)


def test_start_and_end_are_those_of_the_table():
    assert hypothesis.START == phonemes.START
    assert hypothesis.END == phonemes.END


@pytest.mark.parametrize("n_best", [0, 4])
def test_more_pronunciations_than_hypotheses_are_refused(
    make_g2p, words, n_best
):
    with pytest.raises(
        ValueError,
        match=f"n_best must be from 1 to beam_size = 3; got {n_best}. Choose",
    ):
        beam_search(make_g2p(), *words, BeamSettings(3), n_best)


def test_an_empty_word_is_refused(make_g2p, words):
    lengths = words[1].clone()
    lengths[3] = 0
    with pytest.raises(
        ValueError, match="must be 1 or more; word 3 has 0. Leave empty"
    ):
        beam_search(make_g2p(), words[0], lengths)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"beam_size": 0}, "beam_size must be 1 or more; got 0"),
        ({"length_penalty": -0.1}, r"length_penalty must be 0 or more; got -0"),
        ({"length_penalty": float("nan")}, "length_penalty must be.*got nan"),
        ({"steps_per_grapheme": -1.0}, "steps_per_grapheme must be 0 or more"),
        ({"extra_steps": 0}, "extra_steps must be 1 or more; got 0"),
        ({"max_run": 0}, "max_run must be 1 or more; got 0"),
        ({"beam_threshold": 0.0}, "beam_threshold must be above 0 .* got 0"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BeamSettings(**arguments)
