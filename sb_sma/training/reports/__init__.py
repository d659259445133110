"""The pages and figures that runs end with."""
