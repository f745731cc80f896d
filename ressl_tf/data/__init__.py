"""From images on disk to batches of views."""

from ressl_tf.runtime import backend

backend.check()
