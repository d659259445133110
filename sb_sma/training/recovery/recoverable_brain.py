"""What the Brains of all recipes share: an interrupted run goes on."""

import logging
import math
from collections.abc import Callable
from typing import Any

import speechbrain as sb
import torch
from speechbrain.utils.distributed import if_main_process
from speechbrain.utils.train_logger import TrainLogger

from sb_sma.data.problems import abridged
from sb_sma.data.sampler import BatchShare, LengthBatchSampler
from sb_sma.training.history import History, continue_logs
from sb_sma.training.means import WeightedMeans
from sb_sma.training.recovery.checkpoint_checks import check_architecture
from sb_sma.training.recovery.disk import check_room
from sb_sma.training.recovery.random_state import RandomState
from sb_sma.training.recovery.skipped_steps import SkippedSteps

logger = logging.getLogger(__name__)


class RecoverableBrain(sb.Brain):
    """A Brain that goes on at its last checkpoint as if nothing had happened.

    SpeechBrain keeps the weights, the optimizer, the steps and the place in
    the epoch. To a checkpoint, within an epoch or at its end, this adds the
    random streams, the means of the epoch so far and the minutes. On a CPU,
    in one process and with a data pipeline that draws nothing in workers, an
    interrupted run ends with the weights of one that never was.

    A step whose losses or gradients are not finite is left out: weights,
    optimizer, average and statistics stay as they are. Its batches are named
    by their ``id``, and after more than `nonfinite_patience` in a row the
    training ends.

    A recipe sets `history` and fills `loggers` before it calls `fit`, appends
    losses to `loss_means`, and has ``models["model"]``, its `average` and an
    `epoch_counter` among its hyperparameters.

    Arguments
    ---------
    *args : Any
        Of `speechbrain.Brain`.
    **kwargs : Any
        Of `speechbrain.Brain`.

    Raises
    ------
    ValueError
        If gradients are of less than one batch.
    """

    history: History

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.grad_accumulation_factor < 1:
            raise ValueError(
                "grad_accumulation_factor must be a number of batches, 1 or "
                f"more; got {self.grad_accumulation_factor}."
            )
        self.loggers: list[TrainLogger] = []
        self.loss_means = WeightedMeans()
        self.skipped_steps = SkippedSteps()

    def on_fit_start(self):
        """Refuse a checkpoint of another architecture, then recover."""
        if self.checkpointer is not None:
            self._add_recoverables()
        check_architecture(self.checkpointer, self.hparams.models["model"])
        check_architecture(self.checkpointer, self.hparams.average, "average")
        if self.checkpointer is not None and if_main_process():
            check_room(self.checkpointer, self.hparams.models["model"])
        self.hparams.average.to(self.device)
        super().on_fit_start()
        last_epoch = self.hparams.epoch_counter.current
        continue_logs(self.loggers, self.history, last_epoch)

    def _add_recoverables(self):
        parts = {
            "history": self.history,
            "loss_means": self.loss_means,
            "random_state": RandomState(),
        }
        for name, part in parts.items():
            self.checkpointer.add_recoverable(name, part)
        self.checkpointer.add_recoverable(
            "skipped_steps",
            self.skipped_steps,
            optional_load=True,  # earlier versions have none
        )

    def make_dataloader(self, dataset, stage, *args, **loader_kwargs):
        """Draw the seeds of workers from a stream of their own.

        An epoch that is gone on with has one more iterator, which would draw
        from the stream that was recovered.

        Arguments
        ---------
        dataset : Dataset
            As in `speechbrain.Brain`, and so are all others.
        stage : speechbrain.Stage
            What it is for.
        *args : Any
            The prefix of its name in checkpoints.
        **loader_kwargs : Any
            Of the loader.

        Returns
        -------
        loader : DataLoader
            SpeechBrain's, which can be saved.
        """
        loader_kwargs.setdefault("generator", torch.Generator())
        return super().make_dataloader(dataset, stage, *args, **loader_kwargs)

    def _train_loader_specifics(self, dataset, loader_kwargs):
        """Share batches out in their order; SpeechBrain would shuffle them."""
        sampler = loader_kwargs.get("batch_sampler")
        is_ours = isinstance(sampler, LengthBatchSampler)
        if not self.distributed_launch or not is_ours:
            return super()._train_loader_specifics(dataset, loader_kwargs)
        n_processes = torch.distributed.get_world_size()
        self.train_sampler = BatchShare(sampler, self.rank, n_processes)
        return {**loader_kwargs, "batch_sampler": self.train_sampler}

    def on_stage_start(self, stage, epoch=None):
        """Start the means anew, but in an epoch that is gone on with.

        Arguments
        ---------
        stage : speechbrain.Stage
            What begins.
        epoch : int, optional
            Counted from 1.
        """
        is_recovered = stage == sb.Stage.TRAIN and self.step > 0
        if not is_recovered:
            self.loss_means.clear()
        if stage == sb.Stage.TRAIN:
            self._begin_window()
            if not is_recovered:
                self.skipped_steps.begin_epoch()

    def fit_batch(self, batch):
        """Fit one batch, or leave out the step that it belongs to.

        Arguments
        ---------
        batch : PaddedBatch
            What is trained on.

        Returns
        -------
        loss : torch.Tensor
            Of the batch, on the CPU.
        """
        if (self.step - 1) % self.grad_accumulation_factor == 0:
            self._begin_window()
        self._last = _names_of(batch)
        self._window += self._last
        loss = super().fit_batch(batch)
        if self._blamed:
            self._restore_buffers()
        return loss

    def check_loss_isfinite(self, loss):
        """Take note of a loss that is not finite, and forget its figures.

        Arguments
        ---------
        loss : torch.Tensor
            Of a batch of training.
        """
        if not torch.isfinite(loss):
            self._blamed += self._last
            self.loss_means.withdraw()

    def optimizers_step(self):
        """Step, unless a loss or a gradient of the step is not finite.

        Raises
        ------
        ValueError
            If too many steps in a row were left out.
        """
        self.has_stepped = not self._must_skip()
        self.skipped_steps.count(not self.has_stepped)
        if self.has_stepped:
            scale = self.scaler.get_scale()
            super().optimizers_step()
            # a scaler that finds an overflow does not step, and scales less
            self.has_stepped = self.scaler.get_scale() >= scale
            return
        self._restore_buffers()
        self.zero_grad(set_to_none=True)
        blamed, what = self._blamed, "loss"
        if not blamed:
            blamed, what = self._window, "gradient"
        names = abridged(blamed)
        logger.warning(
            "Step left out (%d in this epoch), since the %s of a batch is not "
            "finite: %s",
            self.skipped_steps.in_epoch,
            what,
            names,
        )
        if self.skipped_steps.in_a_row > self.nonfinite_patience:
            raise ValueError(
                f"The training ends: {self.skipped_steps.in_a_row} steps in a "
                f"row were left out, more than nonfinite_patience = "
                f"{self.nonfinite_patience}, since their losses or gradients "
                f"are not finite; those of the last were of {names}. What was "
                "saved before is as it was. Correct these items or lower lr, "
                "and the same command goes on from there."
            )

    def _must_skip(self):
        """Say whether something of this step is not finite, in any process."""
        is_finite = not self._blamed
        # a scaler looks for itself; too large a scale is no fault
        if is_finite and not self.scaler.is_enabled():
            # this changes nothing, and is the fast way to their norm
            norm = torch.nn.utils.clip_grad_norm_(
                self.modules.parameters(), math.inf
            )
            is_finite = bool(torch.isfinite(norm))
        if not torch.distributed.is_initialized():
            return not is_finite
        n_bad = torch.tensor(float(not is_finite), device=self.device)
        torch.distributed.all_reduce(n_bad)
        return bool(n_bad)

    def _begin_window(self):
        """Keep what the batches of a step change before it."""
        self.has_stepped = False
        self._window, self._blamed = [], []
        self._buffers = [
            (buffer, buffer.clone())
            for buffer in self.hparams.models["model"].buffers()
        ]

    @torch.no_grad()
    def _restore_buffers(self):
        for buffer, before in self._buffers:
            buffer.copy_(before)

    def evaluate_batch(self, batch, stage):
        """Evaluate a batch, and name it if its loss is not finite.

        Arguments
        ---------
        batch : PaddedBatch
            Of the validation or test set.
        stage : speechbrain.Stage
            Which of them.

        Returns
        -------
        loss : torch.Tensor
            Of the batch, on the CPU.
        """
        loss = super().evaluate_batch(batch, stage)
        if not torch.isfinite(loss):
            logger.warning(
                "The loss of a batch (%s) is not finite: %s",
                stage.name.lower(),
                abridged(_names_of(batch)),
            )
        return loss

    def on_fit_batch_end(self, batch, outputs, loss, should_step):
        """Let the average follow the weights.

        Arguments
        ---------
        batch : PaddedBatch
            What was trained on.
        outputs : Any
            Of `fit_batch`.
        loss : torch.Tensor
            Of the batch.
        should_step : bool
            Whether it ends a step, which may have been left out.
        """
        if should_step and self.has_stepped:
            self.hparams.average.update_parameters(self.hparams.models["model"])

    def read_schedule(self, schedule: Callable[..., float]) -> float:
        """Read a schedule at this moment of the training.

        Arguments
        ---------
        schedule : Callable
            Of finished ``epochs`` and optimizer ``steps``.

        Returns
        -------
        value : float
            What it says now.
        """
        return schedule(
            epochs=self.hparams.epoch_counter.current - 1,
            steps=self.optimizer_step,
        )

    def progress(self) -> float:
        """Tell how much of the training is over, within an epoch.

        Returns
        -------
        progress : float
            In [0, 1], by epochs and the minutes that they took so far.
        """
        n_batches = len(self.train_sampler)
        if self.debug:
            n_batches = min(n_batches, self.debug_batches)
        share = (self.step - 1) / n_batches
        return self.hparams.epoch_counter.progress(share)

    def count_steps(self, n_batches: int, n_epochs: int) -> int:
        """Count the optimizer steps of a whole run.

        SpeechBrain steps after every so many batches, and passes over those
        that are left at the end of an epoch.

        Arguments
        ---------
        n_batches : int
            Of an epoch, over all processes.
        n_epochs : int
            Of the run.

        Returns
        -------
        n_steps : int
            Fewer with ``--debug`` or ``--optimizer_step_limit``.
        """
        if self.debug:
            n_epochs = min(n_epochs, self.debug_epochs)
        every = self.grad_accumulation_factor
        n_steps = self._count_batches(n_batches) // every * n_epochs
        return min(n_steps, self.optimizer_step_limit or n_steps)

    def check_accumulation(self, n_batches: int) -> None:
        """Tell which batches no step learns from; refuse to learn from none.

        Arguments
        ---------
        n_batches : int
            Of an epoch, over all processes.

        Raises
        ------
        ValueError
            If an epoch has too few batches for a step.
        """
        n_batches = self._count_batches(n_batches)
        every = self.grad_accumulation_factor
        if n_batches < every and not self.debug:
            raise ValueError(
                "grad_accumulation_factor must be at most the number of "
                f"batches that a process has in an epoch, {n_batches}; got "
                f"{every}. Lower it, or make the batches smaller."
            )
        if n_batches % every:
            logger.warning(
                "Nothing is learnt from the last %d of the %d batches of an "
                "epoch, which grad_accumulation_factor %d does not divide",
                n_batches % every,
                n_batches,
                every,
            )

    def _count_batches(self, n_batches: int) -> int:
        """Count the batches of this process in an epoch."""
        if self.distributed_launch:
            n_batches = -(-n_batches // torch.distributed.get_world_size())
        return min(n_batches, self.debug_batches) if self.debug else n_batches

    def _should_save_intra_epoch_ckpt(self, *args):
        """Wait until no gradient is left, which no checkpoint would keep."""
        should_save = super()._should_save_intra_epoch_ckpt(*args)
        return should_save and self.step % self.grad_accumulation_factor == 0


def _names_of(batch):
    """Name what is in a batch."""
    return list(getattr(batch, "id", ["a batch without names"]))
