"""Stepwise monotonic attention for SpeechBrain: TTS and G2P that do not skip,
repeat or babble.

What users import is handed on from here, as ``__init__.pyi`` lists it, and
loaded when it is first asked for: ``import sb_sma`` itself loads neither
PyTorch nor numba.
"""

from sb_sma.torch_pair import attach_stub

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
