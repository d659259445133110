"""A Brain that takes no step from what is not finite."""

import itertools
import logging
from typing import Any

import speechbrain as sb
import torch

from sb_sma.data.problems import abridged
from sb_sma.training.distributed import gather
from sb_sma.training.means import WeightedMeans
from sb_sma.training.recovery.skipped_steps import SkippedSteps

logger = logging.getLogger(__name__)


class FiniteBrain(sb.Brain):
    """A Brain that leaves out steps whose losses or gradients are not finite.

    Weights, optimizer and statistics then stay as they are. The batches are
    named by their ``id``, and after more than `nonfinite_patience` steps in a
    row the training ends. A recipe appends losses to `loss_means`, and has
    ``models["model"]`` among its hyperparameters.

    Arguments
    ---------
    *args : Any
        Of `speechbrain.Brain`.
    **kwargs : Any
        Of `speechbrain.Brain`.

    Attributes
    ----------
    has_stepped : bool
        Whether the last batch ended a step that was taken.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.loss_means = WeightedMeans()
        self.skipped_steps = SkippedSteps()
        self.has_stepped = False
        self._window, self._blamed = [], []

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
        fault, names = self._find_fault()
        self._window = []
        self.has_stepped = fault is None
        self.skipped_steps.count(not self.has_stepped)
        if self.has_stepped:
            scale = self.scaler.get_scale()
            super().optimizers_step()
            # a scaler that finds an overflow does not step, and scales less
            self.has_stepped = self.scaler.get_scale() >= scale
            return
        self._restore_buffers()
        self.zero_grad(set_to_none=True)
        logger.warning(
            "Step left out (%d in this epoch), since the %s of a batch is not "
            "finite: %s",
            self.skipped_steps.in_epoch,
            fault,
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

    def zero_grad(self, set_to_none=False):
        """Forget gradients; tell if those that no step learns from are bad.

        They are of the batches that are left at the end of an epoch.

        Arguments
        ---------
        set_to_none : bool
            Of `speechbrain.Brain`.
        """
        if self._window:
            fault, names = self._find_fault()
            if fault is not None:
                logger.warning(
                    "The %s of a batch is not finite, among those at the end "
                    "of the epoch that no step learns from: %s",
                    fault,
                    names,
                )
            self._window = []
        super().zero_grad(set_to_none)

    def _find_fault(self):
        """Tell what is not finite in any process, and in which batches."""
        faults = (None, "gradient", "loss")
        index = torch.tensor(2 if self._blamed else 0, device=self.device)
        # an overflow at a large scale is no fault: the scaler lowers it
        is_scaled = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        if not index and not is_scaled:
            gradients = [p.grad for p in self.modules.parameters()]
            norm = torch.nn.utils.get_total_norm(
                [gradient for gradient in gradients if gradient is not None]
            )
            index += ~torch.isfinite(norm)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(index, torch.distributed.ReduceOp.MAX)
        fault = faults[int(index)]
        if fault is None:
            return None, ""
        mine = self._blamed if fault == "loss" else self._window
        return fault, abridged(list(itertools.chain(*gather(mine))))

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


def _names_of(batch):
    """Name what is in a batch."""
    return list(getattr(batch, "id", ["a batch without names"]))
