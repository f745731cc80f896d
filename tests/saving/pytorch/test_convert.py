"""Weights of PyTorch, in and out, against a NumPy forward pass and PyTorch's own."""

import dataclasses
import json
import logging
import sys

import keras
import numpy as np
import pytest

from ressl_tf import convert
from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.models.backbones.resnet import resnet
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.pretraining.pretrain import make_model
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import open_pretrained, stored_config
from ressl_tf.saving.pytorch import from_torch, to_torch, torch_file
from ressl_tf.saving.pytorch.architecture import find_architecture
from ressl_tf.saving.pytorch.layouts import queue_rows, split
from ressl_tf.saving.pytorch.parameter_names import to_keras, to_pytorch

REPEATS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
SIZES = ("hidden_dim", "embedding_dim", "queue_size")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


# A state dict as torchvision writes it, 1/16 as wide, in which every number matters.


def network(name="resnet18", kernel=7, seed=0, base=4):
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

    conv("conv1", base, 3, kernel)
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


# Forward passes, [n, channels, h, w] as in PyTorch.


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
    """Features of a state dict of torchvision; `x` is normalised."""

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
    """uint8 [n, h, w, 3] to float64 [n, 3, h, w], as torchvision's transforms do it."""
    return ((images / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def imported(state, workdir, **options):
    config = ConvertConfig(checkpoint="given", workdir=str(workdir), **options)
    return from_torch.import_state(state, config, {"file": "a.pth", "sha256": "1"})


@pytest.fixture(scope="module")
def official():
    """The layout of the ReSSL authors, every part with values of its own."""
    queue = np.random.default_rng(5).normal(size=(5, 12)).astype("float32")
    linears = ("linear1", "linear2")
    return {
        **prefixed("module.encoder_q.net.", network(seed=1)),
        **prefixed("module.encoder_q.head.", projector(seed=2, layers=linears)),
        **prefixed("module.encoder_k.net.", network(seed=3)),
        **prefixed("module.encoder_k.head.", projector(seed=4, layers=linears)),
        "module.queue": queue,  # [d, K]
        "module.queue_ptr": np.array([8]),
    }


@pytest.fixture(scope="module")
def run(official, tmp_path_factory):
    """(result, workdir) of the official layout."""
    folder = tmp_path_factory.mktemp("imported") / "run"
    return imported(official, folder, image_size=32), folder


# Into a workdir.


@pytest.mark.parametrize(
    ("name", "kernel", "stem", "size"),
    [
        ("resnet18", 7, "standard", 24),
        ("resnet18", 3, "small_maxpool", 15),
        ("resnet50", 3, "small", 9),
        pytest.param("resnet34", 3, "small", 16, marks=pytest.mark.slow),
        pytest.param("resnet50", 7, "standard", 33, marks=pytest.mark.slow),
    ],
)
def test_features_equal_a_numpy_forward_pass(name, kernel, stem, size):
    state = network(name, kernel)
    backbone = resnet(name, stem=stem, width=1 / 16)
    from_torch.load(backbone, state)
    images = np.random.default_rng(1).normal(size=(2, 3, size, size))
    expected = forward(state, images, pool=stem != "small")
    assert expected.std() > 0.1
    features = backbone(images.transpose(0, 2, 3, 1).astype("float32"))
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_backbone_becomes_a_workdir(tmp_path, caplog):
    """Without target and queue they are a copy and random."""
    state = prefixed("backbone.", network(kernel=3)) | {"classifier.weight": np.ones(1)}
    state |= prefixed("projector.", projector())
    with caplog.at_level(logging.INFO, "ressl_tf"):
        result = imported(state, tmp_path / "run", image_size=16)
    said = [record.getMessage() for record in caplog.records]
    assert any("--stem=small_maxpool" in line for line in said)
    assert any("padding 2" in line for line in said)
    opened = open_pretrained(str(tmp_path / "run"))
    assert opened.image_size == 16
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), np.uint8)
    # solo-learn's first convolution pads by 2: one more than `numpy_conv`.
    framed = np.pad(normalised(images), ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = forward(network(kernel=3), framed, pool=False)
    features = opened.encoder.features(images)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)
    found = [opened.config[name] for name in ("backbone", "stem", "width")]
    assert found == ["resnet18", "small_pad2", 1 / 16]
    assert result["layout"] == "solo"
    assert (result["found"], result["copied"]) == (
        ["backbone", "projector"],
        ["target"],
    )
    assert (result["random"], result["left_out"]) == (["queue"], ["classifier"])
    trained = [
        array.size
        for name, array in state.items()
        if name.startswith("backbone.") and name.endswith(("weight", "bias"))
    ]
    assert result["backbone_parameters"] == sum(trained)
    assert result["feature_dim"] == 32
    (path,) = (tmp_path / "run" / "checkpoints").iterdir()
    with np.load(path) as arrays:
        names = [n for n in arrays if n.startswith("online/")]
        assert len(names) == 104  # 20 convolutions, 20 normalisations, 2 linear layers
        for name in names:
            twin = arrays[name.replace("online", "target")]
            np.testing.assert_array_equal(arrays[name], twin)


