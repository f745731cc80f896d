import numpy as np
import tensorflow as tf

from ressl_tf.evaluate.report.thumbnails import Sheet, side_for


def test_thumbnails_lie_in_their_cells():
    colours = np.random.default_rng(0).integers(0, 256, (7, 1, 1, 3))
    images = np.broadcast_to(colours, (7, 32, 32, 3)).astype(np.uint8)
    sheet = Sheet(7, 16)
    sheet.add(images[:4])
    sheet.add(images[4:])
    sheet.add(images)  # what comes again is dropped
    drawn = tf.io.decode_jpeg(sheet.jpeg()).numpy()
    assert drawn.shape == (3 * 16, 3 * 16, 3)
    for index, colour in enumerate(colours[:, 0, 0]):
        y, x = divmod(index, sheet.columns)
        centre = drawn[16 * y + 8, 16 * x + 8].astype(int)
        assert np.abs(centre - colour).max() < 12


def test_sides():
    assert side_for(2000, 224) == 40
    assert side_for(20_000, 224) == 24
    assert side_for(10, 32) == 32
    assert Sheet(1, 8).columns == 1
