"""What every recipe does alike: logs, training and test, the YAML of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speechbrain.utils.train_logger import TensorboardLogger, TrainLogger

from sb_sma.training.history import History
from sb_sma.training.recovery.recoverable_brain import RecoverableBrain


def read_resolved(output_folder: str | Path) -> str:
    """Read the YAML of a run, in which every reference is resolved.

    Arguments
    ---------
    output_folder : str or Path
        With SpeechBrain's ``hyperparams.yaml``.

    Returns
    -------
    text : str
        YAML, for an export.
    """
    path = Path(output_folder) / "hyperparams.yaml"
    return path.read_text(encoding="utf-8")


def open_logs(
    brain: RecoverableBrain,
    output_folder: str | Path,
    train_logger: TrainLogger,
    use_tensorboard: bool,
) -> None:
    """Give a Brain its history and its loggers.

    Arguments
    ---------
    brain : RecoverableBrain
        Before it trains.
    output_folder : str or Path
        Of the run.
    train_logger : TrainLogger
        The YAML's own.
    use_tensorboard : bool
        Whether TensorBoard's files are written, too.
    """
    brain.history = History(Path(output_folder) / "history.jsonl")
    brain.loggers = [train_logger]
    if use_tensorboard:
        folder = Path(output_folder) / "tensorboard"
        brain.loggers.append(TensorboardLogger(str(folder)))


def train_and_test(
    brain: RecoverableBrain,
    epoch_counter: Any,
    datasets: Mapping[str, Any],
    loader_options: Mapping[str, dict[str, Any]],
    min_key: str,
    tested: str = "test",
) -> None:
    """Train to the end, and test the best checkpoint.

    Arguments
    ---------
    brain : RecoverableBrain
        With its history and loggers.
    epoch_counter : EpochCounter
        The YAML's own.
    datasets : mapping
        By split: ``train``, ``valid``, and what is tested.
    loader_options : mapping
        By split; the training's batches come from a ``batch_sampler``.
    min_key : str
        What is lowest in the best checkpoint.
    tested : str
        The split that is tested.
    """
    # without this, every epoch would bring the same batches
    brain.train_sampler = loader_options["train"]["batch_sampler"]
    brain.fit(
        epoch_counter,
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=loader_options["train"],
        valid_loader_kwargs=loader_options["valid"],
    )
    brain.evaluate(
        datasets[tested],
        min_key=min_key,
        test_loader_kwargs=loader_options[tested],
    )
