"""Dropout whose masks are cheap on the CPU.

PyTorch draws a random number for every value there, one after the other, which
takes longer than the layers around it. One draw of 64 bits does for four.
"""

import torch
import torch.nn.functional as F
from torch import nn

_LEVELS = 1 << 16  # of an int16


def dropout(features: torch.Tensor, probability: float) -> torch.Tensor:
    """Drop values at random, as in training.

    Arguments
    ---------
    features : torch.Tensor
        Any shape.
    probability : float
        Of a value to be dropped, from 0 to 1; on the CPU it is rounded to a
        multiple of 2 ** -16.

    Returns
    -------
    features : torch.Tensor
        Zero or ``features / (1 - probability)``.

    Raises
    ------
    ValueError
        If `probability` is out of range.

    Example
    -------
    >>> dropped = dropout(torch.ones(1000), probability=0.5)
    >>> dropped.unique()
    tensor([0., 2.])
    """
    n_dropped = round(probability * _LEVELS)
    if features.device.type != "cpu" or not 0 < n_dropped < _LEVELS:
        return F.dropout(features, probability)
    n_values = features.numel()
    draws = torch.randint(-(1 << 63), (1 << 63) - 1, ((n_values + 3) // 4,))
    levels = draws.view(torch.int16)[:n_values].view(features.shape)
    kept = (levels >= n_dropped - _LEVELS // 2).to(features.dtype)
    return features * kept.mul_(_LEVELS / (_LEVELS - n_dropped))


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` with the masks of `dropout`.

    Arguments
    ---------
    p : float
        Probability of a value to be dropped, from 0 to 1.

    Raises
    ------
    ValueError
        If `p` is out of range.

    Example
    -------
    >>> Dropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5):
        super().__init__(p)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Drop values in training, and nothing else.

        Arguments
        ---------
        features : torch.Tensor
            Any shape.

        Returns
        -------
        features : torch.Tensor
            Of the same shape.
        """
        return dropout(features, self.p) if self.training else features


def replace_dropout(module: nn.Module) -> None:
    """Give every `torch.nn.Dropout` in a module the masks of `dropout`.

    Arguments
    ---------
    module : nn.Module
        Changed in place.

    Example
    -------
    >>> layers = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2))
    >>> replace_dropout(layers)
    >>> isinstance(layers[1], Dropout), layers[1].p
    (True, 0.2)
    """
    for name, child in module.named_children():
        if type(child) is nn.Dropout:
            setattr(module, name, Dropout(child.p))
        else:
            replace_dropout(child)
