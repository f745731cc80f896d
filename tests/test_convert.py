"""`python -m ressl_tf.convert`, with PyTorch where it is installed."""

import json
import sys

import numpy as np
import pytest
from helpers.torch_states import forward, network, normalised, without

from ressl_tf import convert
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained


def test_without_pytorch_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    config = ConvertConfig(checkpoint="a.pth", workdir=str(tmp_path / "run"))
    with pytest.raises(UsageError, match=r"pip install 'ressl_tf\[torch\]'"):
        convert.main(config)
    assert not (tmp_path / "run").exists()


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
