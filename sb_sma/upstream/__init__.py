"""Branches that SpeechBrain could merge, made of this repository's files."""
