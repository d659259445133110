"""Models built from the attention modules: text encoders, decoders, and the two
models made of them, for speech (``tts``) and pronunciations (``g2p``).
"""

from sb_sma.torch_pair import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
