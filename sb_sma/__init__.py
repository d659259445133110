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

__all__ = [
    "ATTENTION_TYPES",
    "ConformerMultiHeadedSelfAttention",
    "DecodingOptions",
    "ForwardMHA",
    "G2P",
    "Pronunciation",
    "ReferenceOutput",
    "RegularMHA",
    "RelativeMultiHeadAttention",
    "StepwiseMonotonicMHA",
    "StepwiseMonotonicReferenceAttention",
    "TTS",
    "attention_factory",
    "set_cross_attention",
    "stepwise_monotonic_expectation",
]

_HOMES = {
    "G2P": "sb_sma.inference",
    "Pronunciation": "sb_sma.inference",
    "TTS": "sb_sma.inference",
    "stepwise_monotonic_expectation": "sb_sma.ops",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sb_sma' has no attribute '{name}'")
    home = importlib.import_module(_HOMES.get(name, "sb_sma.attention"))
    globals()[name] = value = getattr(home, name)
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
