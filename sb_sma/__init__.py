"""Stepwise monotonic attention for SpeechBrain: TTS and G2P that do not skip,
repeat or babble.

What users import is handed on from here, and loaded when it is first asked
for, so that ``import sb_sma`` itself loads neither PyTorch nor numba.
"""

import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from sb_sma.attention import (
        ATTENTION_TYPES,
        ConformerMultiHeadedSelfAttention,
        DecodingOptions,
        ForwardMHA,
        ReferenceOutput,
        RegularMHA,
        RelativeMultiHeadAttention,
        StepwiseMonotonicMHA,
        StepwiseMonotonicReferenceAttention,
        attention_factory,
        set_cross_attention,
    )
    from sb_sma.inference import G2P, TTS, Pronunciation
    from sb_sma.ops import stepwise_monotonic_expectation

__version__ = "0.1.0"

_HOMES = {
    "ATTENTION_TYPES": "sb_sma.attention",
    "ConformerMultiHeadedSelfAttention": "sb_sma.attention",
    "DecodingOptions": "sb_sma.attention",
    "ForwardMHA": "sb_sma.attention",
    "G2P": "sb_sma.inference",
    "Pronunciation": "sb_sma.inference",
    "ReferenceOutput": "sb_sma.attention",
    "RegularMHA": "sb_sma.attention",
    "RelativeMultiHeadAttention": "sb_sma.attention",
    "StepwiseMonotonicMHA": "sb_sma.attention",
    "StepwiseMonotonicReferenceAttention": "sb_sma.attention",
    "TTS": "sb_sma.inference",
    "attention_factory": "sb_sma.attention",
    "set_cross_attention": "sb_sma.attention",
    "stepwise_monotonic_expectation": "sb_sma.ops",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sb_sma' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *_HOMES})
