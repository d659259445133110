"""What the pages of all runs share."""

import shlex
import sys

from sb_sma.training.reports.shared import describe_command, draw_history

RECORDS = [
    {
        "epoch": 1,
        "minutes": 2.0,
        "train": {"loss": 3.0, "rate": 0.1},
        "valid": {"loss": 4.0, "per": 50.0},
    },
    {"epoch": 2, "minutes": 5.0, "train": {"loss": 2.0}, "valid": {}},
]


def test_training_and_validation_are_drawn_over_the_minutes():
    (figure,) = draw_history(RECORDS, ["per", "loss", "wer"])
    drawn = {
        panel.get_title(loc="left"): {
            line.get_label(): line.get_xydata().tolist()
            for line in panel.get_lines()
        }
        for panel in figure.axes
    }
    assert drawn == {
        "per": {"valid": [[2.0, 50.0]]},
        "loss": {"train": [[2.0, 3.0], [5.0, 2.0]], "valid": [[2.0, 4.0]]},
    }
    assert list(drawn) == ["per", "loss"]


def test_nothing_to_draw_is_no_figure():
    assert draw_history(RECORDS, ["wer"]) == []
    assert draw_history([], ["loss"]) == []


def test_the_command_can_be_typed_again(monkeypatch):
    argv = ["/bin/python3", "train.py", "two words", "$HOME"]
    monkeypatch.setattr(sys, "orig_argv", argv)
    assert shlex.split(describe_command()) == ["python", *argv[1:]]
