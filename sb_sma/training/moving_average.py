"""The exponential moving average of the weights, which speaks better than they."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def average_weights(model: nn.Module, decay: float) -> AveragedModel:
    """Make a copy of a model that follows its weights slowly.

    After `n` updates an update keeps ``min(decay, n / (n + 9))`` of the
    average, so that the first weights are soon forgotten (Polyak, Juditsky:
    "Acceleration of Stochastic Approximation by Averaging", 1992).

    Arguments
    ---------
    model : nn.Module
        The model that is trained.
    decay : float
        Share of the average that an update keeps, in [0, 1).

    Returns
    -------
    average : AveragedModel
        ``average.update_parameters(model)`` after every optimizer step;
        ``average.module`` is the copy, in evaluation mode. Buffers follow at
        once.

    Raises
    ------
    ValueError
        If `decay` is out of range.

    Example
    -------
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = average_weights(model, decay=0.9)
    >>> for value in (0.0, 10.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item()
    9.0
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be in [0, 1); got {decay}.")
    return AveragedModel(model, multi_avg_fn=_moving_average(decay)).eval()


def _moving_average(decay: float) -> Callable:
    @torch.no_grad()
    def update(averages, weights, n_averaged):
        """Move averages towards the weights, in place."""
        n_updates = int(n_averaged)
        kept = min(decay, n_updates / (n_updates + 9))
        for average, weight in zip(averages, weights):
            average.lerp_(weight, 1.0 - kept)

    return update
