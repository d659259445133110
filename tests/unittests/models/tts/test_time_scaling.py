"""Frames at another pace, at once or one after the other."""

import math

import pytest
import torch
from torch.testing import assert_close

from sb_sma.models.tts.pace import check_pace, scaled_length
from sb_sma.models.tts.time_scaling import TimeScaler, scale_time

PACES = (0.25, 0.5, 0.83, 1.0001, 1.25, 2.0, 4.0)


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("length", [1, 2, 7, 100, 1013])
def test_a_line_stays_a_line(pace, length):
    scaled = scale_time(torch.arange(float(length)), pace)
    assert len(scaled) == scaled_length(length, pace)
    assert abs(len(scaled) - length / pace) <= 0.5 or len(scaled) == 1
    middles = (torch.arange(len(scaled), dtype=torch.float64) + 0.5) * pace
    expected = (middles - 0.5).clamp(0, length - 1).float()
    assert_close(scaled, expected)


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("piece", [1, 3, 8, 1000])
def test_pieces_give_the_whole(pace, piece):
    torch.manual_seed(0)
    frames = torch.randn(97, 5)
    scaler = TimeScaler(pace)
    parts = [scaler.push(part) for part in frames.split(piece)]
    parts.append(scaler.finish())
    assert_close(torch.cat(parts), scale_time(frames, pace), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pace", [0.5, 2.0])
def test_a_stream_keeps_little(pace):
    scaler = TimeScaler(pace)
    n_made = 0
    for index in range(1, 1000):
        n_made += len(scaler.push(torch.zeros(1, 80)))
        # what is given lags behind by a frame at most
        assert n_made >= (index - 1) / pace - 1
        assert len(scaler._kept) <= 1 + math.ceil(pace)


def test_the_nearer_frame_stays_what_it_was():
    rows = torch.eye(4)
    scaled = scale_time(rows, 0.5, interpolate=False)
    assert set(scaled.unique().tolist()) == {0.0, 1.0}
    assert scaled.argmax(-1).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "pace", [0, -1, 0.24, 4.1, math.nan, math.inf, "1", None, True]
)
def test_what_is_no_pace_is_refused(pace):
    with pytest.raises(ValueError, match="pace must be a number from 0.25 to"):
        check_pace(pace)
