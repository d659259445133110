"""Stepwise monotonic attention for SpeechBrain: TTS and G2P that do not skip,
repeat or babble.
"""

__version__ = "0.1.0"
