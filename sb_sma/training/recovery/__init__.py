"""A run that goes on where it was, and refuses what it did not begin with."""
