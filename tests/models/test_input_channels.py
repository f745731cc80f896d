"""First layers for other channels: images alike in all channels give the same."""

import numpy as np
import pytest

from ressl_tf.models import backbones, input_channels


@pytest.mark.parametrize("name", ["resnet18", "vit_small"])
@pytest.mark.parametrize("channels", [1, 5])
def test_grey_images_give_the_features_that_they_gave_before(name, channels):
    options = {"image_size": 16, "stem": "small", "width": 1 / 16}
    trained = backbones.build(name, **options)
    other = backbones.build(name, **options, channels=channels)
    input_channels.copy(trained, other)
    grey = np.random.default_rng(0).normal(size=[2, 16, 16, 1]).astype("float32")
    before = trained(np.repeat(grey, 3, -1)).numpy()
    np.testing.assert_allclose(
        other(np.repeat(grey, channels, -1)).numpy(), before, rtol=1e-4, atol=1e-5
    )


def test_a_kernel_is_the_mean_over_its_channels():
    kernel = np.arange(12.0).reshape(1, 1, 3, 4)
    wanted = np.full([2, 1], 1.5) * kernel[0, 0].mean(0)
    np.testing.assert_allclose(input_channels.adapted(kernel, 2)[0, 0], wanted)


def test_what_differs_in_more_than_channels_does_not_fit():
    assert input_channels.fits((3, 3, 3, 8), (3, 3, 1, 8))
    assert not input_channels.fits((3, 3, 3, 8), (3, 3, 1, 16))
    assert not input_channels.fits((7, 7, 3, 8), (3, 3, 3, 8))
    assert not input_channels.fits((8,), (4,))
