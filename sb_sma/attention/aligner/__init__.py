"""Text queries that fuse the audio which each token owns."""
