"""Standardises by what training has shown so far."""

import torch
from torch import nn

_EPSILON = 1e-5


class RunningNorm(nn.Module):
    """Each channel minus its running mean, over its running deviation.

    Batch normalisation whose statistics are those of the batches so far, in
    training, too, so that a batch may be a single item. Before the first, the
    mean is 0 and the deviation 1. No gradient flows through the statistics.

    Arguments
    ---------
    width : int
        Channels.
    momentum : float
        Weight of a new batch; larger in the first ones, which count alike,
        and as much as what was there before.

    Example
    -------
    >>> norm = RunningNorm(2)
    >>> batch = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> for _ in range(999):
    ...     out = norm(batch)
    >>> norm.mean.allclose(batch.mean(0), rtol=1e-3)
    True
    >>> out.allclose(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), rtol=0.01)
    True
    """

    def __init__(self, width: int, momentum: float = 0.01):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("mean_square", torch.ones(width))
        self.register_buffer("n_batches", torch.ones(()))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Standardise, after a look at the batch in training.

        Arguments
        ---------
        features : torch.Tensor
            (B, width).

        Returns
        -------
        features : torch.Tensor
            (B, width).
        """
        if self.training:
            self._follow(features.detach().to(self.mean))
        mean, mean_square = self.mean.float(), self.mean_square.float()
        variance = (mean_square - mean.square()).clamp(min=0.0)
        standardised = (features - mean) * (variance + _EPSILON).rsqrt()
        return standardised.to(features.dtype)

    def _follow(self, features: torch.Tensor) -> None:
        self.n_batches += 1
        weight = (1.0 / self.n_batches).clamp(min=self.momentum)
        self.mean.lerp_(features.mean(0), weight)
        self.mean_square.lerp_(features.square().mean(0), weight)
