"""The encoder-decoder attention types that a YAML file chooses between, in our
decoders and in SpeechBrain's own.
"""

import functools
from collections.abc import Callable
from typing import Annotated, Any

from speechbrain.lobes.models.transformer.Transformer import TransformerDecoder
from torch import nn

from sb_sma.attention.monotonic.forward import ForwardMHA
from sb_sma.attention.monotonic.stepwise import StepwiseMonotonicMHA
from sb_sma.attention.softmax import RegularMHA

ATTENTION_TYPES: dict[str, Callable[..., nn.Module]] = {
    "SMA": StepwiseMonotonicMHA,
    "regularMHA": RegularMHA,
    "forward": ForwardMHA,
}


def attention_factory(
    attention_type: Annotated[str | Callable[..., nn.Module], ATTENTION_TYPES],
    options: dict[str, dict[str, Any]] | None = None,
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


def set_cross_attention(
    decoder: TransformerDecoder,
    attention_type: str | Callable[..., nn.Module],
    **options: Any,
) -> TransformerDecoder:
    """Give every layer of a SpeechBrain decoder another cross-attention.

    Call it after construction and before the parameters go to an optimizer,
    a checkpointer or a device. SpeechBrain itself is not patched: the layers
    call whatever stands in ``multihead_attn``.

    Arguments
    ---------
    decoder : speechbrain.lobes.models.transformer.Transformer.TransformerDecoder
        The decoder, changed in place.
    attention_type : str or Callable
        A name of the attention table, or a factory of your own.
    **options : Any
        Keyword arguments of that attention type.

    Returns
    -------
    decoder : TransformerDecoder
        The same decoder, for use in YAML.

    Example
    -------
    >>> import torch
    >>> decoder = TransformerDecoder(num_layers=2, nhead=2, d_ffn=16, d_model=8)
    >>> decoder = set_cross_attention(decoder, "SMA", moves_per_query=2)
    >>> memory, target = torch.rand(3, 7, 8), torch.rand(3, 5, 8)
    >>> out, _, alignments = decoder(target, memory)
    >>> alignments[0].shape
    torch.Size([3, 2, 5, 7])
    """
    factory = functools.partial(attention_factory(attention_type), **options)
    for layer in decoder.layers:
        d_model = layer.norm2.norm.normalized_shape[0]
        layer.multihead_attn = factory(
            d_model=d_model, nhead=layer.nhead, dropout=layer.dropout2.p
        )
    return decoder
