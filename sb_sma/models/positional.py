"""Scaled sinusoidal positions without a length limit.

Reference
---------
Li et al.: "Neural Speech Synthesis with Transformer Network", AAAI 2019
(the learnable scale).
"""

import math

import torch
from torch import nn


class ScaledPositions(nn.Module):
    """Adds sinusoidal positions times a learnable scale.

    Positions are computed for the steps that come, so that there is no
    longest sequence.

    Arguments
    ---------
    d_model : int
        Width of the features, even.

    Raises
    ------
    ValueError
        If `d_model` is odd.

    Example
    -------
    >>> positions = ScaledPositions(d_model=8)
    >>> positions(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, d_model: int):
        super().__init__()
        if d_model % 2:
            raise ValueError(f"d_model must be even; got {d_model}.")
        half = torch.arange(0, d_model, 2, dtype=torch.float32)
        frequencies = torch.exp(-math.log(10000.0) * half / d_model)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Add the positions ``0, 1, ...``.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, D).

        Returns
        -------
        features : torch.Tensor
            (B, T, D).
        """
        return features + self.table(0, features.shape[1]).to(features.dtype)

    def table(self, start: int, n_steps: int) -> torch.Tensor:
        """Compute what is added to some steps.

        Arguments
        ---------
        start : int
            Position of the first of them.
        n_steps : int
            How many they are.

        Returns
        -------
        positions : torch.Tensor
            (n_steps, D).
        """
        steps = torch.arange(
            start, start + n_steps, device=self.frequencies.device
        )
        return self.at(steps)

    def at(self, steps: torch.Tensor) -> torch.Tensor:
        """Compute what is added at given places.

        Arguments
        ---------
        steps : torch.Tensor
            Positions, int64, (n_steps,).

        Returns
        -------
        positions : torch.Tensor
            (n_steps, D).
        """
        angles = steps[:, None] * self.frequencies  # (n_steps, D / 2)
        return self.scale * torch.cat((angles.sin(), angles.cos()), dim=-1)
