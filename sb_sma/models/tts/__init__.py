"""The model of speech, and what runs it."""
