"""Let Keras's `summary()` show the shape of what a built layer returns."""

from typing import Any


class ShownShape:
    """A mixin before `keras.layers.Layer`: `summary()` shows its `output_shape`.

    Keras asks only layers whose `build` was called with a shape, and writes that shape
    into saved models; here nothing is written. Call `show_shape` in `__init__`.
    """

    def show_shape(self) -> None:
        """Tell Keras that there is a shape to show."""
        self._build_shapes_dict = {"input_shape": None}

    def get_build_config(self) -> dict[str, Any] | None:
        """Return nothing: the constructor builds the layer."""
        return None
