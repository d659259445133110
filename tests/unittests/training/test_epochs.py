"""Training ends by the number of epochs or by the clock."""

import pytest
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.training.epochs import TimedEpochCounter


def count(counter, minutes_per_epoch):
    """The epochs of a run."""
    epochs = []
    for epoch in counter:
        epochs.append(epoch)
        counter.update(minutes_per_epoch * epoch)
    return epochs


@pytest.mark.parametrize(
    "limit, max_minutes, epochs",
    [
        (3, None, [1, 2, 3]),
        (3, 100, [1, 2, 3]),
        (9, 4, [1, 2]),
        (9, 4.5, [1, 2, 3]),
        (9, 0.1, [1]),
    ],
)
def test_what_comes_first_ends_it(limit, max_minutes, epochs):
    counter = TimedEpochCounter(limit, max_minutes)
    assert count(counter, minutes_per_epoch=2.0) == epochs


def test_a_resumed_run_has_the_rest_of_the_minutes(tmp_path):
    counter = TimedEpochCounter(2, max_minutes=7)
    count(counter, minutes_per_epoch=2.0)
    Checkpointer(tmp_path, {"counter": counter}).save_checkpoint()
    for max_minutes, epochs in ((7, [3, 4]), (3, [])):
        resumed = TimedEpochCounter(9, max_minutes)
        Checkpointer(tmp_path, {"counter": resumed}).recover_if_possible()
        resumed.update(minutes=4.0)
        assert count(resumed, minutes_per_epoch=2.0) == epochs


@pytest.mark.parametrize("max_minutes", [0, -1.5, float("nan")])
def test_no_time_at_all_is_refused(max_minutes):
    with pytest.raises(ValueError, match="above 0, or null; got"):
        TimedEpochCounter(3, max_minutes)


def test_how_many_epochs_there_will_be_is_known_after_the_first():
    counter = TimedEpochCounter(9, max_minutes=7)
    progress, expected = [], []
    for epoch in counter:
        progress.append(counter.progress(0.5))
        counter.update(minutes=2.0 * epoch)
        expected.append(counter.expected)
    assert expected == [4, 4, 4, 4]
    assert progress == [0.5 / 9, 1.5 / 4, 2.5 / 4, 3.5 / 4]


def test_progress_ends_with_the_last_epoch_also_where_minutes_do_not_end_it():
    counter = TimedEpochCounter(4, max_minutes=3)
    progress = []
    for epoch in counter:
        progress.append(counter.progress(0.5))
        counter.update(minutes=2.0 * epoch, may_end=False)
    assert progress == [0.5 / 4, 1.5 / 2, 1.0, 1.0]
