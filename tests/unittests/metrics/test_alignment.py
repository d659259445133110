"""Padding and batching never change an alignment metric, planted paths are
found, and the definitions hold on small known cases.
"""

import pytest
import torch

from sb_sma.metrics.alignment import (
    alignment_path,
    end_mass,
    focus_rate,
    most_focused_head,
)

# heads, and the (queries, keys) of each item
BATCHES = [
    pytest.param(1, [(1, 1)], id="H1-Q1-K1"),
    pytest.param(2, [(1, 7), (7, 1), (5, 5)], id="H2-Q1,7,5-K7,1,5"),
    pytest.param(3, [(13, 5), (5, 13)], id="H3-Q13,5-K5,13"),
    pytest.param(8, [(31, 17), (29, 19), (2, 3)], id="H8-Q31,29,2-K17,19,3"),
]


def with_lengths(metric):
    """Gives a metric the one signature that the property tests call."""
    if metric is alignment_path:
        return lambda a, queries, keys: alignment_path(a, keys)
    return metric


METRICS = [
    pytest.param(with_lengths(metric), id=metric.__name__)
    for metric in (focus_rate, most_focused_head, alignment_path, end_mass)
]


def random_items(n_heads, shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.rand(n_heads, *shape, generator=generator).softmax(-1)
        for shape in shapes
    ]


def padded_batch(items, extra_queries=0, extra_keys=0, fill=0.0):
    query_lengths = torch.tensor([item.shape[1] for item in items])
    memory_lengths = torch.tensor([item.shape[2] for item in items])
    batch = torch.full(
        (
            len(items),
            items[0].shape[0],
            int(query_lengths.max()) + extra_queries,
            int(memory_lengths.max()) + extra_keys,
        ),
        fill,
        dtype=items[0].dtype,
    )
    for row, item in zip(batch, items):
        row[:, : item.shape[1], : item.shape[2]] = item
    return batch, query_lengths, memory_lengths


