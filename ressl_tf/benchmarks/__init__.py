"""Benchmarks of views, input pipeline, step, loss and queue."""
