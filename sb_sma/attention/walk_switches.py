"""One handle on the walk of every monotonic attention in a model.

The functions find them among the modules of any model, ours or SpeechBrain's own
after `set_cross_attention`; a model without any is left alone.
"""

import torch
from torch import nn

# of our decoder layers, and of SpeechBrain's
_CROSS_ATTENTIONS = ("cross_attn", "multihead_attn")


def can_walk(model: nn.Module) -> bool:
    """Say whether there is a walk that can be switched on and off.

    Arguments
    ---------
    model : nn.Module
        Any model.

    Returns
    -------
    can_walk : bool
        False where all attention is of another type.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA, StepwiseMonotonicMHA
    >>> (
    ...     can_walk(StepwiseMonotonicMHA(nhead=2, d_model=8)),
    ...     can_walk(RegularMHA(nhead=2, d_model=8)),
    ... )
    (True, False)
    """
    return bool(_having("set_monotonic", model))


def is_walking(model: nn.Module) -> bool:
    """Say whether a walk is on.

    Arguments
    ---------
    model : nn.Module
        Any model.

    Returns
    -------
    is_walking : bool
        False where all attention is of another type or attends by softmax now.

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> attention = StepwiseMonotonicMHA(nhead=2, d_model=8)
    >>> is_walking(attention)
    True
    >>> set_monotonic(attention, False)
    >>> is_walking(attention)
    False
    """
    return any(each.n_walking for each in _having("n_walking", model))


def set_monotonic(model: nn.Module, monotonic: bool) -> None:
    """Switch the walk on or off.

    Arguments
    ---------
    model : nn.Module
        Any model.
    monotonic : bool
        Whether its monotonic attentions walk, or attend by softmax.
    """
    for attention in _having("set_monotonic", model):
        attention.set_monotonic(monotonic)


def set_energy_noise(model: nn.Module, std: float) -> None:
    """Set the noise on the stay energies, for training.

    Arguments
    ---------
    model : nn.Module
        Any model.
    std : float
        Standard deviation, 0 or more.
    """
    for attention in _having("noise_std", model):
        attention.noise_std = std


def set_queries_per_token(model: nn.Module, queries_per_token: float) -> None:
    """Start the walk at the speed of the training set.

    Arguments
    ---------
    model : nn.Module
        Any model.
    queries_per_token : float
        Decoder steps per token of the memory.
    """
    for attention in _having("set_queries_per_token", model):
        attention.set_queries_per_token(queries_per_token)


def choose_heads(model: nn.Module, focus_rates: torch.Tensor) -> None:
    """Say how focused each head is, to those who read by the best one.

    Arguments
    ---------
    model : nn.Module
        Any model.
    focus_rates : torch.Tensor
        Over a whole set, (L, H) for L layers.
    """
    attentions = [
        getattr(layer, name)
        for layer in model.modules()
        for name in _CROSS_ATTENTIONS
        if hasattr(layer, name)
    ]
    for attention, rates in zip(attentions, focus_rates):
        if hasattr(attention, "choose_head"):
            attention.choose_head(rates)


def moves_per_query(model: nn.Module) -> int | None:
    """Say how many tokens the slowest layer passes per decoder step.

    Arguments
    ---------
    model : nn.Module
        Any model.

    Returns
    -------
    moves : int or None
        None where no layer is limited; softmax heads are not.

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> moves_per_query(
    ...     StepwiseMonotonicMHA(nhead=2, d_model=8, moves_per_query=3)
    ... )
    3
    """
    return min(
        (
            attention.moves_per_query
            for attention in _having("moves_per_query", model)
            if not getattr(attention, "has_softmax_heads", False)
        ),
        default=None,
    )


def _having(attribute: str, model: nn.Module) -> list[nn.Module]:
    """Find the modules that have an attribute, in the order of the layers."""
    return [each for each in model.modules() if hasattr(each, attribute)]
