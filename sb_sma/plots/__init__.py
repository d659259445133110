"""What a person looks at: figures of alignments, mels and curves, and the page
that a training run leaves behind.
"""
