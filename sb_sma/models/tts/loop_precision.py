"""Which precision texts are read and decoder steps are taken in.

An expected alignment and the frames that are made by it are a loop that nothing
pulls back: what is other by the last bit grows, in float32 to what can be
measured. A walk that stands on a key, and attention that weighs all keys anew
at every step, forget.
"""

import copy
from itertools import chain

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.walk_switches import is_walking

# devices without float64
_SINGLE = ("mps",)


def choose_loop(model: nn.Module, options: DecodingOptions) -> nn.Module:
    """Give what reads texts and takes steps.

    Arguments
    ---------
    model : nn.Module
        A `TransformerTTS`.
    options : DecodingOptions
        How its cross-attentions are decoded.

    Returns
    -------
    chosen : nn.Module
        In soft mode, where a head walks and the options ask for float64, a copy
        as it is now in float64, without postnet and refiner, with the same
        hooks; else the model. On a device without float64, always the model.

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> from sb_sma.models.convolution import MaskedConvStack
    >>> from sb_sma.models.encoder.transformer import TransformerTextEncoder
    >>> from sb_sma.models.tts.mel_decoder import MelDecoder
    >>> from sb_sma.models.tts.transformer_tts import TransformerTTS
    >>> model = TransformerTTS(
    ...     TransformerTextEncoder(10, 8, 2, 1, 16),
    ...     MelDecoder(8, 2, 1, 16, StepwiseMonotonicMHA),
    ...     MaskedConvStack([80, 80]),
    ... )
    >>> options = DecodingOptions(soft_precision="float64")
    >>> choose_loop(model, options).mel_mean.dtype
    torch.float64
    """
    if (
        options.mode != "soft"
        or options.soft_precision != "float64"
        or not is_walking(model.decoder)
        or model.mel_mean.dtype == torch.float64
        or model.mel_mean.device.type in _SINGLE
    ):
        return model
    return _copy_in_float64(model)


def _copy_in_float64(model: nn.Module) -> nn.Module:
    bare = copy.copy(model)
    bare._modules = {**model._modules, "postnet": None, "refiner": None}
    # what deepcopy takes instead of a copy, by what it is of
    taken: dict[int, object] = {}
    for each in chain(bare.parameters(), bare.buffers()):
        if each.is_floating_point():
            wide = each.detach().double()
            is_weight = isinstance(each, nn.Parameter)
            taken[id(each)] = nn.Parameter(wide, False) if is_weight else wide
    for module in bare.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            taken[id(hooks)] = hooks
    return copy.deepcopy(bare, taken)
