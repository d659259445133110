"""Numbers that fall along a line, or by halves."""

import pytest
import torch

from sb_sma.training.schedules import Fading, LinearAnneal, WarmupThenDecay


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


@pytest.mark.parametrize("warmup_steps", [0, 1, 4])
def test_the_rate_rises_in_a_line_and_falls_in_one_to_0(warmup_steps):
    schedule = WarmupThenDecay(lr=0.5, warmup_steps=warmup_steps)
    rates = [schedule(step, progress=0.0) for step in range(6)]
    rises = [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    assert rates == (rises if warmup_steps == 4 else [0.5] * 6)
    falls = [schedule(9, progress) for progress in (0.0, 0.25, 0.5, 1.0)]
    assert falls == [0.5, 0.375, 0.25, 0.0]


def test_every_group_of_an_optimizer_gets_the_rate():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [weight]} for weight in weights]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    WarmupThenDecay(0.5, 0).set_rate(optimizer, step=3, progress=0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


@pytest.mark.parametrize(
    "lr, warmup_steps, message",
    [
        (0.0, 1, "lr must be above 0; got 0.0"),
        (float("nan"), 1, "lr must be above 0; got nan"),
        (0.1, -1, "warmup_steps must be 0 or more; got -1"),
    ],
)
def test_a_rate_that_teaches_nothing_is_refused(lr, warmup_steps, message):
    with pytest.raises(ValueError, match=message):
        WarmupThenDecay(lr, warmup_steps)


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