def planted(path, n_tokens, sharpness=1.0):
    """One head that puts `sharpness` on the path, the rest evenly."""
    rows = torch.full((len(path), n_tokens), (1 - sharpness) / n_tokens)
    rows[torch.arange(len(path)), torch.as_tensor(path)] += sharpness
    return rows


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_heads, shapes", BATCHES)
@pytest.mark.parametrize(
    "extra_queries, extra_keys, fill",
    [
        pytest.param(0, 1, 9.0, id="one-key-of-9"),
        pytest.param(3, 0, 9.0, id="three-queries-of-9"),
        pytest.param(5, 11, float("nan"), id="both-of-nan"),
        pytest.param(5, 11, float("inf"), id="both-of-inf"),
    ],
)
def test_padding_never_changes_a_result(
    metric, n_heads, shapes, extra_queries, extra_keys, fill
):
    items = random_items(n_heads, shapes)
    plain = metric(*padded_batch(items))
    padded = metric(*padded_batch(items, extra_queries, extra_keys, fill))
    for index, (n_queries, _) in enumerate(shapes):
        # only alignment_path has a query axis, which the padding lengthens
        expected, actual = plain[index], padded[index]
        if actual.ndim == 2:
            expected, actual = expected[:, :n_queries], actual[:, :n_queries]
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_heads, shapes", BATCHES)
def test_a_batch_gives_what_its_items_give_alone(metric, n_heads, shapes):
    items = random_items(n_heads, shapes, seed=1)
    together = metric(*padded_batch(items))
    for index, item in enumerate(items):
        alone = metric(*padded_batch([item]))[0]
        actual = together[index]
        if actual.ndim == 2:
            actual = actual[:, : item.shape[1]]
        torch.testing.assert_close(actual, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_arguments_are_left_as_they_were(metric):
    arguments = padded_batch(random_items(2, [(5, 3), (4, 7)]), 2, 2, 9.0)
    before = [argument.clone() for argument in arguments]
    metric(*arguments)
    for argument, copy in zip(arguments, before):
        assert torch.equal(argument, copy)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_adds_no_error_of_its_own(metric, dtype):
    batch, *lengths = padded_batch(random_items(2, [(40, 30), (7, 3)]), 1, 1)
    rounded = batch.to(dtype)
    torch.testing.assert_close(
        metric(rounded, *lengths).double(),
        metric(rounded.double(), *lengths).double(),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "metric",
    [
        pytest.param(with_lengths(metric), id=metric.__name__)
        for metric in (focus_rate, alignment_path, end_mass)
    ],
)
def test_heads_do_not_touch_each_other(metric):
    batch, *lengths = padded_batch(random_items(3, [(6, 4), (5, 7)]))
    expected = metric(batch, *lengths)[:, [0, 2]]
    batch[:, 1] = 1 / 7
    assert torch.equal(metric(batch, *lengths)[:, [0, 2]], expected)


def test_planted_paths_are_found():
    paths = [[0, 0, 1, 2, 2, 3], [0, 1, 1, 0]]
    items = [planted(paths[0], 4, 0.6)[None], planted(paths[1], 9, 0.6)[None]]
    batch, _, memory_lengths = padded_batch(items)
    found = alignment_path(batch, memory_lengths)
    assert found.dtype == torch.int64
    assert found[0, 0].tolist() == paths[0]
    assert found[1, 0, :4].tolist() == paths[1]


def test_path_takes_the_first_of_equal_tokens():
    flat = torch.full((1, 1, 3, 5), 0.2)
    assert alignment_path(flat, torch.tensor([5])).tolist() == [[[0, 0, 0]]]


def test_path_of_log_weights_is_that_of_the_weights():
    batch, _, memory_lengths = padded_batch(random_items(2, [(6, 4), (3, 5)]))
    assert torch.equal(
        alignment_path(batch.clamp(min=1e-9).log(), memory_lengths),
        alignment_path(batch, memory_lengths),
    )


def test_path_of_an_item_without_tokens_is_zero():
    alignments = torch.rand(2, 1, 3, 4)
    path = alignment_path(alignments, torch.tensor([4, 0]))
    assert path[1].tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("n_keys", [1, 2, 7])
def test_focus_rate_of_one_token_per_step_is_one_and_of_none_is_1_over_k(
    n_keys,
):
    sharp = planted([min(step, n_keys - 1) for step in range(9)], n_keys)
    flat = torch.full((9, n_keys), 1 / n_keys)
    alignments = torch.stack([sharp, flat])[None]
    lengths = torch.tensor([9]), torch.tensor([n_keys])
    rates = focus_rate(alignments, *lengths)
    torch.testing.assert_close(rates, torch.tensor([[1.0, 1 / n_keys]]))


def test_focus_rate_is_normalised_over_the_text_not_over_the_mel():
    # twice as many steps as tokens: normalising over the steps would give 1/2
    walk = planted([0, 0, 1, 1, 2, 2], 3)[None, None]
    rate = focus_rate(walk, torch.tensor([6]), torch.tensor([3]))
    assert rate.tolist() == [[1.0]]


def test_focus_rate_ignores_the_scale_of_a_step():
    alignments, *lengths = padded_batch(random_items(2, [(6, 4)]))
    scale = torch.rand(1, 1, 6, 1) + 0.1
    torch.testing.assert_close(
        focus_rate(alignments * scale, *lengths),
        focus_rate(alignments, *lengths),
    )


def test_focus_rate_counts_a_step_without_mass_as_zero():
    alignments = planted([0, 1, 2, 3], 4)[None, None].clone()
    alignments[:, :, 2:] = 0.0
    rate = focus_rate(alignments, torch.tensor([4]), torch.tensor([4]))
    assert rate.tolist() == [[0.5]]


@pytest.mark.parametrize(
    "n_steps, n_tokens",
    [
        pytest.param(0, 4, id="no-step"),
        pytest.param(3, 0, id="no-token"),
    ],
)
@pytest.mark.parametrize("metric", [focus_rate, end_mass])
def test_an_empty_item_scores_zero(metric, n_steps, n_tokens):
    alignments = torch.rand(2, 2, 3, 4)
    lengths = torch.tensor([3, n_steps]), torch.tensor([4, n_tokens])
    assert metric(alignments, *lengths)[1].tolist() == [0.0, 0.0]


def test_most_focused_head_is_found_per_item():
    sharp, soft = planted([0, 1, 2], 3), planted([0, 1, 2], 3, 0.5)
    flat = planted([0, 1, 2], 3, 0.0)
    alignments = torch.stack(
        [torch.stack([flat, soft, sharp]), torch.stack([soft, flat, flat])]
    )
    lengths = torch.tensor([3, 3]), torch.tensor([3, 3])
    assert most_focused_head(alignments, *lengths).tolist() == [2, 0]


def test_most_focused_head_reads_valid_steps_only():
    # the second head is sharp only past the end
    blurred_then_sharp = torch.cat(
        [planted([0, 0, 0], 4, 0.2), planted([3] * 9, 4)]
    )
    steady = planted([1] * 12, 4, 0.5)
    alignments = torch.stack([steady, blurred_then_sharp])[None]
    lengths = torch.tensor([3]), torch.tensor([4])
    assert most_focused_head(alignments, *lengths).tolist() == [0]


def test_end_mass_reads_the_last_valid_cell():
    alignments = torch.arange(24.0).reshape(2, 1, 3, 4)
    masses = end_mass(alignments, torch.tensor([3, 2]), torch.tensor([4, 1]))
    assert masses.tolist() == [[11.0], [16.0]]


def test_end_mass_of_a_path_that_arrives_is_its_sharpness():
    alignments = torch.stack([planted([0, 1, 2], 3), planted([0, 1, 1], 3)])
    masses = end_mass(alignments[None], torch.tensor([3]), torch.tensor([3]))
    assert masses.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    "shape",
    [(2, 7, 5), (7, 5), (1, 2, 3, 4, 5), (1, 1, 3, 0), (0, 1, 3, 2)],
    ids=str,
)
@pytest.mark.parametrize("metric", METRICS)
def test_alignments_of_another_shape_are_refused(metric, shape):
    lengths = torch.ones(shape[0], dtype=torch.int64)
    with pytest.raises(
        ValueError, match=r"alignments must have shape \(B, H, Q, K\).*got"
    ):
        metric(torch.zeros(shape), lengths, lengths)


