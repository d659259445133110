"""Standardises by what training has shown so far."""

import torch
from torch import nn

_EPSILON = 1e-5


class RunningNorm(nn.Module):
    """Each channel minus its running mean, over its running deviation.

    Batch normalisation whose statistics are those of the batches so far, in
    training, too, so that a batch may be a single item. Before the first, the
    mean is 0 and the deviation 1, which keeps the result small until many
    batches have been seen. No gradient flows through the statistics; they stay
    in single precision, whatever the module is cast to, since the mean may be
    many deviations away from 0.

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
            self._follow(features.detach().float())
        variance = (self.mean_square - self.mean.square()).clamp(min=0.0)
        standardised = (features - self.mean) * (variance + _EPSILON).rsqrt()
        return standardised.to(features.dtype)

    def _follow(self, features: torch.Tensor) -> None:
        self.n_batches += 1
        weight = (1.0 / self.n_batches).clamp(min=self.momentum)
        # a batch of NaN is passed over, as gradient scaling does
        weight = weight * features.isfinite().all()
        features = features.nan_to_num(0.0, 0.0, 0.0)
        self.mean.lerp_(features.mean(0), weight)
        self.mean_square.lerp_(features.square().mean(0), weight)

    def _apply(self, fn, recurse=True):
        statistics = dict(self._buffers)
        super()._apply(fn, recurse)
        for name, buffer in statistics.items():
            self._buffers[name] = buffer.to(self._buffers[name].device)
        return self
