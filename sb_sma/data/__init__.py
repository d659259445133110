"""Texts, lexicons, phonemes, speech, mel spectrograms and corpus folders."""
