"""Trained models at work."""

from sb_sma.inference.g2p import G2P, Pronunciation
from sb_sma.inference.tts import TTS

__all__ = ["G2P", "Pronunciation", "TTS"]
