"""What every recipe does alike: its start, logs, training and test, its YAML."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from speechbrain.utils.distributed import (
    ddp_broadcast,
    ddp_init_group,
    if_main_process,
)
from speechbrain.utils.run_opts import RunOptions
from speechbrain.utils.train_logger import TensorboardLogger, TrainLogger

from sb_sma.data.corpus.plan import Corpus
from sb_sma.training.history import History
from sb_sma.training.recovery.checkpoint_checks import (
    check_same_start,
    check_trial,
    remember_start,
)
from sb_sma.training.recovery.disk import tell_full_disk
from sb_sma.training.recovery.recoverable_brain import RecoverableBrain
from sb_sma.training.recovery.sole_run import held_once_begun


class Start:
    """What a run begins with: a corpus and, in some, a trained model.

    Nothing is made or written before it is known that the run in this folder, if
    there is one, began with the same, and that no other process runs there until
    this one ends. Only the main process plans, makes and remembers.

    Arguments
    ---------
    plan : callable
        Returns the corpus, not made yet.
    save_folder : str or Path
        Where the run's checkpoints are, or will be.
    run_opts : RunOptions
        Of SpeechBrain.
    initial_model : str, optional
        Identity of the trained model.
    remedy : str
        A sentence that tells what to do where the run began with something
        else.
    output_folder : str or Path, optional
        Of the run; no other runs there, wherever it has its checkpoints.

    Raises
    ------
    ValueError
        If the run began with something else, goes on in another process, or is
        to be tried out with ``--debug``; or whatever is wrong with the data.
    """

    def __init__(
        self,
        plan: Callable[[], Corpus],
        save_folder: str | Path,
        run_opts: RunOptions,
        initial_model: str | None = None,
        remedy: str = "",
        output_folder: str | Path | None = None,
    ):
        self.save_folder = save_folder
        self.initial_model = initial_model
        self.is_trial = run_opts.debug and not run_opts.debug_persistently
        self._corpus = None
        if not if_main_process():
            return
        folders = [Path(save_folder)]
        if output_folder is not None:
            folders.append(Path(output_folder) / "save")
        with contextlib.ExitStack() as held:
            for folder in {path.expanduser().resolve() for path in folders}:
                held.enter_context(held_once_begun(folder))
            if self.is_trial:
                check_trial(save_folder)
            self._corpus = plan()
            check_same_start(
                save_folder, self._corpus.description, initial_model, remedy
            )

    def make_corpus(self, corpus_folder: str | Path) -> Path:
        """Make the corpus, or find it there.

        Arguments
        ---------
        corpus_folder : str or Path
            Of all corpora.

        Returns
        -------
        folder : Path
            Of this one, in all processes.
        """
        folder = None
        if self._corpus is not None:
            with tell_full_disk(corpus_folder):
                folder = self._corpus.make_in(corpus_folder)
        return ddp_broadcast(folder)

    def remember(self, folder: Path) -> None:
        """Let the run go on with nothing else from now on.

        Arguments
        ---------
        folder : Path
            Of its corpus.
        """
        if if_main_process() and not self.is_trial:
            with tell_full_disk(self.save_folder):
                remember_start(
                    self.save_folder, folder / "corpus.json", self.initial_model
                )


def join_processes(hparams: dict[str, Any], run_opts: RunOptions) -> None:
    """Join those that torchrun has started, if it has.

    They train in the number format that the main one has found the fastest.

    Arguments
    ---------
    hparams : dict
        The loaded YAML of a recipe.
    run_opts : RunOptions
        Of SpeechBrain.
    """
    ddp_init_group(run_opts)
    if "precision" in hparams:
        hparams["precision"] = ddp_broadcast(hparams["precision"])


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
    min_key: str | None,
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
    min_key : str or None
        What is lowest in the best checkpoint; None takes the last.
    tested : str
        The split that is tested.

    Raises
    ------
    ValueError
        If no step would be taken, the run that is gone on with has another
        architecture, too much is not finite, or nothing more can be written.
    """
    sampler = loader_options["train"]["batch_sampler"]
    brain.check_accumulation(len(sampler))
    # without this, every epoch would bring the same batches
    brain.train_sampler = sampler
    with tell_full_disk(brain.history.path.parent):
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