@pytest.mark.parametrize(
    ("kernel", "stem", "expected"),
    [
        (7, "auto", ("standard", 224)),
        (3, "auto", ("small", 32)),
        (3, "small_maxpool", ("small_maxpool", 64)),
    ],
)
def test_what_weights_cannot_tell_is_a_flag_or_a_recipes(kernel, stem, expected):
    config = ConvertConfig(checkpoint="a", workdir="b", stem=stem)
    run = from_torch.run_config(split(network(kernel=kernel)), config)
    assert (run.stem, run.image_size) == expected
    sizes = [getattr(run, n) for n in SIZES]
    assert sizes == [getattr(Config(), n) for n in SIZES]


def test_every_part_of_a_run_arrives(official, run):
    result, folder = run
    config = json.loads((folder / "config.json").read_text())
    assert [config[name] for name in SIZES] == [6, 5, 12]
    assert result["found"] == ["backbone", "projector", "target", "queue"]
    assert (result["random"], result["copied"], result["left_out"]) == ([], [], [])
    note = json.loads((folder / "converted.json").read_text())
    assert note["source"] == {"file": "a.pth", "sha256": "1"}
    assert note["layout"] == "ressl"
    model = make_model(stored_config(folder), 1)
    path = Checkpoints(folder / "checkpoints").restore(model)
    assert path.name == "step-000000000.npz"
    np.testing.assert_array_equal(model.queue.keys, official["module.queue"].T)
    assert int(model.queue.position) == 8
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    for encoder, letter in ((model.online, "q"), (model.target, "k")):
        begin = f"module.encoder_{letter}."
        own = {n.removeprefix(begin): a for n, a in official.items() if begin in n}
        net = {n.removeprefix("net."): a for n, a in own.items()}
        x = forward(net, normalised(images), pool=True)
        x = (x @ own["head.linear1.weight"].T + own["head.linear1.bias"]).clip(0)
        x = x @ own["head.linear2.weight"].T + own["head.linear2.bias"]
        np.testing.assert_allclose(encoder(images), x, rtol=1e-4, atol=1e-4)


STEM = {"conv1.weight": np.ones((4, 3, 3, 3), "float32")}
OTHER = {"conv1.weight": np.zeros((4, 3, 3, 3), "float32")}
QUEUE = {"queue": np.ones((5, 9)), "queue_ptr": np.array([3])}


@pytest.mark.parametrize(
    ("layout", "state", "rest"),
    [
        (
            "ressl",
            prefixed("module.encoder_q.net.", STEM)
            | prefixed(
                "module.encoder_q.head.", projector(layers=("linear1", "linear2"))
            )
            | prefixed("module.encoder_k.net.", OTHER)
            | prefixed("module.", QUEUE),
            set(),
        ),
        (
            "moco",
            prefixed("module.encoder_q.", STEM | prefixed("fc.", projector()))
            | prefixed("module.encoder_k.", OTHER)
            | prefixed("module.", QUEUE),
            set(),
        ),
        (
            "moco_v3",
            prefixed("module.base_encoder.", STEM | prefixed("fc.", projector()))
            | prefixed("module.momentum_encoder.", OTHER)
            | prefixed("module.predictor.", projector())
            | QUEUE,
            {f"predictor.{n}" for n in projector()},
        ),
        (
            "solo",
            prefixed("backbone.", STEM)
            | prefixed("projector.", projector())
            | prefixed("momentum_backbone.", OTHER)
            | QUEUE
            | {"classifier.weight": np.ones((10, 32))},
            {"classifier.weight"},
        ),
        (
            "solo_old",
            prefixed("encoder.", STEM)
            | prefixed("projector.", projector())
            | prefixed("momentum_encoder.", OTHER)
            | QUEUE,
            set(),
        ),
    ],
)
def test_a_layout_is_found_and_taken_apart(layout, state, rest):
    parts = split(state)
    assert parts.layout.name == layout
    assert set(parts.backbone) == set(STEM)
    assert parts.backbone["conv1.weight"].min() == 1
    assert parts.target_backbone["conv1.weight"].max() == 0
    assert set(parts.queue) == {"queue", "queue_ptr"}
    assert set(parts.rest) == rest
    values = projector()
    np.testing.assert_array_equal(parts.projector["hidden.weight"], values["0.weight"])
    np.testing.assert_array_equal(parts.projector["output.bias"], values["2.bias"])
    assert parts.layout.queue_columns == (layout in ("ressl", "moco"))


