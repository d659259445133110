"""Planted walks are counted exactly, and the true path is that of the middle
of each decoder step.
"""

import re

import pytest
import torch

from sb_sma.metrics.path import (
    PathCounts,
    count_path,
    coverage,
    is_integer,
    path_agreement,
    straight_line_path,
    true_path,
)


@pytest.mark.parametrize(
    "path, n_tokens, expected",
    [
        pytest.param([0], 1, PathCounts(0, 0, 0, 0, True), id="one-token"),
        pytest.param(
            [0, 0, 1, 2, 2, 3], 4, PathCounts(0, 0, 0, 0, True), id="stepwise"
        ),
        pytest.param(
            [0, 2, 5, 6], 7, PathCounts(3, 2, 0, 0, True), id="skips-1-and-2"
        ),
        pytest.param([3, 4], 5, PathCounts(3, 3, 0, 0, True), id="starts-late"),
        pytest.param(
            [0, 1, 2], 5, PathCounts(0, 0, 0, 0, False), id="stops-early"
        ),
        pytest.param(
            [0, 1, 0, 1, 2], 3, PathCounts(0, 0, 1, 2, True), id="goes-back"
        ),
        pytest.param(
            [0, 1, 2, 1, 0],
            3,
            PathCounts(0, 0, 2, 2, False),
            id="goes-back-twice",
        ),
        pytest.param(
            [0, 1, 2, 3, 0, 4],
            5,
            PathCounts(3, 3, 1, 1, True),
            id="goes-back-then-ahead",
        ),
        pytest.param(
            [0, 3, 1, 4],
            5,
            PathCounts(4, 2, 1, 0, True),
            id="goes-back-to-unread",
        ),
        pytest.param(
            [4, 4, 4], 5, PathCounts(4, 4, 0, 0, True), id="stuck-at-the-end"
        ),
    ],
)
def test_planted_walks_are_counted(path, n_tokens, expected):
    assert count_path(torch.tensor(path), n_tokens) == expected


@pytest.mark.parametrize("seed", range(5))
def test_counts_agree_with_a_plain_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    n_tokens = 11
    path = torch.randint(n_tokens, (37,), generator=generator)
    skips, longest, backward, repeats, left = 0, 0, 0, 0, set()
    previous = -1
    for token in path.tolist():
        if token > previous + 1:
            skips += token - previous - 1
            longest = max(longest, token - previous - 1)
        backward += token < previous
        if token != previous:
            repeats += token in left
            left.add(previous)
        previous = token
    expected = PathCounts(
        skips, longest, backward, repeats, previous == n_tokens - 1
    )
    assert count_path(path, n_tokens) == expected


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_counts_do_not_depend_on_the_integer_type(dtype):
    path = torch.tensor([0, 3, 1, 4], dtype=dtype)
    assert count_path(path, 5) == PathCounts(4, 2, 1, 0, True)


def test_counts_are_plain_numbers():
    counts = count_path(torch.tensor([0, 1]), 2)
    assert type(counts.skips) is int
    assert type(counts.ends_on_last) is bool
    assert type(coverage(torch.tensor([0, 1]), 2)) is float


@pytest.mark.parametrize(
    "path, n_tokens, expected",
    [
        pytest.param([0], 1, 1.0, id="one-token"),
        pytest.param([2, 2, 2], 4, 0.25, id="stuck"),
        pytest.param([3, 0, 1, 2, 0], 4, 1.0, id="any-order"),
        pytest.param([0, 2, 4], 5, 0.6, id="every-other"),
    ],
)
def test_coverage_is_the_share_of_tokens_read(path, n_tokens, expected):
    assert coverage(torch.tensor(path), n_tokens) == expected


