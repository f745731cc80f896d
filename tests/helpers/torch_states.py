"""State dicts as torchvision writes them, 1/16 as wide, and NumPy forward passes.

Every number of a state dict matters. Images are [n, channels, h, w] as in PyTorch.
"""

import numpy as np

from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.saving.pytorch import from_torch

REPEATS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def network(name="resnet18", kernel=7, seed=0, base=4, channels=3):
    generator, state = np.random.default_rng(seed), {}
    bottleneck = name in ("resnet50", "resnet101")

    def conv(layer, outputs, inputs, size):
        scale = np.sqrt(2 / (inputs * size * size))
        weight = generator.normal(size=(outputs, inputs, size, size)) * scale
        state[f"{layer}.weight"] = weight.astype("float32")

    def norm(layer, channels):
        for leaf, low, high in (
            ("weight", 0.5, 1.5),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 1.5),
        ):
            values = generator.uniform(low, high, channels)
            state[f"{layer}.{leaf}"] = values.astype("float32")
        state[f"{layer}.num_batches_tracked"] = np.array(7)

    conv("conv1", base, channels, kernel)
    norm("bn1", base)
    inputs = base
    for stage, repeat in enumerate(REPEATS[name]):
        inner = base * 2**stage
        outputs = 4 * inner if bottleneck else inner
        sizes = [(inner, 1), (inner, 3), (outputs, 1)]
        sizes = sizes if bottleneck else [(inner, 3), (inner, 3)]
        for index in range(repeat):
            block, before = f"layer{stage + 1}.{index}", inputs
            for number, (channels, size) in enumerate(sizes, 1):
                conv(f"{block}.conv{number}", channels, before, size)
                norm(f"{block}.bn{number}", channels)
                before = channels
            if index == 0 and (stage > 0 or bottleneck):
                conv(f"{block}.downsample.0", outputs, inputs, 1)
                norm(f"{block}.downsample.1", outputs)
            inputs = outputs
    return state


def projector(features=32, hidden=6, outputs=5, seed=0, layers=("0", "2")):
    generator = np.random.default_rng(seed)
    shapes = {
        f"{layers[0]}.weight": (hidden, features),
        f"{layers[0]}.bias": (hidden,),
        f"{layers[1]}.weight": (outputs, hidden),
        f"{layers[1]}.bias": (outputs,),
    }
    return {n: generator.normal(size=s).astype("float32") for n, s in shapes.items()}


def prefixed(prefix, state):
    return {f"{prefix}{name}": array for name, array in state.items()}


def numpy_conv(x, weight, stride):
    size = weight.shape[-1]
    border = (size // 2,) * 2
    x = np.pad(x, ((0, 0), (0, 0), border, border))
    patches = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    return np.einsum("nihwjk,oijk->nohw", patches[:, :, ::stride, ::stride], weight)


def numpy_norm(x, mean, variance, weight, bias):
    def column(v):
        return v[:, None, None]

    x = (x - column(mean)) / np.sqrt(column(variance) + 1e-5)
    return x * column(weight) + column(bias)


def numpy_pool(x):
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return patches[:, :, ::2, ::2].max(axis=(-1, -2))


def forward(state, x, pool, conv=numpy_conv, norm=numpy_norm, max_pool=numpy_pool):
    """Return the features of a state dict of torchvision; `x` is normalised."""

    def conv_norm(x, number, prefix, stride):
        conv_name, norm_name = number
        x = conv(x, state[f"{prefix}{conv_name}.weight"], stride)
        leaves = ("running_mean", "running_var", "weight", "bias")
        return norm(x, *(state[f"{prefix}{norm_name}.{leaf}"] for leaf in leaves))

    stride = 2 if state["conv1.weight"].shape[-1] == 7 else 1
    x = conv_norm(x, ("conv1", "bn1"), "", stride).clip(0)
    x = max_pool(x) if pool else x
    blocks = {name[:9] for name in state if name.startswith("layer")}
    for block in sorted(blocks):
        stride = 2 if block[5] != "1" and block[7] == "0" else 1
        last = 3 if f"{block}conv3.weight" in state else 2
        strided, y = last - 1, x  # torchvision strides the 3x3 convolution
        for number in range(1, last + 1):
            own = stride if number == strided else 1
            y = conv_norm(y, (f"conv{number}", f"bn{number}"), block, own)
            y = y.clip(0) if number < last else y
        if f"{block}downsample.0.weight" in state:
            x = conv_norm(x, ("downsample.0", "downsample.1"), block, stride)
        x = (x + y).clip(0)
    return x.mean((2, 3))


def normalised(images):
    """Normalise uint8 [n, h, w, 3] to float64 [n, 3, h, w], as torchvision does."""
    return ((images / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def imported(state, workdir, **options):
    config = ConvertConfig(checkpoint="given", workdir=str(workdir), **options)
    return from_torch.import_state(state, config, {"file": "a.pth", "sha256": "1"})


STEM = {"conv1.weight": np.ones((4, 3, 3, 3), "float32")}
OTHER = {"conv1.weight": np.zeros((4, 3, 3, 3), "float32")}
QUEUE = {"queue": np.ones((5, 9)), "queue_ptr": np.array([3])}


def without(state, *endings):
    return {n: a for n, a in state.items() if not n.endswith(endings)}


def same(first, second):
    assert set(first) == set(second)
    for name in without(second, "num_batches_tracked"):
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        assert first[name].dtype == second[name].dtype
