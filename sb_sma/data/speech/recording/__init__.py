"""Recordings: read, cut, and judged."""
