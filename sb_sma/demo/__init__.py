"""The page on which models are tried out, side by side."""