@pytest.mark.parametrize("reduction_factor", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("hop_length", [1, 256, 300])
def test_true_path_agrees_with_a_plain_loop(reduction_factor, hop_length):
    starts = [0, 1, 500, 501, 3000, 7777]
    n_queries = 20
    expected = []
    for step in range(n_queries):
        first_frame = step * reduction_factor
        middle = (first_frame + (reduction_factor - 1) / 2) * hop_length
        expected.append(sum(start <= middle for start in starts) - 1)
    path = true_path(starts, n_queries, hop_length, reduction_factor)
    assert path.dtype == torch.int64
    assert path.tolist() == expected


def test_true_path_changes_token_at_the_middle_of_a_step():
    # steps of two frames of 100 samples have their middles at 50, 250, 450
    assert true_path([0, 250], 3, 100, 2).tolist() == [0, 1, 1]
    assert true_path([0, 251], 3, 100, 2).tolist() == [0, 0, 1]


def test_true_path_stays_on_the_last_token():
    assert true_path([0, 10], 4, 100, 1).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    "n_queries, n_tokens", [(1, 1), (1, 5), (12, 4), (4, 12), (31, 17)]
)
def test_straight_line_is_the_true_path_of_a_constant_rate(n_queries, n_tokens):
    # long steps, so that the mean of their frames is the middle of the step
    reduction_factor = 1000 * n_tokens
    samples = n_queries * reduction_factor
    starts = [token * samples // n_tokens for token in range(n_tokens)]
    truth = true_path(starts, n_queries, 1, reduction_factor)
    assert torch.equal(straight_line_path(n_queries, n_tokens), truth)


@pytest.mark.parametrize(
    "n_queries, n_tokens", [(1, 1), (5, 1), (13, 5), (64, 64), (97, 31)]
)
def test_straight_line_reads_every_token_for_the_same_time(n_queries, n_tokens):
    line = straight_line_path(n_queries, n_tokens)
    assert line.shape == (n_queries,)
    assert count_path(line, n_tokens) == PathCounts(0, 0, 0, 0, True)
    steps_per_token = torch.bincount(line, minlength=n_tokens)
    assert int(steps_per_token.max() - steps_per_token.min()) <= 1


@pytest.mark.parametrize(
    "tolerance, expected", [(0, 0.25), (1, 0.5), (2, 0.75), (9, 1.0)]
)
def test_agreement_counts_steps_within_the_tolerance(tolerance, expected):
    path, truth = torch.tensor([0, 2, 4, 9]), torch.tensor([0, 1, 6, 0])
    assert path_agreement(path, truth, tolerance) == expected
    assert path_agreement(truth, path, tolerance) == expected


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_agreement_does_not_depend_on_the_integer_type(dtype):
    path, truth = torch.tensor([0, 1]), torch.tensor([1, 3])
    assert path_agreement(path.to(dtype), truth.to(dtype)) == 0.5


def test_agreement_tolerates_one_token_unless_told():
    path = torch.tensor([0, 1, 2])
    assert path_agreement(path, path + 1) == 1.0
    assert path_agreement(path, path + 2) == 0.0


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(torch.zeros(0, dtype=torch.int64), id="empty"),
        pytest.param(torch.zeros(1, 3, dtype=torch.int64), id="two-axes"),
        pytest.param(torch.zeros(3), id="float"),
        pytest.param(torch.zeros(3, dtype=torch.bool), id="bool"),
    ],
)
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda path: count_path(path, 5), id="count_path"),
        pytest.param(lambda path: coverage(path, 5), id="coverage"),
        pytest.param(
            lambda path: path_agreement(path, torch.tensor([0])),
            id="path_agreement",
        ),
    ],
)
def test_what_is_no_path_is_refused(function, path):
    with pytest.raises(ValueError, match=r"path must have shape \(Q,\).*got"):
        function(path)


@pytest.mark.parametrize("function", [count_path, coverage])
@pytest.mark.parametrize("path", [[0, 5], [-1, 0]], ids=str)
def test_a_path_that_leaves_the_text_is_refused(function, path):
    with pytest.raises(
        ValueError, match="path must stay on the tokens 0 to 4; got"
    ):
        function(torch.tensor(path), 5)


@pytest.mark.parametrize("function", [count_path, coverage])
def test_a_text_without_tokens_is_refused(function):
    with pytest.raises(ValueError, match="n_tokens must be at least 1; got 0"):
        function(torch.tensor([0]), 0)


def test_a_truth_of_another_length_is_refused():
    with pytest.raises(
        ValueError, match="same number of decoder steps; got 3 and 2"
    ):
        path_agreement(torch.tensor([0, 1, 2]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"truth must have shape \(Q,\)"):
        path_agreement(torch.tensor([0, 1, 2]), torch.tensor([0.0, 1.0, 2.0]))


def test_a_negative_tolerance_is_refused():
    path = torch.tensor([0, 1])
    with pytest.raises(ValueError, match="tolerance must be at least 0.*-1"):
        path_agreement(path, path, tolerance=-1)


@pytest.mark.parametrize(
    "starts, got",
    [
        pytest.param([5, 10], "[5, 10].", id="late"),
        pytest.param([0, 10, 10], "[0, 10, 10].", id="no-length"),
        pytest.param([0, 10, 5], "[0, 10, 5].", id="backwards"),
        pytest.param(range(1, 20), "[1, 2, 3, 4, 5, 6, 7, 8, ...].", id="long"),
    ],
)
def test_starts_that_do_not_increase_from_zero_are_refused(starts, got):
    with pytest.raises(
        ValueError,
        match="token_starts must strictly increase from 0.*got "
        + re.escape(got),
    ):
        true_path(starts, 3, 256, 1)


@pytest.mark.parametrize("starts", [[], [[0, 1]]], ids=["empty", "nested"])
def test_starts_of_another_shape_are_refused(starts):
    with pytest.raises(ValueError, match="one first sample per token; got"):
        true_path(starts, 3, 256, 1)


@pytest.mark.parametrize(
    "name", ["n_queries", "hop_length", "reduction_factor"]
)
def test_counts_below_one_are_refused(name):
    counts = {"n_queries": 3, "hop_length": 256, "reduction_factor": 1}
    with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
        true_path([0, 10], **(counts | {name: 0}))


@pytest.mark.parametrize("name", ["n_queries", "n_tokens"])
def test_a_line_without_length_is_refused(name):
    counts = {"n_queries": 3, "n_tokens": 2}
    with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
        straight_line_path(**(counts | {name: 0}))


@pytest.mark.parametrize(
    "dtype, expected",
    [
        (torch.int64, True),
        (torch.uint8, True),
        (torch.bool, False),
        (torch.float32, False),
        (torch.complex64, False),
    ],
    ids=str,
)
def test_only_integer_types_count_as_integers(dtype, expected):
    assert is_integer(torch.zeros(1, dtype=dtype)) is expected
