"""From images on disk to batches of views."""
