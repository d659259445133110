"""Times of words and phonemes in recordings, by an aligner trained on them."""
