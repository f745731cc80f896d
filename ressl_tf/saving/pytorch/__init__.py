"""Conversion from and to checkpoints of PyTorch."""
