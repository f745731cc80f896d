"""Sweeps: a grid of runs, and their rows, table and figure."""
