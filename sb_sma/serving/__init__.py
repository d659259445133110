"""Trained models behind HTTP, as OpenAI's clients ask for speech."""
