"""A training set in a few large files, for corpora that do not fit."""
