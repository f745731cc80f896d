"""Features of whole sets: written to files, read back, searched."""