@pytest.mark.parametrize(
    "head",
    [
        {"weight": np.ones((5, 32)), "bias": np.ones(5)},  # MoCo of version 1
        prefixed("1.", {"running_mean": np.ones(6)}) | projector(),
        projector(layers=("0", "3")),
        {n: a for n, a in projector().items() if n != "2.bias"},
    ],
)
def test_another_projector_is_left_out_with_its_queue(head, caplog):
    state = prefixed("encoder_q.", STEM | prefixed("fc.", head)) | QUEUE
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        parts = split(state)
        assert from_torch.leave_out(parts) == ["projector", "queue"]
    assert (parts.projector, parts.queue) == ({}, {})
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("the projector is left out: only Linear-ReLU-Linear")
    assert second.startswith("the queue is left out")


def test_torchvisions_classifier_is_left_out(caplog):
    parts = split(STEM | {"fc.weight": np.ones((9, 32)), "fc.bias": np.ones(9)})
    assert from_torch.leave_out(parts) == ["fc"]
    assert set(parts.backbone) == set(STEM)
    assert parts.projector == {}
    assert caplog.records == []


def test_two_queues_at_once_are_left_out():
    """solo-learn keeps one for each view in MoCo."""
    state = prefixed("backbone.", STEM) | prefixed("projector.", projector())
    parts = split(state | {"queue": np.ones((2, 5, 9))})
    assert from_torch.leave_out(parts) == ["queue"]
    assert set(parts.projector) == from_torch.PROJECTOR


def test_queues_are_rows():
    queue = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(queue_rows(queue, 3, columns=True), queue)
    np.testing.assert_array_equal(queue_rows(queue, 4, columns=False), queue.T)
    square = np.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(queue_rows(square, 3, columns=True), square.T)
    np.testing.assert_array_equal(queue_rows(square, 3, columns=False), square)
    with pytest.raises(UsageError, match=r"length 5.*shape \[4, 3\]"):
        queue_rows(queue, 5, columns=False)


# What cannot be converted.


def test_an_unknown_layout_says_what_is_there():
    state = {"features.0.weight": np.ones(3), "head.bias": np.ones(3)}
    with pytest.raises(UsageError, match="Received: tensors under features, head"):
        split(state)


def without(state, *endings):
    return {n: a for n, a in state.items() if not n.endswith(endings)}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (without(network(), "layer4.1.conv1.weight"), None),
        (
            network() | {"layer3.2.conv1.weight": np.ones(1)},
            r"Received: basic \[2, 2, 3",
        ),
        (without(network(), "0.conv2.weight"), None),
        (network() | {"conv1.weight": np.ones((4, 3, 5, 5))}, r"\[4, 3, 5, 5\]"),
        (network() | {"conv1.weight": np.ones((4, 1, 7, 7))}, r"\[4, 1, 7, 7\]"),
    ],
)
def test_only_our_resnets_are_taken(state, message):
    if message is None:
        assert (
            find_architecture(state).backbone == "resnet18"
        )  # `fill` misses the layer
        return
    with pytest.raises(UsageError, match=message) as error:
        find_architecture(state)
    assert "\n" not in str(error.value)


def test_the_architecture_is_read_off_the_weights():
    kernels = {"resnet18": 3, "resnet34": 7, "resnet50": 3, "resnet101": 7}
    for name, kernel in kernels.items():
        found = find_architecture(network(name, kernel, base=8))
        stem = "standard" if kernel == 7 else "small"
        assert dataclasses.astuple(found) == (name, 1 / 8, stem)


