"""The networks of `keras.applications`, with our batch normalisation and small stems.

EfficientNet (Tan and Le, ICML 2019), MobileNetV2 (Sandler et al., CVPR 2018),
MobileNetV3 (Howard et al., ICCV 2019), ConvNeXt (Liu et al., CVPR 2022). Each is made
by Keras with random weights and copied layer by layer, so that

- nothing normalises the images a second time: the encoder does;
- nothing is dropped out: Keras's layers draw from a state of their own, and a run here
  is a function of config, seed and step. Their papers drop against overfitting with
  labels. Where it is asked for, ConvNeXt's stochastic depth draws by the step's seed;
- batch normalisation is ours, with its scopes. Epsilon stays the network's, it is part
  of its function. Momentum is our 0.9 (torchvision's, too) instead of 0.99 or 0.999:
  running statistics are used after a few hundred steps, where 0.999 still weighs the
  initial values;
- convolutions of MobileNets start as EfficientNet's do. From Keras's start, features in
  inference mode, before statistics have moved, are about 1e-9 long: no untrained
  encoder to compare with.

ConvNeXt has no batch normalisation: the scopes do nothing in it, a view's features do
not depend on its batch, and nothing leaks between the samples of one.
"""

import re
import warnings
from typing import Any

import keras
from keras.src.applications.convnext import ConvNeXt, StochasticDepth  # not public
from keras.src.applications.efficientnet import EfficientNet

from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.step_draws import StepDropout

EFFICIENTNETS = {  # factors on width and depth, Keras's and the paper's code
    "efficientnet_b0": (1.0, 1.0),
    "efficientnet_b1": (1.0, 1.1),
    "efficientnet_b2": (1.1, 1.2),
    "efficientnet_b3": (1.2, 1.4),
}
MOBILENETS = {
    "mobilenet_v2": (keras.applications.MobileNetV2, {}),
    "mobilenet_v3_small": (
        keras.applications.MobileNetV3Small,
        {"include_preprocessing": False},
    ),
    "mobilenet_v3_large": (
        keras.applications.MobileNetV3Large,
        {"include_preprocessing": False},
    ),
}
OF_SAMPLES = (None, 1, 1, 1)  # what stochastic depth drops together
LESS_STRIDE = {"standard": 1, "small_maxpool": 2, "small": 4}
LEFT_OUT = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Dropout,
    keras.layers.ZeroPadding2D,  # "same" pads a strided convolution as it does
)
CONVOLUTIONS = {  # -> the option that says how its kernel starts
    keras.layers.Conv2D: "kernel_initializer",
    keras.layers.DepthwiseConv2D: "depthwise_initializer",
}
NAMES = (  # so that names begin with the block, as a ResNet's do; fine-tuning groups so
    (r"^convnext_", ""),
    (r"^downsampling_(\w+)_(\d)$", r"downsampling_\2_\1"),
    (r"^layer_normalization.*", "head_layernorm"),
    (r"^expanded_conv_(?=\d)", "block_"),
    (r"^expanded_conv_", "block_0_"),
)


def application(
    name: str,
    *,
    image_size: int | None = None,
    stem: str = "standard",
    width: float = 1.0,
    batch_norm: str = "local",
    zero_init_gamma: bool = False,
    channels: int = 3,
    drop_path: float = 0.0,
) -> keras.Model:
    """Build a network of `keras.applications` from images to features.

    Args:
        name: a row of `config.backbone_table`.
        image_size: side of the images in pixels; None takes any.
        stem: "standard"; "small_maxpool" takes stride 2 from the first strided layer,
            "small" also from the second (of 4, both from ConvNeXt's first). There is
            no max-pool in either: the name says which ResNet has the same stride.
        width: factor on the numbers of channels, which the networks round to multiples
            of 8 (ConvNeXt: to whole ones).
        batch_norm: scope of the statistics, see `BatchNormalization`.
        zero_init_gamma: must be False.
        channels: of the images.
        drop_path: rate of stochastic depth in the last block of ConvNeXt, which grows
            linearly from 0 in the first.

    Returns:
        A model from normalised images [batch, height, width, channels] to features
        [batch, f].
    """
    network = _stock(name, width, channels, drop_path)
    strides = _strides(network, LESS_STRIDE[stem])

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Sequential):
            return keras.Sequential([clone(inner) for inner in layer.layers])
        config = {**layer.get_config(), "name": _name(layer.name)}
        if isinstance(layer, keras.layers.BatchNormalization):
            kept = {key: config[key] for key in ("name", "epsilon")}
            return BatchNormalization(batch_norm, **kept)
        if isinstance(layer, StochasticDepth):
            return StepDropout(layer.drop_path_rate, OF_SAMPLES, name=config["name"])
        if layer.name in strides:
            config |= {"strides": strides[layer.name], "padding": "same"}
        if name in MOBILENETS and type(layer) in CONVOLUTIONS:
            config[CONVOLUTIONS[type(layer)]] = _fan_out()
        if config.get("groups", 1) > 1:  # grouped convolutions run under XLA alone
            kept = {key: config[key] for key in ("name", "kernel_size", "padding")}
            return keras.layers.DepthwiseConv2D(**kept)
        return layer.__class__.from_config(config)

    images = keras.Input((image_size, image_size, channels), name="images")
    copy = keras.models.clone_model(
        network, input_tensors=images, clone_function=clone, call_function=_call
    )
    return keras.Model(images, copy.output, name=name)


def _stock(name: str, width: float, channels: int, drop_path: float) -> keras.Model:
    with warnings.catch_warnings():  # of other channels than 1 and 3
        warnings.filterwarnings("ignore", "This model usually expects")
        return _made_by_keras(name, width, channels, drop_path)


def _made_by_keras(
    name: str, width: float, channels: int, drop_path: float
) -> keras.Model:
    options: dict[str, Any] = {
        "include_top": False,
        "weights": None,
        "input_shape": (None, None, channels),
        "pooling": "avg",
    }
    if name in EFFICIENTNETS:
        wider, depth = EFFICIENTNETS[name]
        return EfficientNet(wider * width, depth, 224, name=name, **options)
    if name in MOBILENETS:
        make, further = MOBILENETS[name]
        return make(alpha=width, name=name, **further, **options)
    dims = [max(1, round(dim * width)) for dim in (96, 192, 384, 768)]
    options |= {"name": "convnext", "include_preprocessing": False}
    options["drop_path_rate"] = drop_path
    return ConvNeXt((3, 3, 9, 3), dims, **options)


def _fan_out() -> keras.initializers.Initializer:
    """Make a new initializer: one of them gives every layer the same values."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _strides(network: keras.Model, less: int) -> dict[str, int]:
    """Map strided layers to their strides; divide `less` out of the first ones."""
    strides = {
        inner.name: max(inner.strides)
        for layer in network.layers
        for inner in getattr(layer, "layers", [layer])
        if type(inner) in CONVOLUTIONS and max(inner.strides) > 1
    }
    for name, stride in strides.items():
        taken = min(less, stride)
        strides[name], less = stride // taken, less // taken
    return strides


def _call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
    """Call a copied layer, or skip it."""
    if isinstance(layer, LEFT_OUT):
        return inputs[0]
    if not isinstance(layer, keras.Sequential):
        return layer(*inputs, **options)
    (x,) = inputs
    for inner in layer.layers:
        x = inner(x)
    return x


def _name(name: str) -> str:
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name
