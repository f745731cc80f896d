"""Files of torch.save, good and bad; with PyTorch, where it is installed."""

import zipfile

import numpy as np
import pytest

from ressl_tf.runtime import archives
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pytorch import torch_file


def test_half_precision_is_read_as_float32(tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {"a": torch.ones(2).half(), "b": torch.ones(2).bfloat16()}
    torch.save({"model": {**tensors, "c": torch.zeros(1).long()}}, tmp_path / "a.pth")
    state = torch_file.read(str(tmp_path / "a.pth"))
    assert [str(a.dtype) for a in state.values()] == ["float32", "float32", "int64"]


class Stranger:
    """A class that no one should unpickle."""


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
        ("objects", r"holds more than weights \(test_torch_file.Stranger\)"),
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


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(10**6))
    monkeypatch.setattr(archives, "physical_memory", lambda: 10**6)
    with pytest.raises(UsageError, match=r"declares 0.0 GB, more than half"):
        torch_file.read(str(path))


class Repeated:
    """A tensor of PyTorch whose strides are 0: one number, as often as it says."""

    shape = (10**6, 10**6)

    def detach(self):
        return self

    def untyped_storage(self):
        return self

    def nbytes(self):
        return 4

    def element_size(self):
        return 4

    def numel(self):
        return 10**12


def test_a_tensor_that_repeats_its_numbers_is_refused():
    with pytest.raises(UsageError, match=r"\[1000000, 1000000\] is more than the file"):
        torch_file._array(None, Repeated())