def test_other_networks_have_no_converter():
    state = {"stem.conv.weight": np.ones((8, 3, 3, 3)), "stem.bn.weight": np.ones(8)}
    with pytest.raises(UsageError, match=r"no converter.*stem\.conv\.weight") as error:
        find_architecture(state)
    assert "\n" not in str(error.value)


def broken(**changes):
    state = network() | {n.replace("__", "."): a for n, a in changes.items()}
    return {name: array for name, array in state.items() if array is not None}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (broken(layer4__1__conv1__weight=None), "misses layer4.1.conv1.weight"),
        (broken(bn1__running_var=None), "misses bn1.running_var"),
        (broken(conv1__bias=np.ones(4)), "has conv1.bias"),
        (
            broken(layer1__0__se__fc__weight=np.ones((4, 4))),
            "has layer1.0.se.fc.weight",
        ),
        (
            broken(layer2__0__conv2__weight=np.ones((8, 8, 1, 1))),
            r"layer2.0.conv2.weight must have the shape \[8, 8, 3, 3\].*\[8, 8, 1, 1\]",
        ),
        (broken(bn1__weight=np.full(4, np.nan)), "bn1.weight is not finite"),
    ],
)
def test_a_backbone_that_does_not_fit_is_named_in_one_line(tiny, state, message):
    before = [v.numpy() for v in tiny.variables]
    with pytest.raises(UsageError, match=message) as error:
        from_torch.fill(tiny, split(state))
    assert "\n" not in str(error.value)
    for variable, value in zip(tiny.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


@pytest.fixture(scope="module")
def tiny():
    return make_model(Config(width=1 / 16, hidden_dim=6, embedding_dim=5), 1)


@pytest.mark.parametrize(
    ("stem", "kernel"), [("small", 7), ("standard", 3), ("small_maxpool", 7)]
)
def test_a_stem_that_the_weights_contradict_is_refused(stem, kernel):
    config = ConvertConfig(checkpoint="a", workdir="b", stem=stem)
    with pytest.raises(UsageError, match=f"--stem={stem} does not fit conv1.weight"):
        from_torch.run_config(split(network(kernel=kernel)), config)


def test_a_workdir_of_another_run_is_refused_and_the_same_file_is_not(tiny, tmp_path):
    options = {"width": 1 / 16, "hidden_dim": 6, "embedding_dim": 5}
    config = Config(**options, workdir=str(tmp_path / "run"))
    about = {"source": {"file": "a.pth", "sha256": "1"}}
    path = tmp_path / "run" / "checkpoints" / "step-000000000.npz"
    from_torch.save(tiny, config, about)
    before = path.read_bytes()
    path.unlink()  # as when the command was killed
    from_torch.save(tiny, config, about)
    from_torch.save(tiny, config, about)
    assert path.read_bytes() == before
    tiny.queue.position.assign(1)
    with pytest.raises(UsageError, match=r"another config: --width=0\.5"):
        from_torch.save(tiny, dataclasses.replace(config, width=0.5), about)
    other = {"source": {"file": "b.pth", "sha256": "2"}}
    with pytest.raises(UsageError, match="another run's checkpoints"):
        from_torch.save(tiny, config, other)
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 0}\n')  # it was trained
    with pytest.raises(UsageError, match="another run's checkpoints"):
        from_torch.save(tiny, config, about)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workdir": "a"}, "--to=workdir needs .* Received: no --checkpoint"),
        ({"checkpoint": "a"}, "--to=workdir needs .* Received: no --workdir"),
        ({"to": "torch", "workdir": "a"}, "--to=torch needs .* Received: no --output"),
        ({"checkpoint": "a", "workdir": "b", "output": "c"}, "takes no --output"),
        ({"checkpoint": "a", "workdir": "b", "layout": "timm"}, "--layout must be one"),
    ],
)
def test_wrong_flags_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        ConvertConfig(**options)


def test_without_pytorch_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    config = ConvertConfig(checkpoint="a.pth", workdir=str(tmp_path / "run"))
    with pytest.raises(UsageError, match="pip install torch=="):
        convert.main(config)
    assert not (tmp_path / "run").exists()


# Back to PyTorch.


def test_names_and_axes_go_both_ways():
    state = network("resnet50", kernel=3)
    there = to_keras(state)
    assert there["layer2_0_downsample_0/kernel"].shape == (1, 1, 16, 32)
    weight = state["layer1.0.conv2.weight"]
    assert there["layer1_0_conv2/kernel"][0, 2, 1, 3] == weight[3, 1, 0, 2]
    back = to_pytorch(there)
    assert set(back) == set(state)
    for name in without(state, "num_batches_tracked"):
        np.testing.assert_array_equal(back[name], state[name])
    assert back["bn1.num_batches_tracked"].dtype == np.int64


