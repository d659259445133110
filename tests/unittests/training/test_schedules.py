"""Numbers that fall along a line, or by halves."""

import pytest

from sb_sma.training.schedules import Fading, LinearAnneal


@pytest.mark.parametrize(
    "step, value", [(0, 2.0), (25, 1.75), (100, 1.0), (101, 1.0), (-3, 2.0)]
)
def test_it_is_a_line_and_then_constant(step, value):
    assert LinearAnneal(start=2.0, end=1.0, steps=100)(step) == value


def test_it_can_rise():
    schedule = LinearAnneal(start=0.0, end=4.0, steps=4)
    assert [schedule(step) for step in range(6)] == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("steps", [0, -1])
def test_a_line_without_length_is_refused(steps):
    with pytest.raises(
        ValueError, match=f"steps must be 1 or more; got {steps}"
    ):
        LinearAnneal(start=2.0, end=1.0, steps=steps)


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
