"""Means of losses over an epoch."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import if_main_process

from sb_sma.training.distributed import gather, place

Sums = dict[str, torch.Tensor]


@partial(register_checkpoint_hooks, save_on_main_only=False)
class WeightedMeans:
    """Collects losses batch by batch, without waiting for the device.

    A loss that is not in every batch is averaged over those that have it. Of
    several processes, each collects its own, and the means are those of all. A
    checkpoint keeps what was collected so far.

    Example
    -------
    >>> means = WeightedMeans()
    >>> means.append({"mel_loss": torch.tensor(1.0)}, torch.tensor(30))
    >>> means.append({"mel_loss": torch.tensor(2.0)}, torch.tensor(10))
    >>> means.summarize()
    {'mel_loss': 1.25}
    >>> means.withdraw()
    >>> means.summarize()
    {'mel_loss': 1.0}
    """

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        """Forget all batches."""
        self._before: tuple[dict, dict] = ({}, {})
        self._sums: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] = {}

    def append(
        self, losses: Mapping[str, torch.Tensor], weight: torch.Tensor
    ) -> None:
        """Add a batch.

        Arguments
        ---------
        losses : mapping of str to torch.Tensor
            Means over the batch, each ().
        weight : torch.Tensor
            How much the batch counts, ().
        """
        self._before = (dict(self._sums), dict(self._weights))
        for name, loss in losses.items():
            total = self._sums.get(name, 0.0)
            self._sums[name] = total + loss.detach() * weight
            self._weights[name] = self._weights.get(name, 0) + weight

    def withdraw(self) -> None:
        """Forget the last batch."""
        self._sums, self._weights = self._before

    def summarize(self) -> dict[str, float]:
        """Divide the sums.

        Returns
        -------
        means : dict of str to float
            By name.
        """
        sums, weights = _add_up(gather(self._state()))
        return {
            name: float(total / weights[name]) for name, total in sums.items()
        }

    def _state(self) -> tuple[Sums, Sums]:
        """Return what was collected, on the CPU."""
        return tuple(
            {name: torch.as_tensor(x).cpu() for name, x in part.items()}
            for part in (self._sums, self._weights)
        )

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        states = gather(self._state())
        if if_main_process():
            torch.save(states, path)

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        del end_of_epoch  # needed by the checkpointer
        states = torch.load(path, map_location="cpu", weights_only=True)
        if states and isinstance(states[0], dict):
            states = [states]  # of an earlier version
        rank, n_processes = place()
        self._sums, self._weights = _add_up(states[rank::n_processes])


def _add_up(states: Sequence[tuple[Sums, Sums]]) -> tuple[Sums, Sums]:
    """Add what several processes have collected."""
    total: tuple[Sums, Sums] = ({}, {})
    for state in states:
        for sums, part in zip(total, state):
            for name, value in part.items():
                sums[name] = sums[name] + value if name in sums else value
    return total
