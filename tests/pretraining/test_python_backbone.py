"""A model or a function in Python, as a name that a config can keep."""

import keras
import numpy as np
import pytest
from helpers.models import tiny_backbone

from ressl_tf.pretraining.python_backbone import as_name
from ressl_tf.runtime.errors import UsageError


class Own(keras.layers.Layer):
    """A layer that Keras does not know from a file."""

    def __init__(self, by, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, x):
        return x


def test_texts_stay_and_functions_are_found_by_their_file(tmp_path):
    assert as_name("resnet50", "") == "resnet50"
    name = as_name(tiny_backbone, "")  # of helpers.models, a module in a package
    assert name == "helpers.models:tiny_backbone"
    here = as_name(test_rebuilt_models_are_one_backbone, "")
    assert here == f"{__file__}:test_rebuilt_models_are_one_backbone"


def test_rebuilt_models_are_one_backbone(tmp_path):
    """Keras counts names of layers up, and weights are drawn anew."""
    first = tiny_backbone()
    name = as_name(first, tmp_path)
    assert as_name(tiny_backbone(), tmp_path) == name
    opened = keras.saving.load_model(name, compile=False)
    for a, b in zip(opened.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    wider = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(9, 3)])
    assert as_name(wider, tmp_path) != name
    assert as_name(lambda: wider, tmp_path) == as_name(wider, tmp_path)


@pytest.mark.parametrize(
    ("made", "folder", "message"),
    [
        (lambda: 3, True, "Received: int"),
        (lambda: tiny_backbone(), False, "needs out="),
        (lambda: keras.Sequential([keras.layers.Flatten()]), True, "no weights yet"),
        (
            lambda: keras.Sequential([keras.Input((8, 8, 3)), Own(1)]),
            True,
            "cannot be opened again.*file.py:function",
        ),
    ],
)
def test_what_cannot_be_kept_is_one_line(tmp_path, made, folder, message):
    with pytest.raises(UsageError, match=message) as error:
        as_name(made(), tmp_path if folder else "")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
