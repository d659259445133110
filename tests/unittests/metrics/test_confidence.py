"""Intervals hold what they say."""

import numpy as np
import pytest

from sb_sma.metrics.confidence import bootstrap_interval, wilson_interval


# Brown, Cai, DasGupta, Statistical Science 16(2), 2001, by their formula
@pytest.mark.parametrize(
    "count, total, low, high",
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (2, 500, 0.0011, 0.0145),
    ],
)
def test_wilson(count, total, low, high):
    assert wilson_interval(count, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_holds_the_truth_in_95_of_100_countings():
    random = np.random.default_rng(1)
    for share in (0.02, 0.2, 0.5):
        counts = random.binomial(200, share, size=2000)
        bounds = [wilson_interval(count, 200) for count in counts]
        held = np.mean([low <= share <= high for low, high in bounds])
        assert 0.92 < held < 0.98


def test_bootstrap_holds_the_truth_in_95_of_100_samples():
    random = np.random.default_rng(1)
    words = random.integers(1, 30, size=(300, 80))
    errors = random.binomial(words, 0.1)
    bounds = [bootstrap_interval(*pair) for pair in zip(errors, words)]
    held = np.mean([low <= 0.1 <= high for low, high in bounds])
    assert 0.9 < held < 0.98


def test_bootstrap_gives_the_same_each_time():
    assert bootstrap_interval([1, 5, 2], [9, 9, 9]) == bootstrap_interval(
        [1, 5, 2], [9, 9, 9]
    )


@pytest.mark.parametrize("count, total", [(0, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(count, total):
    with pytest.raises(ValueError, match="count must be from 0 to total"):
        wilson_interval(count, total)


@pytest.mark.parametrize("parts, wholes", [([], []), ([1], [1, 2])])
def test_samples_that_do_not_fit_are_refused(parts, wholes):
    with pytest.raises(ValueError, match="of the same texts, one at least"):
        bootstrap_interval(parts, wholes)
