"""An item ends only at its last token, and never runs for ever."""

import math

import pytest
import torch

from sb_sma.models.tts.stop_rule import EndDetector, StopRule

STOP, GO_ON = 5.0, -5.0


def run(rule, lengths, logits, positions, seconds_per_step=0.05):
    """For each step, which items ended; positions (Q, B) are tokens."""
    detector = EndDetector(rule, torch.tensor(lengths), seconds_per_step)
    keys = max(lengths)
    return [
        detector.update(
            torch.tensor(row), torch.eye(keys)[torch.tensor(places)][:, None]
        ).tolist()
        for row, places in zip(logits, positions)
    ]


def test_stop_counts_only_at_the_last_token_of_the_item():
    ended = run(
        StopRule(),
        [4, 2],
        [[STOP, STOP], [STOP, STOP], [GO_ON, GO_ON], [STOP, GO_ON]],
        [[0, 0], [2, 1], [3, 1], [3, 1]],
    )
    assert ended == [
        [False, False],
        [False, True],
        [False, False],
        [True, False],
    ]


@pytest.mark.parametrize(
    "threshold, probability, expected",
    [(0.5, 0.51, True), (0.5, 0.49, False), (0.9, 0.85, False)],
)
def test_the_threshold_is_a_probability(threshold, probability, expected):
    logit = math.log(probability / (1 - probability))
    rule = StopRule(stop_threshold=threshold)
    assert run(rule, [2], [[logit]], [[1]]) == [[expected]]


@pytest.mark.parametrize(
    "hold_seconds, seconds_per_step, steps",
    [(0.5, 0.05, 10), (0.2, 0.05, 4), (0.01, 0.05, 1), (0.5, 0.1, 5)],
)
def test_holding_the_last_token_ends_the_item(
    hold_seconds, seconds_per_step, steps
):
    ended = run(
        StopRule(hold_seconds=hold_seconds),
        [3],
        [[GO_ON]] * 15,
        [[0]] * 2 + [[2]] * 13,
        seconds_per_step,
    )
    first = [item for (item,) in ended].index(True)
    assert first == 2 + steps - 1


def test_items_hold_on_their_own():
    ended = run(
        StopRule(hold_seconds=0.1),
        [3, 2],
        [[GO_ON, GO_ON]] * 4,
        [[0, 1], [1, 1], [2, 1], [2, 1]],
    )
    assert ended[1] == [False, True] and ended[3][0] is True


def test_arguments_are_left_as_they_were():
    lengths, logits = torch.tensor([2, 1]), torch.tensor([STOP, GO_ON])
    alignment = torch.eye(2)[:, None]
    detector = EndDetector(StopRule(), lengths, 0.05)
    detector.update(logits, alignment)
    detector.update(logits, alignment)
    assert lengths.tolist() == [2, 1] and logits.tolist() == [STOP, GO_ON]
    assert torch.equal(alignment, torch.eye(2)[:, None])


def test_a_visit_to_the_last_token_is_forgotten():
    ended = run(
        StopRule(hold_seconds=0.15),
        [3],
        [[GO_ON]] * 6,
        [[2], [2], [1], [2], [2], [2]],
    )
    assert ended == [[False]] * 5 + [[True]]


def test_the_most_focused_head_so_far_says_where_the_end_is():
    detector = EndDetector(StopRule(), torch.tensor([3]), 0.05)
    stop = torch.tensor([STOP])
    blurred, sharp = [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]
    assert not detector.update(stop, torch.tensor([[blurred, sharp]]))
    at_the_end = [0.2, 0.2, 0.6]
    assert not detector.update(stop, torch.tensor([[at_the_end, sharp]]))
    assert detector.update(stop, torch.tensor([[sharp, at_the_end]]))


@pytest.mark.parametrize(
    "n_tokens, seconds_per_step, steps",
    [(10, 0.05, 100), (1, 0.05, 10), (1, 9.0, 1), (0, 0.05, 1)],
)
def test_the_frame_limit_grows_with_the_text(n_tokens, seconds_per_step, steps):
    rule = StopRule(max_seconds_per_token=0.5)
    assert rule.max_steps(n_tokens, seconds_per_step) == steps


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"stop_threshold": 0.0}, r"stop_threshold must be in \(0, 1\); got 0"),
        ({"stop_threshold": 1.0}, r"stop_threshold must be in \(0, 1\); got 1"),
        ({"hold_seconds": 0.0}, r"hold_seconds must be above 0 seconds; got 0"),
        (
            {"max_seconds_per_token": -1.0},
            r"max_seconds_per_token must be above 0 seconds; got -1\.0",
        ),
        ({"hold_seconds": math.nan}, "hold_seconds must be above 0.*got nan"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StopRule(**arguments)
