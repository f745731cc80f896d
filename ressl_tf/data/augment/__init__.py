"""Random views of images: layers, compiled loops and the two halves of a view."""