def exported(monkeypatch, workdir, **options):
    """(result, what would be written)."""
    written = []
    monkeypatch.setattr(torch_file, "write", lambda *given: written.append(given))
    config = ConvertConfig(to="torch", workdir=str(workdir), output="a.pth", **options)
    result = to_torch.export(config)
    ((content, path),) = written
    assert path == "a.pth"
    return result, content


def same(first, second):
    assert set(first) == set(second)
    for name in without(second, "num_batches_tracked"):
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        assert first[name].dtype == second[name].dtype


@pytest.mark.slow
def test_a_round_trip_is_bit_equal(monkeypatch, official, run):
    _, folder = run
    result, content = exported(monkeypatch, folder, layout="ressl")
    assert set(content) == {"model", "arch"}
    same(content["model"], official)
    assert result["written"] == ["backbone", "projector", "target", "queue"]
    assert result["workdir"] == str(folder)


@pytest.mark.slow
def test_the_backbone_alone_is_written_for_torchvision(monkeypatch, run):
    _, folder = run
    result, content = exported(monkeypatch, folder)
    same(content, network(seed=1))
    assert result["written"] == ["backbone"]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["moco", "solo"])
def test_other_layouts_are_read_back_alike(
    monkeypatch, official, run, layout, tmp_path
):
    _, folder = run
    _, content = exported(monkeypatch, folder, layout=layout)
    state = content["state_dict"]
    names = {
        "moco": ("module.encoder_k.fc.2.bias", "module.queue", (5, 12)),
        "solo": ("momentum_projector.2.bias", "queue", (12, 5)),
    }
    bias, queue, shape = names[layout]
    np.testing.assert_array_equal(
        state[bias], official["module.encoder_k.head.linear2.bias"]
    )
    assert state[queue].shape == shape
    result = imported(state, tmp_path / "again")
    assert result["layout"] == layout
    (first,), (second,) = (
        (place / "checkpoints").iterdir() for place in (folder, tmp_path / "again")
    )
    with np.load(first) as one, np.load(second) as two:
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_other_layouts_need_a_whole_run(tmp_path, monkeypatch):
    backbone = resnet("resnet18", stem="small", width=1 / 16)
    encoder = Encoder(backbone, None, MEAN.tolist(), STD.tolist())
    model = Classifier(encoder, classes=3, image_size=8)
    model.save(tmp_path / "model.keras")
    with pytest.raises(UsageError, match="--layout=moco holds projector, target"):
        exported(monkeypatch, tmp_path / "model.keras", layout="moco")
    result, content = exported(monkeypatch, tmp_path / "model.keras")
    assert result["written"] == ["backbone", "classifier"]
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), np.uint8)
    features = forward(content, normalised(images), pool=False)
    logits = features @ content["fc.weight"].T + content["fc.bias"]
    np.testing.assert_allclose(model(images), logits, rtol=1e-4, atol=1e-4)


def test_a_network_that_is_no_resnet_is_refused(tmp_path, monkeypatch):
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv1")]
    model = keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])
    model.save(tmp_path / "model.keras")
    with pytest.raises(UsageError, match="only ResNets can be converted"):
        exported(monkeypatch, tmp_path / "model.keras")


# With PyTorch, where it is installed.


def torch_features(torch, state, images, pool):
    functional = torch.nn.functional
    state = {name: torch.as_tensor(array) for name, array in state.items()}

    def conv(x, weight, stride):
        return functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2)

    def max_pool(x):
        return functional.max_pool2d(x, 3, 2, 1)

    x = torch.as_tensor(normalised(images).astype("float32"))
    return forward(state, x, pool, conv, functional.batch_norm, max_pool).numpy()


