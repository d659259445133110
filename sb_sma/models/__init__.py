"""Models built from the attention modules: text encoders, decoders, and the two
models made of them, for speech (``tts``) and pronunciations (``g2p``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
