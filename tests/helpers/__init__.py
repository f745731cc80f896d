"""Models, data, processes and NumPy references that tests of several files share."""
