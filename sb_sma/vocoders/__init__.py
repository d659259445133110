"""What turns a mel into sound: Griffin-Lim, HiFi-GAN, or one of your own."""

from sb_sma.torch_pair import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
