"""What an alignment alone tells of how a text was read."""

import pytest
import torch

from sb_sma.metrics.reading import find_reading_faults, read_alignment
from sb_sma.metrics.shares import (
    diagonal_ratio,
    scattered_share,
    unaligned_share,
)
from sb_sma.metrics.word_times import UsualSeconds, WordSpan

TOKENS = list("abcdefgh")
WORDS = [WordSpan("abcd", 0, 4), WordSpan("efgh", 4, 8)]
USUAL = UsualSeconds([(TOKENS, [0.1] * 8)] * 3)


def faults_of(path, monotonic, seconds=None, finished=True):
    alignment = torch.nn.functional.one_hot(torch.tensor(path), 8).float()
    seconds = 0.1 * len(path) if seconds is None else seconds
    reading = read_alignment(alignment, TOKENS, WORDS, seconds, finished)
    return find_reading_faults(reading, USUAL, monotonic)


@pytest.mark.parametrize("monotonic", [True, False])
def test_a_steady_reading_has_no_fault(monotonic):
    assert faults_of(range(8), monotonic) == []


@pytest.mark.parametrize(
    "path, how, fault",
    [
        (range(8), {"finished": False}, "does not reach its end"),
        (range(6), {}, "does not reach its end"),
        (range(8), {"seconds": 0.4}, "0.50 times as long as usual"),
        (range(8), {"seconds": 1.2}, "1.50 times as long as usual"),
        ([0, 1, 2, 3, 3, 3, 3, 7], {}, "1 word unsaid: efgh"),
        (
            [0, 1, 2, 3, 4, 5, 6, *[7] * 12],
            {},
            "stays on a token for more than a second, 63% of the speech",
        ),
    ],
    ids=["cut off", "other end", "short", "long", "left out", "stall"],
)
def test_each_fault_is_named_for_every_attention(path, how, fault):
    for monotonic in (True, False):
        faults = faults_of([*path], monotonic, **how)
        assert any(each.startswith(fault) for each in faults), faults


def test_a_reading_may_end_at_the_last_sound_or_in_the_silence_after_it():
    assert faults_of(range(7), monotonic=True) == []


def test_moves_count_only_where_they_are_possible():
    back = [0, 1, 2, 3, 4, 3, 4, 5, 6, 7]
    over = [0, 1, 1, 1, 5, 6, 6, 7]
    assert faults_of(back, monotonic=True) == []
    assert faults_of(back, monotonic=False) == ["goes back once"]
    assert faults_of(over, monotonic=False) == [
        "passes over 3 tokens at once (at most 2)"
    ]


def test_a_stay_counts_from_a_second():
    path = torch.tensor([0, 1, 1, 2])
    assert unaligned_share(path, seconds=1.9) == 0.0
    assert unaligned_share(path, seconds=2.1) == 0.5


def test_a_steady_reader_is_on_the_diagonal_at_any_rate():
    for n_queries, n_keys in [(40, 40), (97, 13), (13, 97), (1, 1)]:
        middles = (torch.arange(n_queries) + 0.5) * n_keys / n_queries
        alignment = torch.nn.functional.one_hot(middles.long(), n_keys)
        assert diagonal_ratio(alignment.float()) == 1.0


def test_who_looks_everywhere_is_seldom_on_the_diagonal():
    assert diagonal_ratio(torch.full((50, 50), 0.02)) == pytest.approx(
        0.2, abs=0.02
    )


def test_attention_is_scattered_where_it_is_at_two_places():
    steady = torch.eye(20)
    halves = (steady + steady.roll(6, dims=1)) / 2
    assert scattered_share(steady) == 0.0
    assert scattered_share(torch.cat([steady, halves])) == 0.5
    # wide, but at one place
    wide = sum(steady.roll(shift, dims=1) for shift in (-1, 0, 1)) / 3
    assert scattered_share(wide[1:-1]) == 0.0


def test_scattered_attention_is_a_fault_for_every_attention():
    alignment = (torch.eye(8) + torch.eye(8).roll(4, dims=1)) / 2
    reading = read_alignment(alignment, TOKENS, WORDS, 0.8, True)
    for monotonic in (True, False):
        faults = find_reading_faults(reading, USUAL, monotonic)
        assert any(each.startswith("reads at several") for each in faults)
