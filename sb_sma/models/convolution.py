"""Convolutions that padding cannot touch."""

import torch
from torch import nn

from sb_sma.ops.dropout import Dropout


class MaskedConvStack(nn.Module):
    """Convolution, layer norm, activation and dropout, several times.

    The input of every convolution is zero on padding, so that an item gives
    the same output in any batch.

    Arguments
    ---------
    channels : list of int
        Widths from the input to the output, at least two.
    kernel_size : int
        Odd, in steps.
    dropout : float
        Dropout after every layer.
    activation : nn.Module
        Between the layers; the last layer ends with it if `activate_last`.
    activate_last : bool
        False makes the last layer a bare convolution.

    Attributes
    ----------
    reach : int
        How many steps before and after it an output depends on.

    Raises
    ------
    ValueError
        If `kernel_size` is even.

    Example
    -------
    >>> stack = MaskedConvStack([4, 8, 4], kernel_size=3)
    >>> padding = torch.tensor([[False, False, True]])
    >>> stack(torch.rand(1, 3, 4), padding).shape
    torch.Size([1, 3, 4])
    """

    def __init__(
        self,
        channels: list,
        kernel_size: int = 5,
        dropout: float = 0.0,
        activation: nn.Module = nn.ReLU(),
        activate_last: bool = True,
    ):
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd; got {kernel_size}.")
        self.convs = nn.ModuleList(
            nn.Conv1d(c_in, c_out, kernel_size, padding=kernel_size // 2)
            for c_in, c_out in zip(channels[:-1], channels[1:])
        )
        self.reach = len(self.convs) * (kernel_size // 2)
        n_finished = len(self.convs) - (0 if activate_last else 1)
        self.finishes = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), activation, Dropout(dropout))
            for width in channels[1 : n_finished + 1]
        )

    def forward(
        self, features: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """Convolve over time.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, C_in).
        padding : torch.Tensor
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            Zero on padding, (B, T, C_out).
        """
        padding = padding[:, :, None]
        features = features.masked_fill(padding, 0.0)
        for index, conv in enumerate(self.convs):
            features = conv(features.transpose(1, 2)).transpose(1, 2)
            if index < len(self.finishes):
                features = self.finishes[index](features)
            features = features.masked_fill(padding, 0.0)
        return features
