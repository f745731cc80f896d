"""Any run, whatever it learns: step, loop, checkpoint, workdir."""
