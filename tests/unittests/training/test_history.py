"""The epochs so far survive an interruption."""

import json

import pytest
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.train_logger import FileTrainLogger, TensorboardLogger
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from sb_sma.training.history import History, continue_logs, log_epoch


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set, in seconds."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(
        "sb_sma.training.history.time.monotonic", lambda: Clock.now
    )
    return Clock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "history.jsonl"


def test_every_epoch_is_a_line(path, clock):
    history = History(path)
    clock.now += 500  # the corpus is made
    history.start(last_epoch=0)
    clock.now += 90
    history.append({"epoch": 1, "valid": {"mel_loss": 0.5}})
    clock.now += 60
    history.append({"epoch": 2, "valid": {"mel_loss": 0.25}})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == history.records
    assert lines == [
        {"epoch": 1, "valid": {"mel_loss": 0.5}, "minutes": 1.5},
        {"epoch": 2, "valid": {"mel_loss": 0.25}, "minutes": 2.5},
    ]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_resumed_run_goes_on_where_it_was(path, clock):
    history = History(path)
    history.start(last_epoch=0)
    for epoch in (1, 2, 3):
        clock.now += 60
        history.append({"epoch": epoch})
    clock.now += 500  # nothing ran

    resumed = History(str(path))
    resumed.start(last_epoch=2)
    assert [record["epoch"] for record in resumed.records] == [1, 2]
    assert resumed.minutes() == 2.0
    clock.now += 30
    resumed.append({"epoch": 3})
    assert [record["minutes"] for record in resumed.records] == [1, 2, 2.5]
    assert len(path.read_text().splitlines()) == 3


def test_a_new_run_forgets_the_old_one(path, clock):
    history = History(path)
    history.start(last_epoch=0)
    clock.now += 60
    history.append({"epoch": 1})
    again = History(path)
    again.start(last_epoch=0)
    assert again.records == [] and again.minutes() == 0.0
    assert path.read_text() == ""


def test_what_is_appended_is_left_as_it_was(path, clock):
    history, record = History(path), {"epoch": 1}
    history.start(last_epoch=0)
    history.append(record)
    assert record == {"epoch": 1}


def test_a_checkpoint_keeps_the_minutes_after_the_last_epoch(path, clock):
    history = History(path)
    history.start(last_epoch=0)
    clock.now += 60
    history.append({"epoch": 1})
    clock.now += 90
    folder = path.parent / "save"
    Checkpointer(folder, {"history": history}).save_checkpoint()
    clock.now += 500  # lost

    resumed = History(path)
    Checkpointer(folder, {"history": resumed}).recover_if_possible()
    resumed.start(last_epoch=1)
    clock.now += 30
    assert resumed.minutes() == 3.0


def test_curves_and_lines_of_a_resumed_run_go_on(tmp_path):
    # the second run repeats an epoch, whose checkpoint it does not find
    for epochs in ([1, 2], [2, 3]):
        logger = TensorboardLogger(str(tmp_path))
        lines = FileTrainLogger(str(tmp_path / "train_log.txt"))
        history = History(tmp_path / "history.jsonl")
        continue_logs([logger, lines], history, last_epoch=epochs[0] - 1)
        for epoch in epochs:
            train, valid = {"mel_loss": 1.0 / epoch}, {"within_one": 0.5}
            stats_meta = {"epoch": epoch, "lr": 0.1}
            log_epoch([logger, lines], history, stats_meta, train, valid)
        lines.log_stats({"epoch": epoch}, test_stats=valid)
        logger.writer.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    for tag in ("lr", "mel_loss/train", "within_one/valid"):
        assert [event.step for event in events.Scalars(tag)] == [1, 2, 3], tag
    assert [record["epoch"] for record in history.records] == [1, 2, 3]
    assert history.records[2]["valid"] == {"within_one": 0.5}
    log = (tmp_path / "train_log.txt").read_text().splitlines()
    assert [line[:8] for line in log] == [
        f"epoch: {epoch}" for epoch in (1, 2, 3, 3)
    ]


def save_epochs(path, n_epochs):
    """A history, and the checkpointer that keeps it."""
    history = History(path)
    history.start(last_epoch=0)
    for epoch in range(1, n_epochs + 1):
        history.append({"epoch": epoch})
    Checkpointer(path.parent / "save", {"history": history}).save_checkpoint()
    return history


DAMAGE = [b"", b"\xff\xfe", b"null\n", b"[]\n", b'{"epoch": 1, "min', b"{}\n"]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_written_anew_from_the_checkpoint(path, content):
    history = save_epochs(path, 3)
    before = path.read_bytes()
    path.write_bytes(content)
    resumed = History(path)
    Checkpointer(
        path.parent / "save", {"history": resumed}
    ).recover_if_possible()
    resumed.start(last_epoch=3)
    assert resumed.records == history.records
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", DAMAGE[1:])
def test_a_damaged_line_is_named_where_the_checkpoint_has_none(path, content):
    history = save_epochs(path, 2)
    (saved,) = path.parent.glob("save/CKPT*/history.ckpt")
    saved.write_text(repr(2.5))
    resumed = History(path)
    Checkpointer(
        path.parent / "save", {"history": resumed}
    ).recover_if_possible()
    resumed.start(last_epoch=2)
    assert resumed.records == history.records
    assert resumed.minutes() >= 2.5
    path.write_bytes(path.read_bytes() + content)
    with pytest.raises(ValueError, match="jsonl, line 3 is damaged: .* Remove"):
        resumed = History(path)
        resumed.start(last_epoch=2)
    resumed.start(last_epoch=0)  # a new run needs none of it


def test_a_test_is_told_once(tmp_path):
    for _ in range(3):
        lines = FileTrainLogger(str(tmp_path / "train_log.txt"))
        history = History(tmp_path / "history.jsonl")
        begun = len(lines_of(tmp_path)) > 0
        continue_logs([lines], history, last_epoch=begun)
        if not begun:
            log_epoch([lines], history, {"epoch": 1}, {"wer": 1}, {"wer": 1})
        lines.log_stats({"epoch": 1}, test_stats={"wer": 0.5})
        lines.log_stats({"epoch": 1}, valid_stats={"wer": 0.5})
    assert len(lines_of(tmp_path)) == 3
    # bytes that are no text stay as they are
    with open(tmp_path / "train_log.txt", "ab") as log:
        log.write(b"note \xff\n")
    continue_logs([lines], History(tmp_path / "history.jsonl"), last_epoch=1)
    assert (tmp_path / "train_log.txt").read_bytes().endswith(b"\nnote \xff\n")


def lines_of(folder):
    path = folder / "train_log.txt"
    return path.read_text().splitlines() if path.exists() else []
