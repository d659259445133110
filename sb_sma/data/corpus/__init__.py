"""Prepared corpora: named by what is in them, built once, never changed."""
