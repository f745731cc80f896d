import collections

import numpy as np
import tensorflow_datasets as tfds

from ressl_tf.data import shapes

FIRST_MEANS = [128.15, 82.89, 121.26, 138.91, 106.17]


def test_an_example_is_a_function_of_its_number():
    images = np.stack([shapes.draw_example(i)[0] for i in range(4)])
    again = np.stack([shapes.draw_example(i)[0] for i in (3, 2, 1, 0)])[::-1]
    assert images.dtype == np.uint8
    assert images.shape == (4, 32, 32, 3)
    np.testing.assert_array_equal(images, again)
    assert len(np.unique(images.reshape(4, -1), axis=0)) == 4


def test_first_images_stay_what_they_are():
    # Means, not a hash: sin() differs in its last bit between processors.
    means = [shapes.draw_example(i)[0].mean() for i in range(5)]
    np.testing.assert_allclose(means, FIRST_MEANS, atol=0.3)


def test_classes_are_balanced_and_neither_shape_nor_texture_decides():
    labels = [shapes.draw_example(i)[1] for i in range(40)]
    assert set(collections.Counter(labels).values()) == {4}
    assert len(set(shapes.CLASS_NAMES)) == 10
    by_shape, by_texture = zip(*shapes.CLASSES, strict=True)
    assert set(collections.Counter(by_shape).values()) == {2}
    assert set(collections.Counter(by_texture).values()) == {2}


def test_colour_does_not_give_the_class_away():
    """Mean colours of the classes agree within four standard errors."""
    examples = [shapes.draw_example(i) for i in range(600)]
    colours = np.stack([image.mean((0, 1)) for image, _ in examples])
    labels = np.array([label for _, label in examples])
    spread = colours.std(0) / np.sqrt(60)
    for label in range(10):
        off = abs(colours[labels == label].mean(0) - colours.mean(0))
        assert (off < 4 * spread).all()


def test_object_stands_out_in_grey():
    """The middle of a solid disc differs from the border by 50 levels before light."""
    for index in range(0, 50, 10):  # class 0: solid discs
        grey = shapes.draw_example(index)[0] @ shapes.GREY_WEIGHTS
        assert abs(grey[14:18, 14:18].mean() - grey[:2].mean()) > 20


def test_pixels_are_a_poor_description():
    """1-NN on raw pixels of 1,000 images: below 40 % (chance is 10 %)."""
    examples = [shapes.draw_example(i) for i in range(1000)]
    pixels = np.stack([e[0] for e in examples]).reshape(1000, -1) / 127.5 - 1
    labels = np.array([e[1] for e in examples])
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True)
    nearest = (pixels[800:] @ pixels[:800].T).argmax(1)
    assert (labels[nearest] == labels[800:]).mean() < 0.4


def test_builder_writes_what_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "TRAIN_SIZE", 20)
    monkeypatch.setattr(shapes, "TEST_SIZE", 10)
    builder = shapes.ResslShapes(data_dir=tmp_path)
    builder.download_and_prepare()
    written = list(tfds.as_numpy(builder.as_dataset(split="train+test")))
    drawn = {shapes.draw_example(i)[0].tobytes(): i % 10 for i in range(30)}
    assert {e["image"].tobytes(): e["label"] for e in written} == drawn


def test_the_mask_is_where_the_shape_is():
    """Its size is that of the shape, and textures other than solid change within it."""
    for index in range(10):
        image, label, mask = shapes.draw_with_mask(index)
        assert np.array_equal(image, shapes.draw_example(index)[0])
        assert label == index % 10
        assert mask.dtype == bool
        assert 0.1 < mask.mean() < 0.7
    # Number 0 is a solid disc: one grey inside, another outside, a sharp edge.
    image, _, mask = shapes.draw_with_mask(0)
    grey = image @ shapes.GREY_WEIGHTS
    assert abs(grey[mask].mean() - grey[~mask].mean()) > 30
    y, x = np.nonzero(mask)
    radius = np.hypot(y - y.mean(), x - x.mean()).max()
    assert abs(mask.sum() / (np.pi * radius**2) - 1) < 0.1
