"""eSpeak NG, and the texts of the corpus that it speaks."""
