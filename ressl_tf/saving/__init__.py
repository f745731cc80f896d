"""Formats in and out: SavedModel, `.keras`, PyTorch, and the model card."""