@pytest.mark.parametrize("metric", METRICS)
def test_integer_alignments_are_refused(metric):
    lengths = torch.ones(1, dtype=torch.int64)
    with pytest.raises(ValueError, match="must be floating point; got"):
        metric(torch.ones(1, 1, 1, 1, dtype=torch.int64), lengths, lengths)


@pytest.mark.parametrize("metric", METRICS)
def test_lengths_of_another_batch_are_refused(metric):
    with pytest.raises(
        ValueError, match=r"lengths must have shape \(2,\).*got \(3,\)"
    ):
        metric(
            torch.rand(2, 1, 3, 4), torch.tensor([3] * 3), torch.tensor([4] * 3)
        )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_relative_lengths_are_refused(metric, dtype):
    lengths = torch.ones(2, dtype=dtype)
    with pytest.raises(
        ValueError, match="lengths must be integer counts.*relative lengths"
    ):
        metric(torch.rand(2, 1, 3, 4), lengths, lengths)


def test_every_length_is_checked():
    alignments, good = torch.rand(2, 1, 3, 4), torch.tensor([3, 3])
    bad = torch.tensor([3])
    for metric in (focus_rate, most_focused_head, end_mass):
        with pytest.raises(ValueError, match="query_lengths must"):
            metric(alignments, bad, good)
        with pytest.raises(ValueError, match="memory_lengths must"):
            metric(alignments, good, bad)
