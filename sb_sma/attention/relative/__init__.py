"""Self-attention by relative positions, as in the Conformer."""
