"""A file for each format that a Python library reads: bytes to an array."""
