"""Training of any model: loop, callbacks, checkpoints, optimizers, schedules."""
