"""The model of pronunciations, and its beam search."""
