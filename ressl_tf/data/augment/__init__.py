"""Random views of images, drawn statelessly."""
