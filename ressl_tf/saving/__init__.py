"""Formats in and out: SavedModel, `.keras`, PyTorch, and the model card."""

from ressl_tf.runtime import backend

backend.check()
