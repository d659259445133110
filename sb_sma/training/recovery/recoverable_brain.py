"""What the Brains of all recipes share: an interrupted run goes on."""

from collections.abc import Callable
from typing import Any

import speechbrain as sb
import torch
from speechbrain.utils.train_logger import TrainLogger

from sb_sma.data.sampler import BatchShare, LengthBatchSampler
from sb_sma.training.history import History, continue_logs
from sb_sma.training.means import WeightedMeans
from sb_sma.training.recovery.checkpoint_checks import check_architecture
from sb_sma.training.recovery.random_state import RandomState


class RecoverableBrain(sb.Brain):
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
    """

    history: History

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.loggers: list[TrainLogger] = []
        self.loss_means = WeightedMeans()

    def on_fit_start(self):
        """Refuse a checkpoint of another architecture, then recover."""
        if self.checkpointer is not None:
            self._add_recoverables()
        check_architecture(self.checkpointer, self.hparams.models["model"])
        check_architecture(self.checkpointer, self.hparams.average, "average")
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
            Whether the weights were changed.
        """
        if should_step:
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

    def _should_save_intra_epoch_ckpt(self, *args):
        """Wait until no gradient is left, which no checkpoint would keep."""
        should_save = super()._should_save_intra_epoch_ckpt(*args)
        return should_save and self.step % self.grad_accumulation_factor == 0
