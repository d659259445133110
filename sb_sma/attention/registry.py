"""The encoder-decoder attention types that a YAML file chooses between."""

import functools
from typing import Any, Callable, Dict, Optional, Union

from torch import nn

from sb_sma.attention.forward_attention import ForwardMHA
from sb_sma.attention.softmax import RegularMHA
from sb_sma.attention.stepwise_monotonic import StepwiseMonotonicMHA

ATTENTION_TYPES: Dict[str, Callable[..., nn.Module]] = {
    "SMA": StepwiseMonotonicMHA,
    "regularMHA": RegularMHA,
    "forward": ForwardMHA,
}


def attention_factory(
    attention_type: Union[str, Callable[..., nn.Module]],
    options: Optional[Dict[str, Dict[str, Any]]] = None,
) -> Callable[..., nn.Module]:
    """Turn the YAML word into something that builds attention modules.

    Arguments
    ---------
    attention_type : str or Callable
        A name of `ATTENTION_TYPES`, or a factory of your own
        (``!name:your.module.Class``) that keeps the attention contract.
    options : dict, optional
        Keyword arguments by name of attention type; only those of the chosen
        name are used, and none for a factory of your own.

    Returns
    -------
    factory : Callable
        Called with the keywords ``d_model``, ``nhead`` and ``dropout``.

    Raises
    ------
    ValueError
        If the name is unknown.

    Example
    -------
    >>> factory = attention_factory("SMA", {"SMA": {"moves_per_query": 2}})
    >>> factory(d_model=8, nhead=2, dropout=0.1).moves_per_query
    2
    """
    if callable(attention_type):
        return attention_type
    if attention_type not in ATTENTION_TYPES:
        raise ValueError(
            f"attention_type must be one of {', '.join(ATTENTION_TYPES)}, or "
            "a factory (!name:your.module.Class); got "
            f"'{attention_type}'."
        )
    chosen = (options or {}).get(attention_type, {})
    return functools.partial(ATTENTION_TYPES[attention_type], **chosen)
