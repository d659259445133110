"""Attention modules that keep SpeechBrain's calling contract.

``forward(query (B, Q, D), key (B, K, D), value (B, K, D), attn_mask=None,
key_padding_mask=None, return_attn_weights=True, pos_embs=None) -> (out
(B, Q, D), attn (B, H, Q, K))``, called by keyword.
``StepwiseMonotonicReferenceAttention`` has a call of its own: it fuses a
reference's audio to the length of a text, and drives no decoder.
"""

from sb_sma.attention.conformer import ConformerMultiHeadedSelfAttention
from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.forward_attention import ForwardMHA
from sb_sma.attention.reference import (
    ReferenceOutput,
    StepwiseMonotonicReferenceAttention,
)
from sb_sma.attention.registry import ATTENTION_TYPES, attention_factory
from sb_sma.attention.relative import RelativeMultiHeadAttention
from sb_sma.attention.softmax import RegularMHA
from sb_sma.attention.speechbrain import set_cross_attention
from sb_sma.attention.stepwise_monotonic import StepwiseMonotonicMHA

__all__ = [
    "ATTENTION_TYPES",
    "ConformerMultiHeadedSelfAttention",
    "DecodingOptions",
    "ForwardMHA",
    "ReferenceOutput",
    "RegularMHA",
    "RelativeMultiHeadAttention",
    "StepwiseMonotonicMHA",
    "StepwiseMonotonicReferenceAttention",
    "attention_factory",
    "set_cross_attention",
]
