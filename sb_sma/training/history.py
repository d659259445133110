"""The figures of every epoch, kept on disk so that a resumed run goes on."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import if_main_process
from speechbrain.utils.train_logger import (
    FileTrainLogger,
    TensorboardLogger,
    TrainLogger,
)

from sb_sma.data.json_files import parse_json, read_json

# of a line that SpeechBrain writes, with figures of training or without
_EPOCH = re.compile(r"epoch: (\d+)")
_TRAINED = " - train "


@register_checkpoint_hooks
class History:
    """One JSON line per epoch, with the minutes trained so far.

    A checkpoint keeps the lines, too, and the minutes, which count what came
    after the last line.

    Arguments
    ---------
    path : str or Path
        The file, made at the first epoch.

    Example
    -------
    >>> history = History(getfixture("tmp_path") / "history.jsonl")
    >>> history.start(last_epoch=0)
    >>> history.append({"epoch": 1, "valid": {"mel_loss": 0.5}})
    >>> [record["epoch"] for record in history.records]
    [1]
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.records: list[dict[str, Any]] = []
        self._recovered: list[dict[str, Any]] | None = None
        self._minutes_before = 0.0
        self._started = time.monotonic()

    def start(self, last_epoch: int) -> None:
        """Start the clock after an epoch, forgetting what came later.

        Arguments
        ---------
        last_epoch : int
            The last epoch that is in the checkpoint; 0 for a new run.

        Raises
        ------
        ValueError
            If the checkpoint has no lines, and the file is damaged.
        """
        records = self._recovered
        if records is None and last_epoch:
            # of a checkpoint of an earlier version
            records = _read_records(self.path)
        self.records = [r for r in records or [] if r["epoch"] <= last_epoch]
        if self.records:
            self._minutes_before = max(
                self._minutes_before, self.records[-1]["minutes"]
            )
        self._started = time.monotonic()
        self._write()

    def minutes(self) -> float:
        """Return minutes trained so far, over all runs.

        Returns
        -------
        minutes : float
            Since the first epoch began.
        """
        return self._minutes_before + (time.monotonic() - self._started) / 60

    def append(self, record: dict[str, Any]) -> None:
        """Add an epoch.

        Arguments
        ---------
        record : dict
            With the key ``epoch``; ``minutes`` is added.
        """
        self.records.append({**record, "minutes": self.minutes()})
        self._write()

    def _write(self) -> None:
        """Replace the file at once."""
        if not if_main_process():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _replace(self.path, [json.dumps(record) for record in self.records])

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        content = {"minutes": self.minutes(), "records": self.records}
        Path(path).write_text(json.dumps(content))

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        del end_of_epoch  # needed by the checkpointer
        content = read_json(path)
        if isinstance(content, float):  # of an earlier version
            content = {"minutes": content, "records": None}
        self._minutes_before = content["minutes"]
        self._recovered = content["records"]


def continue_logs(
    loggers: Sequence[TrainLogger], history: History, last_epoch: int
) -> None:
    """Let all logs go on after an epoch, without what came later.

    Arguments
    ---------
    loggers : sequence of TrainLogger
        SpeechBrain's; those of files and of TensorBoard forget.
    history : History
        Is started.
    last_epoch : int
        The last epoch that is in the checkpoint; 0 for a new run.
    """
    history.start(last_epoch)
    if not if_main_process():
        return
    for logger in loggers:
        if isinstance(logger, FileTrainLogger):
            _forget_lines(Path(logger.save_file), last_epoch)
        if isinstance(logger, TensorboardLogger):
            # its next file tells readers to forget these steps
            logger.writer.close()
            logger.writer.purge_step = last_epoch + 1


def log_epoch(
    loggers: Sequence[TrainLogger],
    history: History,
    stats_meta: Mapping[str, float],
    train_stats: Mapping[str, float],
    valid_stats: Mapping[str, float],
) -> None:
    """Write the figures of an epoch everywhere.

    Call it before the checkpoint is saved, which decides what a resumed run
    keeps of the history.

    Arguments
    ---------
    loggers : sequence of TrainLogger
        SpeechBrain's.
    history : History
        Gets the epoch on the main process.
    stats_meta : mapping of str to float
        Of the epoch, with the key ``epoch``, counted from 1.
    train_stats : mapping of str to float
        Figures of the training set.
    valid_stats : mapping of str to float
        Figures of the validation set.
    """
    stats_meta = {**stats_meta, "minutes": history.minutes()}
    for logger in loggers:
        if isinstance(logger, TensorboardLogger):
            _continue_curves(
                logger, stats_meta["epoch"], train_stats, valid_stats
            )
        logger.log_stats(
            stats_meta, train_stats=train_stats, valid_stats=valid_stats
        )
        if isinstance(logger, TensorboardLogger) and if_main_process():
            logger.writer.flush()
    if if_main_process():
        history.append(
            {**stats_meta, "train": train_stats, "valid": valid_stats}
        )


def log_figures(
    loggers: Sequence[TrainLogger], figures: Mapping[str, Figure], epoch: int
) -> None:
    """Show pictures where that is possible, which is in TensorBoard.

    Arguments
    ---------
    loggers : sequence of TrainLogger
        SpeechBrain's.
    figures : mapping of str to Figure
        By name.
    epoch : int
        Counted from 1.
    """
    for logger in loggers:
        if isinstance(logger, TensorboardLogger):
            for name, figure in figures.items():
                logger.writer.add_figure(name, figure, epoch)


def _continue_curves(
    logger: TensorboardLogger,
    epoch: int,
    train_stats: Mapping[str, float],
    valid_stats: Mapping[str, float],
) -> None:
    """Let a logger write this epoch's figures at the step `epoch`.

    SpeechBrain's logger counts its own calls, and would begin anew in a
    resumed run.
    """
    logger.global_step["meta"] = epoch - 1
    logger.global_step["train"] = dict.fromkeys(train_stats, epoch - 1)
    logger.global_step["valid"] = dict.fromkeys(valid_stats, epoch - 1)


def _read_records(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a history."""
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            record = parse_json(line, path)
            numbers = {
                "epoch": int(record["epoch"]),
                "minutes": float(record["minutes"]),
            }
            records.append({**record, **numbers})
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise ValueError(
                f"{path}, line {number} is damaged: it must be the figures of "
                "an epoch, in JSON. Remove the line, and the same command goes "
                "on without these figures."
            ) from error
    return records


def _forget_lines(path: Path, last_epoch: int) -> None:
    """Leave the epochs up to the last one in a log of SpeechBrain's.

    What was tested goes, too: it is when the training ends, and anew.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    epochs = [(line, _EPOCH.match(line)) for line in text.splitlines()]
    kept = [
        line
        for line, epoch in epochs
        if epoch is None or (int(epoch[1]) <= last_epoch and _TRAINED in line)
    ]
    _replace(path, kept)


def _replace(path: Path, lines: Sequence[str]) -> None:
    """Write the lines of a file anew, at once."""
    new = path.with_suffix(".new")
    text = "".join(line + "\n" for line in lines)
    new.write_text(text, encoding="utf-8", errors="surrogateescape")
    new.replace(path)
