<<<<<<< HEAD
"""How fast the parts are, as ratios within one run."""
=======
"""Benchmarks of views, input pipeline, step, loss and queue."""
>>>>>>> high
