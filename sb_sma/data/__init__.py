"""What models read and say: speech, lexicons, texts and eSpeak NG's voices, each
in a wing of its own, over what they share.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
