"""Runs over a grid of flags, and what compares them."""
