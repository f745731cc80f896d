"""ReSSL of several crops against plain NumPy, and its crops."""

import keras
import pytest
from helpers.method_steps import (
    MEAN,
    SIDE,
    STD,
    after_a_step,
    assert_same_step,
    assert_step_equals_numpy,
    random_views,
    tiny,
)

import ressl_tf
from ressl_tf.runtime.errors import UsageError


def test_a_whole_step_equals_numpy():
    assert_step_equals_numpy(ressl_tf.ReSSLMultiCrop, {}, {})


def test_multicrop_with_one_full_crop_is_ressl():
    views = random_views(tiny(ressl_tf.ReSSL))
    crops = ressl_tf.ReSSLMultiCrop.make_views(SIDE, (SIDE,), (0.2, 1.0))
    assert crops.names == ("strong0", "weak")
    single = tiny(ressl_tf.ReSSL)
    layers = single.online.backbone
    crop = ressl_tf.ReSSLMultiCrop(
        keras.models.clone_model(layers),
        **{name: getattr(single, name) for name in ressl_tf.ReSSL.options},
        mean=MEAN.tolist(),
        std=STD.tolist(),
        views=crops,
    )
    for source, copy in zip(single.variables, crop.variables, strict=True):
        copy.assign(source)
    crop.compile(ressl_tf.SGD(1.0, 0.0, 0.0), run_eagerly=True)
    first = after_a_step(single, views)
    second = after_a_step(crop, {"strong0": views["strong"], "weak": views["weak"]})
    assert_same_step(first, second)


def test_multicrop_sizes_and_scales_are_the_papers():
    published = [
        (0.2, 1),
        (0.172, 0.86),
        (0.143, 0.715),
        (0.114, 0.571),
        (0.086, 0.429),
    ]
    views = ressl_tf.ReSSLMultiCrop.make_views(224)
    assert list(views.sizes.values()) == [224, 192, 160, 128, 96, 224]
    crops = [view.geometric[0] for view in views.views.values()]
    for crop, pair in zip(crops, [*published, (0.2, 1)], strict=True):
        assert crop.scale == pytest.approx(pair, abs=0.004)
    small = ressl_tf.ReSSLMultiCrop.make_views(32)
    assert list(small.sizes.values()) == [32, 27, 23, 18, 14, 32]
    own = ressl_tf.ReSSLMultiCrop.make_views(32, (32.0, 16.0), (0.2, 1, 0.05, 0.3))
    assert own.views["strong1"].geometric[0].scale == (0.05, 0.3)


@pytest.mark.parametrize(
    ("sizes", "scales", "message"),
    [
        ((16,), (0.2, 1, 0.1), "3 numbers for 1 crops"),
        ((32,), (), r"at most image_size=16"),
        ((8.5,), (), "whole number"),
    ],
)
def test_crops_that_cannot_be_are_refused(sizes, scales, message):
    with pytest.raises(UsageError, match=message):
        ressl_tf.ReSSLMultiCrop.make_views(16, sizes, scales)
