"""Words and their pronunciations, and what a model reads of a word."""
