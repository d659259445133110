"""Training losses."""

from sb_sma.losses.guided_attention import GuidedAttention
from sb_sma.losses.mel import masked_l1
from sb_sma.losses.stop import stop_loss

__all__ = ["GuidedAttention", "masked_l1", "stop_loss"]
