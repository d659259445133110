"""Our attention inside SpeechBrain's own Transformer decoder."""

import functools
from typing import Any, Callable, Union

from speechbrain.lobes.models.transformer.Transformer import TransformerDecoder
from torch import nn

from sb_sma.attention.registry import attention_factory


def set_cross_attention(
    decoder: TransformerDecoder,
    attention_type: Union[str, Callable[..., nn.Module]],
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
