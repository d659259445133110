from .hifigan import HiFiGAN as HiFiGAN
from .registry import make_vocoder as make_vocoder
from .streaming import WaveformStream as WaveformStream
