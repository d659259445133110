"""Probabilities of staying on a key, from energies, and the energy from which
they start.
"""

import math

import torch


def stay_logit(moves_per_token: float) -> float:
    """Return the energy at which a walk spends so many moves on a token.

    A walk that stays with probability ``p`` leaves a token after
    ``1 / (1 - p)`` moves on average.

    Arguments
    ---------
    moves_per_token : float
        Mean number of moves, or tries to, spent on a token; clamped to what
        can still be learned from, 1.1 to 50.

    Returns
    -------
    energy : float
        ``logit(1 - 1 / moves_per_token)``.

    Example
    -------
    >>> stay_logit(2.0)
    0.0
    """
    return math.log(min(max(moves_per_token, 1.1), 50.0) - 1.0)


def stay_probability(
    energies: torch.Tensor, bias: torch.Tensor | float, noise_std: float
) -> torch.Tensor:
    """Return probabilities of staying, from energies.

    Arguments
    ---------
    energies : torch.Tensor
        Any shape.
    bias : torch.Tensor or float
        Added to them; of a shape that fits.
    noise_std : float
        Standard deviation of the Gaussian noise on them, which makes the
        probabilities go to 0 or 1 in training. 0 for none.

    Returns
    -------
    p_stay : torch.Tensor
        In [0, 1], of the shape of `energies`.

    Example
    -------
    >>> stay_probability(torch.zeros(3), bias=0.0, noise_std=0.0)
    tensor([0.5000, 0.5000, 0.5000])
    """
    energies = energies + bias
    if noise_std > 0:
        energies = energies + noise_std * torch.randn_like(energies)
    return energies.sigmoid()
