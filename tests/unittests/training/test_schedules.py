"""Numbers that fall along a line, or by halves."""

import pytest
import torch
from speechbrain.nnet import schedulers

from sb_sma.training.schedules import Fading, LinearAnneal, NoamScheduler


@pytest.mark.parametrize(
    "step, value", [(0, 2.0), (25, 1.75), (100, 1.0), (101, 1.0), (-3, 2.0)]
)
def test_it_is_a_line_and_then_constant(step, value):
    assert LinearAnneal(start=2.0, end=1.0, steps=100)(step) == value


def test_it_can_rise():
    schedule = LinearAnneal(start=0.0, end=4.0, steps=4)
    assert [schedule(step) for step in range(6)] == [0, 1, 2, 3, 4, 4]


def test_a_line_of_no_steps_is_at_its_end():
    schedule = LinearAnneal(start=2.0, end=1.0, steps=0)
    assert [schedule(step) for step in (0, 1, 100)] == [1.0, 1.0, 1.0]


def test_a_line_of_less_than_no_steps_is_refused():
    with pytest.raises(ValueError, match="steps must be 0 or more; got -1"):
        LinearAnneal(start=2.0, end=1.0, steps=-1)
    with pytest.raises(ValueError, match="end must be a finite number; got in"):
        LinearAnneal(start=2.0, end=float("inf"), steps=1)


@pytest.mark.parametrize("n_warmup_steps", [0, 1, 2, 200])
def test_the_rate_rises_as_speechbrain_has_it_and_then_falls(n_warmup_steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = NoamScheduler(0.5, n_warmup_steps)
    rates = [schedule(optimizer)[1] for _ in range(400)]
    assert max(rates) == pytest.approx(0.5)
    assert rates.index(max(rates)) == max(n_warmup_steps, 1) - 1
    if n_warmup_steps:
        theirs = schedulers.NoamScheduler(0.5, n_warmup_steps)
        assert rates == [theirs(optimizer)[1] for _ in range(400)]
    else:
        assert rates[399] == pytest.approx(0.5 / 20)


@pytest.mark.parametrize(
    "options, values",
    [
        ({}, [2.0, 2.0, 2.0, 2.0]),
        ({"half_life": 2}, [2.0, 2.0**0.5, 1.0, 2.0**-0.5]),
        ({"off_after": 2}, [2.0, 2.0, 0.0, 0.0]),
        ({"half_life": 1, "off_after": 3}, [2.0, 1.0, 0.5, 0.0]),
        ({"half_life": 10, "unit": "steps"}, [2.0, 1.0, 0.5, 0.25]),
        ({"off_after": 11, "unit": "steps"}, [2.0, 2.0, 0.0, 0.0]),
        ({"off_after": 0}, [0.0, 0.0, 0.0, 0.0]),
    ],
    ids=str,
)
def test_it_halves_and_is_off_after_a_point(options, values):
    weight = Fading(start=2.0, **options)
    now = [weight(epochs=done, steps=10 * done) for done in range(4)]
    assert now == pytest.approx(values)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"start": float("nan")}, "start must be 0 or more; got nan"),
        ({"start": float("inf")}, "start must be 0 or more; got inf"),
        ({"off_after": float("nan")}, "off_after must be 0 or more.*got nan"),
        ({"start": -1.0}, "start must be 0 or more; got -1.0"),
        ({"half_life": 0}, "half_life must be above 0, or null; got 0"),
        ({"off_after": -1}, "off_after must be 0 or more, or null; got -1"),
        ({"unit": "hours"}, "unit must be epochs or steps; got 'hours'"),
    ],
    ids=str,
)
def test_a_weight_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Fading(**{"start": 1.0, **options})
