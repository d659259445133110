"""Trained models at work."""

from sb_sma.inference.tts import TTS

__all__ = ["TTS"]
