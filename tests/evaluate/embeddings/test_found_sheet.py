"""The picture of what a search found."""

import numpy as np

from ressl_tf.evaluate.embeddings.embedded import Embedded, decoding_of
from ressl_tf.evaluate.embeddings.found_sheet import FoundRow, sheet


def test_images_are_shown_in_the_channels_that_are_asked_for(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 4), np.uint8)
    np.save(tmp_path / "a.npy", image)
    index = Embedded(*[np.zeros(1)] * 3, about={"channels": 4, "rgb": "4,2,1"})
    row = FoundRow("a", [str(tmp_path / "a.npy")], [""])
    (axis,) = sheet([row], "", decoding_of(index), index.about["rgb"]).axes
    drawn = np.asarray(axis.get_images()[0].get_array()) * 255
    np.testing.assert_allclose(drawn, image[..., [3, 1, 0]], atol=1e-9)
