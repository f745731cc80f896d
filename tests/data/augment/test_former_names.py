"""Arguments of views have the names of the flags; earlier ones go on working."""

import inspect
import logging

import pytest

import ressl_tf
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.view_flags import ViewFlags
from ressl_tf.data.augment.former_names import FORMER
from ressl_tf.runtime import flags

VALUES = {"jitter_p": 0.7, "grayscale_p": 0.1, "blur_p": 0.4, "flip_p": 0.3}
TODAY = {FORMER[name]: value for name, value in VALUES.items()}
OF_IMAGES = [row.class_name for row in METHODS.values() if row.learns_from == "images"]


def test_the_names_are_those_of_the_flags():
    shown = set(inspect.signature(ressl_tf.strong_view).parameters)
    assert set(FORMER.values()) <= shown & set(ViewFlags.__dataclass_fields__)
    assert not shown & set(FORMER)


def numbers(view):
    """Return what is set in a view, by layer, without the names of layers."""
    layers = [*view.geometric, *view.photometric]
    return [{**layer.get_config(), "name": ""} for layer in layers]


def test_earlier_names_make_the_same_view_and_are_said_once(caplog):
    flags._say_once.cache_clear()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        former = [ressl_tf.strong_view(32, **VALUES) for _ in range(2)]
    assert numbers(former[0]) == numbers(ressl_tf.strong_view(32, **TODAY))
    assert former[0].geometric[0].flip_p == 0.3
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 4
    assert "the argument jitter_p is called color_jitter_prob now" in said
    weak = ressl_tf.weak_view(32, flip_p=0.3)
    assert numbers(weak) == numbers(ressl_tf.weak_view(32, flip_prob=0.3))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_the_views_of_every_method_take_both(name):
    """In all of a method's views, weak ones too."""
    cls = getattr(ressl_tf, name)
    former, today = cls.make_views(32, **VALUES), cls.make_views(32, **TODAY)
    assert former.names == today.names
    for view in former.names:
        assert numbers(former.views[view]) == numbers(today.views[view])
    crops = [v.geometric[0] for v in today.views.values() if v.geometric]
    assert {crop.flip_p for crop in crops} == {0.3}


def test_a_method_of_ones_own_keeps_a_name_that_it_has_itself():
    class Mine(ressl_tf.ReSSL):
        @classmethod
        def make_views(cls, image_size, flip_p=0.5, **colour):
            view = ressl_tf.strong_view(image_size, flip_prob=flip_p, **colour)
            return ressl_tf.Views({"strong": view, "weak": view})

    crop = Mine.make_views(16, flip_p=0.1, blur_p=0.0).views["weak"].geometric[0]
    assert crop.flip_p == 0.1
