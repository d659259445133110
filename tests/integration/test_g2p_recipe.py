"""The G2P recipes, run as a user would, on small real lexicons."""
