"""A number that falls along a line."""

import pytest

from sb_sma.attention.schedules import LinearAnneal


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
