from .frontend_registry import make_frontend as make_frontend
from .g2p.frontend import G2PFrontend as G2PFrontend
from .g2p.interface import (
    G2P as G2P,
    Pronunciation as Pronunciation,
)
from .g2p.rescoring import (
    add_analogy as add_analogy,
    load_together as load_together,
)
from .token_seconds import TokenSeconds as TokenSeconds
from .tts import TTS as TTS
from .weights import SafetensorsPretrainer as SafetensorsPretrainer
