"""Where a user's network comes from, and each way in which it does not."""

import keras
import numpy as np
import pytest

from ressl_tf.models.backbones import own_source
from ressl_tf.runtime.errors import RunError, UsageError

CODE = """
import keras

def plain():
    return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])

def asks(channels, image_size=None):
    assert image_size == 16
    x = keras.Input((image_size, image_size, channels))
    return keras.Model(x, keras.layers.Flatten()(x))

def number():
    return 3

def fails():
    raise KeyError("no weights here")  # line 16

NET = 3

@keras.saving.register_keras_serializable(package="none")
class Own(keras.layers.Layer):
    def call(self, x):
        return x
"""


@pytest.fixture
def nets(tmp_path):
    file = tmp_path / "nets_of_test.py"
    file.write_text(CODE)
    return file


def load(name, channels=3, weights=False):
    return own_source.load(str(name), image_size=16, channels=channels, weights=weights)


def test_a_function_gets_what_it_asks_for(nets):
    assert load(f"{nets}:plain").output_shape[-1] == 4
    assert load(f"{nets}:asks", channels=2).output_shape == (None, 16 * 16 * 2)


def test_a_keras_file_brings_its_weights(nets, tmp_path):
    mine = load(f"{nets}:plain")
    mine.save(tmp_path / "mine.keras")
    opened = load(tmp_path / "mine.keras")
    np.testing.assert_array_equal(opened.get_weights()[0], mine.get_weights()[0])


def test_a_network_of_keras_does_not_normalise():
    small = load("keras:MobileNetV3Small", channels=1)
    assert small.input_shape == (None, None, None, 1)
    kinds = {type(layer).__name__ for layer in small.layers}
    assert not {"Rescaling", "Normalization", "Dense"} & kinds


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("{nets}:number", UsageError, "must return a keras.Model.*Received: int"),
        ("{nets}:NET", UsageError, "must name a function.*Received: int"),
        ("{nets}:fails", RunError, r"raised KeyError: .*\(.*of_test.py, line 16\)"),
        ("{folder}/gone.keras", UsageError, "no such file, or not any more"),
        ("{folder}/bad.keras", UsageError, "cannot be opened: "),
        ("keras:ResNet5", UsageError, "the nearest: ResNet50.*keras:ResNet5"),
        ("keras:Model", UsageError, "no network of this name"),
    ],
)
def test_what_makes_no_network_is_one_line(nets, name, kind, message):
    (nets.parent / "bad.keras").write_text("no zip")
    with pytest.raises(kind, match=message) as error:
        load(name.format(nets=nets, folder=nets.parent))
    assert "\n" not in str(error.value)


def test_a_file_with_classes_that_are_not_there_says_how_to_open_it(nets, tmp_path):
    import zipfile

    from ressl_tf.runtime.own_code import function_of

    own = function_of("backbone", f"{nets}:Own")
    keras.Sequential([keras.Input((8, 8, 3)), own()]).save(tmp_path / "own.keras")
    load(tmp_path / "own.keras")
    with zipfile.ZipFile(tmp_path / "own.keras") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(tmp_path / "lost.keras", "w") as new:
        for name, data in parts.items():
            data = data.replace(b"none>Own", b"none>Off").replace(b'"Own"', b'"Off"')
            new.writestr(name, data)
    with pytest.raises(UsageError, match=r"Off.*as --backbone=file.py:function"):
        load(tmp_path / "lost.keras")
