"""Which precision texts are read and decoder steps are taken in.

An expected alignment and the frames that are made by it are a loop that nothing
pulls back: what is other by the last bit grows, in float32 to what can be
measured. A walk that stands on a key, and attention that does not walk, forget.
"""

import copy

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.walk_switches import can_walk

# devices without float64
_SINGLE = ("mps",)


class LoopModels:
    """Gives a model, or its copy in float64, and keeps the copy.

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
    >>> loops = LoopModels()
    >>> loops.choose(model, DecodingOptions("soft")).mel_mean.dtype
    torch.float64
    >>> loops.choose(model, DecodingOptions("hard")) is model
    True
    """

    def __init__(self):
        self._kept: tuple[list[tuple[int, int]], nn.Module] | None = None

    def __getstate__(self):
        # whoever gets it makes the copy again
        return {"_kept": None}

    def choose(self, model: nn.Module, options: DecodingOptions) -> nn.Module:
        """Give what reads texts and takes steps.

        Arguments
        ---------
        model : nn.Module
            A `TransformerTTS`. Where its weights have changed since the last
            call, it is copied again.
        options : DecodingOptions
            How its cross-attentions are decoded.

        Returns
        -------
        chosen : nn.Module
            In soft mode, and where there is a walk, a copy in float64 without
            postnet and refiner; else the model. On a device without float64,
            always the model.
        """
        if (
            options.mode != "soft"
            or not can_walk(model.decoder)
            or model.mel_mean.device.type in _SINGLE
        ):
            return model
        state = _state_of(model)
        kept = self._kept
        if kept is None or kept[0] != state:
            # of threads that make it at once, the copy of any will do
            kept = self._kept = state, _copy_in_float64(model)
        return kept[1]


def _state_of(model: nn.Module) -> list[tuple[int, int]]:
    """Tell weights from others, and from what they were."""
    tensors = (*model.parameters(), *model.buffers())
    return [
        (each.data_ptr(), 0 if each.is_inference() else each._version)
        for each in tensors
    ]


@torch.no_grad()
def _copy_in_float64(model: nn.Module) -> nn.Module:
    bare = copy.copy(model)
    bare._modules = {**model._modules, "postnet": None, "refiner": None}
    return copy.deepcopy(bare).double()
