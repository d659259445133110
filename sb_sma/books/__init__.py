"""Books: what is read of a file, and the files that are made of its speech."""
