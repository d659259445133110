"""Decoder layers with swappable encoder-decoder attention."""
