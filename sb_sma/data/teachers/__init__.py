"""Who speaks the embedded corpus: eSpeak NG, or a voice that somebody brings."""
