"""Front ends: from a text to the tokens that a TTS model reads."""
