"""Convolutions that padding cannot touch."""

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.models.padded_layers import check_kernel_size
from sb_sma.ops.checks import check_axes
from sb_sma.ops.dropout import Dropout

# a convolution reads rows in blocks, which shorter ones leave half empty
_SHORT_ROW = 32  # steps


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
        activation: nn.Module = nn.ReLU(inplace=True),
        activate_last: bool = True,
    ):
        super().__init__()
        check_kernel_size("kernel_size", kernel_size)
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
        width = self.convs[0].in_channels if self.convs else "C"
        check_axes(
            features=(features, f"B, T, {width}"),
            padding=(padding, "B, T: bool"),
        )
        padding = padding[:, :, None]
        features = features.masked_fill(padding, 0.0)
        for index, conv in enumerate(self.convs):
            features = _convolve(conv, features)
            if index < len(self.finishes):
                features = self.finishes[index](features)
            features = features.masked_fill(padding, 0.0)
        return features


def _convolve(conv: nn.Conv1d, features: torch.Tensor) -> torch.Tensor:
    """Return what the convolution gives, (B, T, C_in) to (B, T, C_out)."""
    if features.shape[1] > _SHORT_ROW:
        return conv(features.transpose(1, 2)).transpose(1, 2)
    (kernel_size,), (pad,) = conv.kernel_size, conv.padding
    padded = F.pad(features, (0, 0, pad, pad))
    weight = conv.weight.transpose(1, 2).flatten(1)
    return F.linear(_windows(padded, kernel_size), weight, conv.bias)


def _windows(padded: torch.Tensor, size: int) -> torch.Tensor:
    """Put the steps of windows side by side, (B, T - size + 1, size * C)."""
    n_windows = padded.shape[1] - size + 1
    shifted = [padded[:, first : first + n_windows] for first in range(size)]
    return torch.cat(shifted, dim=-1)
