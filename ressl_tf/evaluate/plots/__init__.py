"""Figures of views, neighbours, logs and features."""

from ressl_tf.evaluate.plots.curves import curves
from ressl_tf.evaluate.plots.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SMALL,
    check_folder,
    save,
    shorten,
)
from ressl_tf.evaluate.plots.sheets import image_rows, neighbours

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "RED",
    "SMALL",
    "check_folder",
    "curves",
    "image_rows",
    "neighbours",
    "save",
    "shorten",
]