@pytest.mark.parametrize(
    ("name", "kernel", "pool"),
    [
        ("resnet18", 3, False),
        pytest.param("resnet50", 7, True, marks=pytest.mark.slow),
        pytest.param("resnet34", 3, True, marks=pytest.mark.slow),
    ],
)
def test_features_equal_pytorchs(tmp_path, name, kernel, pool):
    """By a file, read by the command."""
    torch = pytest.importorskip("torch")
    state = network(name, kernel)
    tensors = {n: torch.as_tensor(a) for n, a in state.items()}
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "a.pth.tar")
    stem = "small_maxpool" if kernel == 3 and pool else "auto"
    config = ConvertConfig(
        checkpoint=str(tmp_path / "a.pth.tar"),
        workdir=str(tmp_path / "run"),
        stem=stem,
        image_size=20,
    )
    result = convert.main(config)
    assert result["found"] == ["backbone"]
    images = np.random.default_rng(1).integers(0, 256, (2, 20, 20, 3), np.uint8)
    expected = torch_features(torch, state, images, pool)
    features = open_pretrained(str(tmp_path / "run")).encoder.features(images)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


def test_pytorch_reads_what_is_written(tmp_path, official, run):
    torch = pytest.importorskip("torch")
    _, folder = run
    path = tmp_path / "model.pth"
    options = {"to": "torch", "workdir": str(folder), "output": str(path)}
    convert.main(ConvertConfig(**options, layout="ressl"))
    written = torch.load(path, weights_only=True)
    same({n: a.numpy() for n, a in written["model"].items()}, official)
    assert written["model"]["module.encoder_q.net.bn1.num_batches_tracked"].shape == ()
    same(torch_file.read(str(path)), official)


def test_half_precision_is_read_as_float32(tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {"a": torch.ones(2).half(), "b": torch.ones(2).bfloat16()}
    torch.save({"model": {**tensors, "c": torch.zeros(1).long()}}, tmp_path / "a.pth")
    state = torch_file.read(str(tmp_path / "a.pth"))
    assert [str(a.dtype) for a in state.values()] == ["float32", "float32", "int64"]


class Stranger:
    """Something that no one should unpickle."""


def bad_file(torch, kind, path):
    if kind == "words":
        path.write_text("not a checkpoint")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        torch.save({"conv1.weight": torch.ones(64, 3, 7, 7)}, path)
        path.write_bytes(path.read_bytes()[:-900])
    elif kind == "folder":
        path.mkdir()
    elif kind == "objects":
        torch.save({"state_dict": {"a": torch.ones(1)}, "x": Stranger()}, path)
    elif kind == "list":
        torch.save([torch.ones(1)], path)
    elif kind == "no tensors":
        torch.save({"epoch": 3, "net": {"a": torch.ones(1)}}, path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", r"must be a file of PyTorch. Received: .*No such file"),
        ("folder", r"must be a file of PyTorch. Received: .*Is a directory"),
        ("words", "is truncated or no file of torch.save"),
        ("empty", "is truncated or no file of torch.save"),
        ("truncated", "is truncated or no file of torch.save"),
        ("objects", r"holds more than weights \(test_convert.Stranger\)"),
        ("list", "holds no state dict.*Received: list"),
        ("no tensors", "holds no state dict.*Received: a dict of epoch, net"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path, kind, message):
    torch = pytest.importorskip("torch")
    bad_file(torch, kind, tmp_path / "a.pth")
    with pytest.raises(UsageError, match=message) as error:
        torch_file.read(str(tmp_path / "a.pth"))
    assert "\n" not in str(error.value)


def test_a_disk_that_refuses_is_one_line(tmp_path):
    pytest.importorskip("torch")
    with pytest.raises(RunError, match=r"cannot save .*: Is a directory"):
        torch_file.write({"a": np.ones(1)}, str(tmp_path))


@pytest.mark.slow
def test_the_command_prints_one_json_line(commands, tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {n: torch.as_tensor(a) for n, a in network().items()}
    torch.save(tensors, tmp_path / "a.pth")

    workdir = f"--workdir={tmp_path}/run"
    flags = [f"--checkpoint={tmp_path}/a.pth", workdir]
    status, out, err = commands.run("convert", *flags)
    assert status == 0, err
    (line,) = out.splitlines()
    assert json.loads(line)["found"] == ["backbone"]
    flags = ["--to=torch", workdir, f"--output={tmp_path}/b.pth"]
    status, out, err = commands.run("convert", *flags)
    assert status == 0, err
    assert json.loads(out)["tensors"] == len(tensors)
    again = torch.load(tmp_path / "b.pth", weights_only=True)
    assert all(torch.equal(again[n], tensors[n]) for n in without(tensors, "tracked"))
    flags = [f"--checkpoint={tmp_path}/none.pth", workdir]
    status, out, err = commands.run("convert", *flags)
    assert status == 2
    (line,) = err.splitlines()
    assert line.startswith("error: --checkpoint must be a file of PyTorch")
