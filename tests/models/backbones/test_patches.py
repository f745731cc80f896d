"""Tokens of patches, and their positions for images of other sizes."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models.backbones.patches import PatchEmbedding, PatchMap, interpolation


def cubic(t, a=-0.75):
    """Keys's kernel, as PyTorch's documentation of bicubic has it."""
    t = abs(t)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def resized(values, new):
    """Interpolate a line place by place."""
    old, made = len(values), []
    for index in range(new):
        place = (index + 0.5) * old / new - 0.5
        left = int(np.floor(place))
        made.append(
            sum(
                cubic(place - tap) * values[min(max(tap, 0), old - 1)]
                for tap in range(left - 1, left + 3)
            )
        )
    return np.array(made)


@pytest.mark.parametrize(("old", "new"), [(5, 8), (8, 5), (3, 7), (14, 6), (2, 2)])
def test_weights_are_those_of_bicubic_interpolation(old, new):
    values = np.random.default_rng(0).normal(size=old)
    made = interpolation(old, new).numpy() @ values
    np.testing.assert_allclose(made, resized(values, new), rtol=1e-4, atol=1e-5)


def test_pytorch_interpolates_alike():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=(7, 7, 3)).astype("float32")
    layer = embedding(side=7, dim=3)
    layer.bias.assign(values)
    given = torch.tensor(values).permute(2, 0, 1)[None]
    for rows, columns in ((4, 9), (14, 14)):
        resize = torch.nn.functional.interpolate
        wanted = resize(given, size=(rows, columns), mode="bicubic")[0]
        made = layer.positions(rows, columns)
        np.testing.assert_allclose(made, wanted.permute(1, 2, 0), rtol=0, atol=1e-5)


def test_the_size_of_the_positions_has_them_to_the_bit():
    np.testing.assert_array_equal(interpolation(6, 6), np.eye(6))
    layer = embedding(side=3, dim=4)
    for side in (3, tf.constant(3)):  # known when the graph is built, and not
        np.testing.assert_array_equal(layer.positions(side, side), layer.bias)


def embedding(side, dim, patch=2, **options):
    layer = PatchEmbedding(patch, side, dim, **options)
    layer.build((None, None, None, 3))
    return layer


def test_positions_follow_height_and_width():
    layer = embedding(side=4, dim=2)
    rows, columns = np.indices((4, 4)).astype("float32")
    layer.bias.assign(np.stack([rows, columns], axis=-1))
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    tokens = layer(np.zeros((1, 16, 4, 3), "float32"))
    made = np.reshape(tokens, (8, 2, 2))
    np.testing.assert_allclose(made[:, 0, 0], resized(range(4), 8), atol=1e-6)
    np.testing.assert_allclose(made[0, :, 1], resized(range(4), 2), atol=1e-6)
    np.testing.assert_array_equal(np.ptp(made[..., 0], axis=1), np.zeros(8))


@pytest.mark.parametrize("class_token", [False, True])
def test_a_map_has_the_patches_where_they_are(class_token):
    layer = embedding(side=3, dim=3, class_token=class_token)
    layer.bias.assign(np.zeros(layer.bias.shape))
    layer.kernel.assign(np.broadcast_to(np.eye(3), (2, 2, 3, 3)))
    images = np.random.default_rng(0).normal(size=(2, 7, 9, 3)).astype("float32")

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def mapped(images):
        tokens = layer(images)
        return tokens, PatchMap(2, int(class_token))(tokens, images)

    tokens, made = mapped(images)
    whole = images[:, :6, :8].reshape(2, 3, 2, 4, 2, 3).sum((2, 4))
    np.testing.assert_allclose(made, whole, rtol=1e-5, atol=1e-5)
    if class_token:
        for token in tokens[:, 0]:
            np.testing.assert_array_equal(token, layer.class_token[0])


def test_gradients_reach_the_positions_through_their_interpolation():
    layer = embedding(side=3, dim=1, class_token=True)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(np.zeros((2, 10, 10, 3), "float32")))
    slopes = tape.gradient(total, layer.trainable_variables)
    line = interpolation(3, 5).numpy().sum(0)
    np.testing.assert_allclose(slopes[1][:, :, 0], 2 * np.outer(line, line), rtol=1e-5)
    np.testing.assert_allclose(slopes[2], [[2.0]])
