"""Arguments of methods in Python: what is refused, with one line each."""

import numpy as np
import pytest
from helpers.models import tiny_backbone, tiny_model

from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.methods.byol import BYOL
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.methods.ressl_multicrop import ReSSLMultiCrop
from ressl_tf.runtime.errors import UsageError

WHOLE = r"must be a whole number from 1\. Received: "


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hidden_dim", 0, WHOLE + "0"),
        ("embedding_dim", 2.5, WHOLE + "2.5"),
        ("embedding_dim", "128", WHOLE + "'128'"),
        ("queue_size", True, WHOLE + "True"),
        ("image_size", (16, 16), WHOLE),
        ("gradient_accumulation", -1, WHOLE),
        ("total_steps", 0, WHOLE),
        ("seed", None, "must be a whole number of 32 bits. Received: None"),
        ("seed", 2**40, "must be a whole number of 32 bits"),
        ("momentum", "0.9", "must be a number. Received: '0.9'"),
        ("teacher_temp", float("nan"), "must be a number"),
        ("head", 3, "must be a text"),
        ("std", 0.5, "must be a list of numbers. Received: 0.5"),
        ("mean", "0.5", "must be a list of numbers"),
    ],
)
def test_a_value_of_another_type_is_refused(name, value, message):
    with pytest.raises(UsageError, match=f"^{name} {message}"):
        ReSSL(tiny_backbone(), **{"image_size": 16, name: value})


def test_numbers_of_numpy_and_zeros_that_mean_something_are_taken():
    sizes = {"image_size": np.int64(16), "hidden_dim": np.int32(8), "embedding_dim": 4}
    model = BYOL(
        tiny_backbone(),
        **sizes,
        predictor_depth=0,
        predictor_dim=0,
        momentum_schedule="constant",
        momentum=np.float32(0.5),
        seed=-(2**31),
        total_steps=None,
        mean=np.array([0.5, 0.5, 0.5]),
    )
    assert (model.predictor, model.hidden_dim, model.momentum) == (None, 8, 0.5)


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ({}, r"must be a ressl_tf.Views layer.*\{'strong': ..., 'weak': ...\}.*dict"),
        ([1], r".*Received: list"),
        (weak_view(16), r"Received: \w+"),
        (Views({"strong": weak_view(16)}), "missing: weak. Received: strong"),
    ],
)
def test_views_that_a_method_cannot_learn_from_are_refused(views, message):
    with pytest.raises(UsageError, match=message):
        tiny_model(views=views)


def test_multicrop_needs_the_teachers_view_alone():
    views = Views({"strong": weak_view(16), "weak": weak_view(16)})
    model = ReSSLMultiCrop(tiny_backbone(), image_size=16, views=views)
    assert model.online_views == ("strong",)
    with pytest.raises(UsageError, match=r"missing: weak\. Received: strong"):
        ReSSLMultiCrop(tiny_backbone(), views=Views({"strong": weak_view(16)}))
