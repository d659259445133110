from .convolution import MaskedConvStack as MaskedConvStack
from .encoder.registry import make_text_encoder as make_text_encoder
from .g2p.hypothesis import BeamSettings as BeamSettings
from .g2p.token_decoder import TokenDecoder as TokenDecoder
from .g2p.transformer_g2p import TransformerG2P as TransformerG2P
from .tts.mel_decoder import MelDecoder as MelDecoder
from .tts.stop_rule import StopRule as StopRule
from .tts.transformer_tts import TransformerTTS as TransformerTTS
