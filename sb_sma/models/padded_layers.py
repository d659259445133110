"""Layers over time that know which steps are padding.

Features are (B, T, C), and padding is True on padding, (B, T). In training and
in evaluation, an item gives the same in any batch.
"""

import torch
from torch import nn

from sb_sma.attention.masks import padding_of


def check_kernel_size(name: str, kernel_size: int) -> None:
    """Refuse a convolution that would change the number of steps.

    Arguments
    ---------
    name : str
        What the caller calls the size.
    kernel_size : int
        In steps.

    Raises
    ------
    ValueError
        If it is even.

    Example
    -------
    >>> check_kernel_size("kernel_size", 3)
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(
            f"{name} must be odd and at least 1; got {kernel_size}. "
            "Take the next odd number."
        )


def no_padding(
    key_padding_mask: torch.Tensor | None, features: torch.Tensor
) -> torch.Tensor:
    """Take every step for content, whatever the mask.

    Arguments
    ---------
    key_padding_mask : torch.Tensor, optional
        Not heeded, (B, T).
    features : torch.Tensor
        (B, T, C).

    Returns
    -------
    padding : torch.Tensor
        False everywhere, (B, T).

    Example
    -------
    >>> no_padding(torch.tensor([[False, True]]), torch.zeros(1, 2, 8))
    tensor([[False, False]])
    """
    return padding_of(None, features)


class PaddedConvolution(nn.Module):
    """A convolution that reads zeros on padding.

    Arguments
    ---------
    c_in : int
        Channels of the input.
    c_out : int
        Channels of the output.
    kernel_size : int
        Odd, in steps.
    groups : int
        Groups of channels that do not hear each other.

    Example
    -------
    >>> convolve = PaddedConvolution(4, 8, kernel_size=3)
    >>> padding = torch.tensor([[False, False, True]])
    >>> convolve(torch.rand(1, 3, 4), padding).shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int = 1, groups: int = 1
    ):
        super().__init__()
        self.conv = nn.Conv1d(
            c_in, c_out, kernel_size, padding=kernel_size // 2, groups=groups
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
            Anything on padding, (B, T, C_out).
        """
        features = features.masked_fill(padding[:, :, None], 0.0)
        return self.conv(features.transpose(1, 2)).transpose(1, 2)


class UtteranceNorm(nn.Module):
    """Mean 0 and variance 1 over the channels and valid steps of an item.

    Without padding, it is a group norm of one group. Statistics are in float32
    or better.

    Arguments
    ---------
    width : int
        Channels, each of which has a learnable scale and offset.
    eps : float
        Added to the variance.

    Example
    -------
    >>> norm = UtteranceNorm(1)
    >>> padding = torch.tensor([[False, False, True]])
    >>> norm(torch.tensor([[[1.0], [3.0], [9.0]]]), padding).squeeze()
    tensor([-1.0000,  1.0000,  0.0000], grad_fn=<SqueezeBackward0>)
    """

    def __init__(self, width: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(
        self, features: torch.Tensor, padding: torch.Tensor
    ) -> torch.Tensor:
        """Normalise every item.

        Arguments
        ---------
        features : torch.Tensor
            (B, T, C).
        padding : torch.Tensor
            True on padding, (B, T).

        Returns
        -------
        features : torch.Tensor
            The offset on padding, (B, T, C).
        """
        wide = features.to(torch.promote_types(features.dtype, torch.float32))
        # an item of padding only has no statistics
        n_steps = (~padding).sum(dim=1).clamp(min=1)
        count = (n_steps * features.shape[2])[:, None, None]
        padding = padding[:, :, None]
        total = wide.masked_fill(padding, 0.0).sum((1, 2), keepdim=True)
        centred = (wide - total / count).masked_fill(padding, 0.0)
        variance = centred.square().sum((1, 2), keepdim=True) / count
        normed = centred * (variance + self.eps).rsqrt()
        return (normed * self.weight + self.bias).to(features.dtype)
