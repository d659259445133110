"""Attention that walks along the text, and its decoding."""
