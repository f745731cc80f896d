"""Crops that are larger than most images are refused."""

import pytest
from helpers.numbered import in_memory, streamed

from ressl_tf.data.image_sides import check_image_size
from ressl_tf.runtime.errors import UsageError


def test_crops_that_most_images_are_too_small_for(folder):
    check_image_size(in_memory(3, size=8), 8)
    with pytest.raises(UsageError, match=r"side has 8 pixels.*image_size=9"):
        check_image_size(in_memory(3, size=8), 9)
    source = streamed(folder)  # shorter sides: a third 4, the others 5
    check_image_size(source, 5)
    with pytest.raises(UsageError, match=r"side has 5 pixels.*image_size=6"):
        check_image_size(source, 6)
