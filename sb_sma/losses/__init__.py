"""Training losses."""

from sb_sma.losses.guided_attention import GuidedAttention, GuidedLayers
from sb_sma.losses.mel import masked_l1
from sb_sma.losses.stop import stop_loss
from sb_sma.losses.tokens import token_loss

__all__ = [
    "GuidedAttention",
    "GuidedLayers",
    "masked_l1",
    "stop_loss",
    "token_loss",
]
