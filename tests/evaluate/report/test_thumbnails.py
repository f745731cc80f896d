import numpy as np
import tensorflow as tf

from ressl_tf.evaluate.report import thumbnails
from ressl_tf.evaluate.report.thumbnails import Sheet


def test_thumbnails_lie_in_their_cells():
    colours = np.random.default_rng(0).integers(0, 256, (7, 1, 1, 3))
    images = np.broadcast_to(colours, (7, 32, 32, 3)).astype(np.uint8)
    sheet = Sheet(7, 16)
    sheet.add(images[:4])
    sheet.add(images[4:])
    sheet.add(images)  # what comes again is dropped
    (picture,) = sheet.jpegs()
    drawn = tf.io.decode_jpeg(picture).numpy()
    assert drawn.shape == (3 * 16, 3 * 16, 3)
    for index, colour in enumerate(colours[:, 0, 0]):
        y, x = divmod(index, sheet.columns)
        centre = drawn[16 * y + 8, 16 * x + 8].astype(int)
        assert np.abs(centre - colour).max() < 12


def test_many_thumbnails_are_several_pictures(monkeypatch):
    monkeypatch.setattr(thumbnails, "PER_FILE", 4)
    shades = np.arange(0, 250, 25, dtype=np.uint8)
    sheet = Sheet(10, 8)
    sheet.add(np.broadcast_to(shades[:, None, None, None], (10, 8, 8, 3)))
    drawn = [tf.io.decode_jpeg(picture).numpy() for picture in sheet.jpegs()]
    assert [picture.shape for picture in drawn] == [(16, 16, 3)] * 2 + [(8, 16, 3)]
    for index, shade in enumerate(shades):
        y, x = divmod(index % 4, sheet.columns)
        centre = int(drawn[index // 4][8 * y + 4, 8 * x + 4, 0])
        assert abs(centre - int(shade)) < 6


def test_one_thumbnail_is_a_sheet():
    assert Sheet(1, 8).columns == 1


def test_the_channels_shown_can_be_chosen():
    colours = np.array([[[[200, 30, 120, 60]]]], np.uint8)
    sheet = Sheet(1, 8, "4,3,1")
    sheet.add(np.broadcast_to(colours, (1, 16, 16, 4)))
    assert sheet.pixels[0, 4, 4].tolist() == [60, 120, 200]
