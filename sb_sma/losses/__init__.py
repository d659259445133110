"""Training losses.

SpeechBrain's ``l1_loss``, ``bce_loss`` and ``nll_loss`` are the same numbers, but
take fractions for counts, and multiply by their mask, so that a NaN in the padding
is one in the loss.
"""

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
