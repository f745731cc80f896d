"""Training of any model: loop, callbacks, checkpoints, optimizers, schedules."""

from ressl_tf.runtime import backend

backend.check()
