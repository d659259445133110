"""English as it is written, put into words where eSpeak NG gets it wrong."""
