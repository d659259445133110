"""Texts, phonemes, speech, mel spectrograms and corpus folders."""
