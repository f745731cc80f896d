"""The pretraining run on images."""
