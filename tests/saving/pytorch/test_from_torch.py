"""Weights of PyTorch become a workdir, against a NumPy forward pass."""

import dataclasses
import json
import logging

import numpy as np
import pytest
from helpers.torch_states import (
    QUEUE,
    STEM,
    forward,
    imported,
    network,
    normalised,
    prefixed,
    projector,
)

from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.methods.build import make_model
from ressl_tf.models.backbones.resnet import resnet
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained, stored_config
from ressl_tf.saving.pytorch import from_torch
from ressl_tf.saving.pytorch.layouts import split

SIZES = ("hidden_dim", "embedding_dim", "queue_size")


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
    # What float32 rounds off goes by the sums, not by the feature that is left of them.
    atol = 5e-5 * expected.std()  # ten times what was measured
    np.testing.assert_allclose(features, expected, rtol=0, atol=atol)


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
    # What float32 rounds off goes by the sums, not by the feature that is left of them.
    atol = 5e-5 * expected.std()  # ten times what was measured
    np.testing.assert_allclose(features, expected, rtol=0, atol=atol)
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
