"""The table of methods: its names, their classes, and the flags that follow it."""

import keras

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.method_table import method_names
from ressl_tf.data.augment.mixing import MIXINGS
from ressl_tf.engine.schedules import FADES
from ressl_tf.methods.build import method_class


def test_each_name_is_a_file_a_method_and_a_public_class():
    expected = "byol mocov2 reco ressl ressl_multicrop ressl_plus rgrl rsa"
    assert " ".join(method_names()) == expected
    for name in method_names():
        cls = method_class(name)
        assert getattr(ressl_tf, cls.__name__) is cls
        assert keras.saving.get_registered_object(f"ressl_tf>{cls.__name__}") is cls


def test_flags_offer_the_forms_that_there_are():
    def choices(name):
        return Config.__dataclass_fields__[name].metadata["choices"]

    assert set(choices("interpolation")) == set(MIXINGS)
    for name in ("infonce_schedule", "beta_schedule"):
        assert set(choices(name)) <= set(FADES)
