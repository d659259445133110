"""What models read and say: speech, lexicons, texts and eSpeak NG's voices, each
in a wing of its own, over what they share.
"""

from sb_sma.torch_pair import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
