"""How speech sounds: style tokens, from a reference or by hand; speakers."""

from sb_sma.style.conditioning import StyleConditioning
from sb_sma.style.global_style_tokens import GlobalStyleTokens
from sb_sma.style.reference_encoder import ReferenceEncoder
from sb_sma.style.registry import make_style
from sb_sma.style.speakers import SpeakerConditioning, make_speakers
from sb_sma.style.tokens import StyleTokenLayer

__all__ = [
    "GlobalStyleTokens",
    "ReferenceEncoder",
    "SpeakerConditioning",
    "StyleConditioning",
    "StyleTokenLayer",
    "make_speakers",
    "make_style",
]
