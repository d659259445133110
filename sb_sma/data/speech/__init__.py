"""Recordings, their mels, and the corpus folder that training reads."""
