"""Runs written as state dicts of PyTorch."""

import logging

import keras
import numpy as np
import pytest
from helpers.torch_states import MEAN, STD, forward, imported, network, normalised, same

from ressl_tf import convert
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.models.backbones.resnet import resnet
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.pytorch import to_torch, torch_file


def exported(monkeypatch, workdir, **options):
    """Return (result, what would be written)."""
    written = []
    monkeypatch.setattr(torch_file, "write", lambda *given: written.append(given))
    config = ConvertConfig(to="torch", workdir=str(workdir), output="a.pth", **options)
    result = to_torch.export(config)
    ((content, path),) = written
    assert path == "a.pth"
    return result, content


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
    with pytest.raises(UsageError, match="can be converted, there is no converter"):
        exported(monkeypatch, tmp_path / "model.keras")


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


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels_go_both_ways(monkeypatch, tmp_path, channels, caplog):
    state = network(kernel=3, channels=channels)
    mean, std = (0.2, 0.4, 0.6, 0.8)[:channels], (0.1, 0.2, 0.3, 0.4)[:channels]
    imported(state, tmp_path / "run", mean=mean, std=std, image_size=16)
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, channels), np.uint8)
    scaled = (images / 255 - mean) / std
    expected = forward(state, scaled.transpose(0, 3, 1, 2), pool=False)
    features = open_pretrained(str(tmp_path / "run")).encoder.features(images)
    atol = 5e-5 * expected.std()  # as of three channels
    np.testing.assert_allclose(features, expected, rtol=0, atol=atol)
    with caplog.at_level(logging.INFO, "ressl_tf"):
        _, content = exported(monkeypatch, tmp_path / "run")
    same(content, state)
    assert f"it takes images [n, {channels}, h, w]" in caplog.text


def test_mean_and_std_are_of_as_many_channels():
    given = {"checkpoint": "a.pth", "workdir": "run", "mean": (0.5,) * 4}
    assert ConvertConfig(**given, std=(0.2,) * 4).channels == 4
    with pytest.raises(UsageError, match="--std must be 4 numbers on 0"):
        ConvertConfig(**given, std=(0.2,) * 3)
