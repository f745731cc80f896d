"""Channels as pictures show them."""

import subprocess
import sys

import numpy as np
from helpers.numpy_views import photos

from ressl_tf.data.shown_channels import shown

RGB = photos(3, height=9, width=11)
GREY = RGB[..., :1]


def test_images_are_shown_in_colours_or_grey():
    np.testing.assert_array_equal(shown(GREY), GREY.repeat(3, -1))
    np.testing.assert_array_equal(shown(RGB), RGB)
    np.testing.assert_array_equal(shown(RGB[..., [0, 1, 2, 2, 1]]), RGB)
    np.testing.assert_array_equal(shown(RGB[..., :2]), RGB[..., [0, 0, 0]])


def test_chosen_channels_are_red_green_and_blue():
    five = RGB[..., [1, 2, 0, 2, 1]]
    np.testing.assert_array_equal(shown(five, "3,5,4"), RGB)
    np.testing.assert_array_equal(shown(five, "3"), RGB[..., [0, 0, 0]])


def test_pictures_load_no_tensorflow():
    code = "import sys, ressl_tf.evaluate.plots; print('tensorflow' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert made.stdout == "False\n"
