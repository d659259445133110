"""What the Brains of all recipes share: an interrupted run goes on."""

import logging
from collections.abc import Callable
from typing import Any

import speechbrain as sb
import torch
from speechbrain.utils.distributed import ddp_broadcast, if_main_process
from speechbrain.utils.train_logger import TrainLogger

from sb_sma.data.sampler import BatchShare, LengthBatchSampler
from sb_sma.data.shards.read import ShardReader
from sb_sma.training.distributed import place, share_gradients
from sb_sma.training.history import History, continue_logs
from sb_sma.training.recovery.checkpoint_checks import check_architecture
from sb_sma.training.recovery.disk import check_room
from sb_sma.training.recovery.finite_brain import FiniteBrain
from sb_sma.training.recovery.random_state import RandomState, set_apart

logger = logging.getLogger(__name__)


class RecoverableBrain(FiniteBrain):
    """A Brain that goes on at its last checkpoint as if nothing had happened.

    SpeechBrain keeps the weights, the optimizer, the steps and the place in
    the epoch. To a checkpoint, within an epoch or at its end, this adds the
    random streams, the means of the epoch so far and the minutes. On a CPU,
    in one process and with a data pipeline that draws nothing in workers, an
    interrupted run ends with the weights of one that never was.

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
    shard_reader: ShardReader | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.grad_accumulation_factor < 1:
            raise ValueError(
                "grad_accumulation_factor must be a number of batches, 1 or "
                f"more; got {self.grad_accumulation_factor}."
            )
        self.loggers: list[TrainLogger] = []
        if self.debug and self.checkpointer is not None:
            # each process has made a temporary one
            self.checkpointer.checkpoints_dir = ddp_broadcast(
                self.checkpointer.checkpoints_dir
            )

    def on_fit_start(self):
        """Refuse a checkpoint of another architecture, then recover."""
        if self.checkpointer is not None:
            self._add_recoverables()
        check_architecture(self.checkpointer, self.hparams.models["model"])
        check_architecture(self.checkpointer, self.hparams.average, "average")
        if self.checkpointer is not None and if_main_process():
            check_room(self.checkpointer, self.hparams.models["model"])
        self.hparams.average.to(self.device)
        set_apart(place()[0])
        super().on_fit_start()
        if self.step and isinstance(self.train_sampler, BatchShare):
            self.train_sampler.go_on(self.step)
        last_epoch = self.hparams.epoch_counter.current
        continue_logs(self.loggers, self.history, last_epoch)

    def _wrap_distributed(self):
        """Share gradients with the other processes, if there are any."""
        if not self.distributed_launch:
            super()._wrap_distributed()
            return
        for name, module in self.modules.items():
            if any(each.requires_grad for each in module.parameters()):
                self.modules[name] = share_gradients(
                    module,
                    torch.device(self.device),
                    self.find_unused_parameters,
                )

    def _add_recoverables(self):
        parts = {
            "history": self.history,
            "loss_means": self.loss_means,
            "random_state": RandomState(),
        }
        for name, part in parts.items():
            self.checkpointer.add_recoverable(name, part)
        # earlier versions have none
        later = {"skipped_steps": self.skipped_steps}
        if isinstance(self.train_sampler, BatchShare):
            later["batch_share"] = self.train_sampler
        for name, part in later.items():
            self.checkpointer.add_recoverable(name, part, optional_load=True)

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
        if isinstance(dataset, ShardReader):
            self.shard_reader, dataset = dataset, dataset.pipeline()
        return super().make_dataloader(dataset, stage, *args, **loader_kwargs)

    def _train_loader_specifics(self, dataset, loader_kwargs):
        """Share batches out in their order; SpeechBrain would shuffle them."""
        sampler = loader_kwargs.get("batch_sampler")
        if not isinstance(sampler, LengthBatchSampler):
            return super()._train_loader_specifics(dataset, loader_kwargs)
        self.train_sampler = BatchShare(sampler, *place())
        if self.shard_reader is None:
            return {**loader_kwargs, "batch_sampler": self.train_sampler}
        # a pipeline makes its batches itself
        self.shard_reader.sampler = self.train_sampler
        del loader_kwargs["batch_sampler"]
        return {**loader_kwargs, "batch_size": None}

    def evaluate_batch(self, batch, stage):
        """Evaluate a batch, with the same noise in every epoch and process.

        What it draws, training does not miss.

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
        devices = [self.device] if self.device_type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.step)
            return super().evaluate_batch(batch, stage)

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
        if stage == sb.Stage.TRAIN and self.shard_reader is not None:
            # no loader keeps the place in a pipeline
            self.shard_reader.skipped = self.step
        if stage == sb.Stage.TRAIN and not is_recovered:
            self.skipped_steps.begin_epoch()
        if stage != sb.Stage.TRAIN and place()[1] > 1:
            # running statistics are of what a process has seen
            for part in (self.hparams.models["model"], self.hparams.average):
                for buffer in part.buffers():
                    torch.distributed.broadcast(buffer, 0)

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
        share = (self.step - 1) / self._n_batches_now()
        return self.hparams.epoch_counter.progress(share)

    def planned_step(self) -> int:
        """Tell how many optimizer steps of `count_steps` are over.

        Those that were left out are over, too; and where a run goes on in
        another number of processes, it is as far as it would be with these.

        Returns
        -------
        n_steps : int
            Before this one.
        """
        n_steps = self._count_batches(len(self.train_sampler.sampler))
        n_steps //= self.grad_accumulation_factor
        epochs = self.hparams.epoch_counter.current - 1
        in_epoch = (self.step - 1) * n_steps // self._n_batches_now()
        return epochs * n_steps + in_epoch

    def _n_batches_now(self):
        """Count the batches of this process in the epoch that has begun."""
        n_batches = len(self.train_sampler)
        return min(n_batches, self.debug_batches) if self.debug else n_batches

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
