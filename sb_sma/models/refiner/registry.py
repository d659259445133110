"""The refiners that a YAML file chooses between."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from torch import nn

from sb_sma.models.refiner.flow import FlowRefiner

REFINERS: dict[str, Callable[..., nn.Module] | None] = {
    "none": None,
    "flow": FlowRefiner,
}


def make_refiner(
    refiner: Annotated[str | Callable[..., nn.Module], REFINERS],
    options: Mapping[str, Mapping[str, Any]],
    n_mels: int,
    d_model: int,
) -> nn.Module | None:
    """Turn the YAML word into the part of a model that makes mels sharp.

    Arguments
    ---------
    refiner : str or Callable
        A name of `REFINERS`, or a factory called with ``n_mels`` and
        ``d_text``.
    options : dict
        Keyword arguments by name of refiner; only those of the chosen name are
        used.
    n_mels : int
        Mel channels C.
    d_model : int
        Width D of the text's memory.

    Returns
    -------
    refiner : nn.Module or None
        None for a model that speaks what its postnet says.

    Raises
    ------
    ValueError
        If the name is unknown, or a size does not fit.

    Example
    -------
    >>> make_refiner("none", {}, n_mels=80, d_model=16) is None
    True
    >>> refiner = make_refiner("flow", {"flow": {"width": 8}}, 80, 16)
    >>> type(refiner).__name__
    'FlowRefiner'
    """
    if callable(refiner):
        return refiner(n_mels=n_mels, d_text=d_model)
    if refiner not in REFINERS:
        raise ValueError(
            f"refiner must be one of {', '.join(REFINERS)}, or a factory; got "
            f"'{refiner}'."
        )
    factory = REFINERS[refiner]
    if factory is None:
        return None
    return factory(n_mels=n_mels, d_text=d_model, **options.get(refiner, {}))
