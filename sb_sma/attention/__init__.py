"""Attention modules that keep SpeechBrain's calling contract.

``forward(query (B, Q, D), key (B, K, D), value (B, K, D), attn_mask=None,
key_padding_mask=None, return_attn_weights=True, pos_embs=None) -> (out
(B, Q, D), attn (B, H, Q, K))``, called by keyword.
``StepwiseMonotonicReferenceAttention`` has a call of its own: it fuses a
reference's audio to the length of a text, and drives no decoder.
"""

from sb_sma.torch_pair import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
