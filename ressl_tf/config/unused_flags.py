"""Which flags change nothing about a run, because its method does not take them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ressl_tf.config.graph_flags import GraphFlags
from ressl_tf.config.method_flags import MethodFlags
from ressl_tf.config.normalizations import AUTO
from ressl_tf.config.view_flags import ViewFlags

_PREDICTOR = ("predictor_depth", "predictor_dim", "predictor_bn")
_TEMPS = ("student_temp", "teacher_temp")
_WARMUP = ("infonce_temp", "infonce_warmup_epochs", "infonce_schedule")
_MIXED = ("lambda1", "lambda2", "interpolation", "mixed_target")
_OF_ALL = ("method", "momentum", "momentum_schedule")
_OF_IMAGES = (*_OF_ALL, "head")
TAKEN = {  # method -> those of the methods' and the graphs' flags that it takes
    "byol": (*_OF_IMAGES, *_PREDICTOR),
    "mocov2": (*_OF_IMAGES, "queue_size", "infonce_temp"),
    "reco": (*_OF_IMAGES, "queue_size", "infonce_temp", *_TEMPS, *_MIXED),
    "ressl": (*_OF_IMAGES, "queue_size", *_TEMPS),
    "ressl_multicrop": (
        *(*_OF_IMAGES, "queue_size", *_TEMPS),
        *("crop_sizes", "crop_scales"),
    ),
    "ressl_plus": (*_OF_IMAGES, "queue_size", *_TEMPS, *_PREDICTOR, *_WARMUP),
    "rgrl": (*_OF_ALL, *_TEMPS, "predictor_dim", *vars(GraphFlags())),
    "rsa": (*_OF_IMAGES, *_PREDICTOR, "beta0", "beta_schedule"),
}
OF_IMAGES = (  # and not of graphs
    *vars(ViewFlags()),
    *("split", "eval_split", "knn_bank_split", "data_dir", "download", "labels"),
    *("on_bad_image", "max_pixels", "exif", "value_range", "pixels"),
    *("cache", "cache_dir", "image_size", "rgb"),
    *("normalization", "mean", "std", "backbone", "width", "stem", "batch_norm"),
    *("zero_init_gamma", "patch_size", "vit_pooling", "drop_path"),
    *("hidden_dim", "embedding_dim", "init_from", "augment_on"),
    *("knn_every", "knn_k", "knn_temp", "knn_images"),
    *("batch_size", "gradient_accumulation"),
)
OPTIMIZERS = {  # flag -> the optimizers that take it
    "sgd_momentum": ("sgd", "lars"),
    "trust_coefficient": ("lars",),
    "weight_decay_end": ("adamw",),
}


def unused(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the flags without meaning for a run: any value gives the same model.

    A method that is not of this package may use all of its flags.

    Args:
        values: flag -> value, of a `Config` or what was stored of one.
    """
    taken = TAKEN.get(values.get("method", ""))
    if taken is None:
        return frozenset()
    unmeant = [flag for flag in _of_methods() if flag not in taken]
    if "gcn_layers" in taken:
        unmeant += OF_IMAGES
    optimizer = values.get("optimizer")
    unmeant += [flag for flag, names in OPTIMIZERS.items() if optimizer not in names]
    return frozenset([*unmeant, *_without_effect(values, taken)])


def meant(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags with a meaning for a run: flag -> value.

    Args:
        values: as of `unused`.
    """
    without = unused(values)
    return {flag: value for flag, value in values.items() if flag not in without}


def _of_methods():
    kinds = (MethodFlags, GraphFlags)
    return [field.name for kind in kinds for field in dataclasses.fields(kind)]


def _without_effect(values, taken):
    """Return the flags that another one's value leaves without meaning."""
    no_predictor = "predictor_depth" in taken and not values.get("predictor_depth", 1)
    because = {
        ("predictor_dim", "predictor_bn"): no_predictor,
        ("infonce_schedule",): not values.get("infonce_warmup_epochs", 1),
        ("cosine_per_epoch",): values.get("lr_schedule") == "constant",
        ("normalization",): values.get("normalization") != AUTO
        and bool(values.get("mean")),
    }
    return [flag for flags, holds in because.items() if holds for flag in flags]
