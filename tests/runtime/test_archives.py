"""Arrays of zip files: what they declare is checked before anything is unpacked."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from ressl_tf.runtime import archives


def write(path, **entries):
    """Write bytes as they are, arrays as NumPy has them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, entry in entries.items():
            if not isinstance(entry, bytes):
                file = io.BytesIO()
                np.lib.format.write_array(file, entry, allow_pickle=True)
                entry = file.getvalue()
            archive.writestr(f"{name}.npy", entry)
    return path


def header(shape, dtype="<f4"):
    file = io.BytesIO()
    about = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


def test_arrays_equal_those_of_numpy(tmp_path):
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "text": np.array(["x", "äö"]),
        "none": np.zeros([0, 3]),
        "scalar": np.array(3),
    }
    np.savez(tmp_path / "plain.npz", **arrays)
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    for name in ("plain.npz", "packed.npz"):
        found = archives.read_arrays(tmp_path / name)
        assert list(found) == list(arrays)
        for key, array in arrays.items():
            np.testing.assert_array_equal(found[key], array)
            assert found[key].dtype == array.dtype
    some = archives.read_arrays(tmp_path / "plain.npz", ("a", "no"))
    assert list(some) == ["a"]
    others = archives.read_arrays(tmp_path / "plain.npz", without=("a", "text"))
    assert list(others) == ["b", "none", "scalar"]


class Bomb:
    """A pickle that would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_is_not_run(tmp_path):
    touched = tmp_path / "touched"
    objects = np.array([Bomb(touched)], object)
    path = write(tmp_path / "a.npz", objects=objects, plain=np.arange(3))
    with pytest.raises(archives.ObjectsError, match=r"objects.npy holds Python obj"):
        archives.read_arrays(path)
    found = archives.read_arrays(path, objects="leave")
    assert list(found) == ["plain"]
    write(path, raw=pickle.dumps(Bomb(touched)))  # NumPy reads bare pickles, too
    with pytest.raises(ValueError, match="magic"):
        archives.read_arrays(path)
    assert not touched.exists()


def test_more_than_half_of_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    path = write(tmp_path / "a.npz", bomb=np.zeros(10**6), small=np.zeros(3))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(archives, "physical_memory", lambda: 10**7)
    with pytest.raises(ValueError, match=r"declares 0.0 GB, more than half"):
        archives.read_arrays(path)
    assert list(archives.read_arrays(path, ("small",))) == ["small"]
    monkeypatch.setattr(archives, "physical_memory", lambda: 2 * 10**7)
    assert len(archives.read_arrays(path)["bomb"]) == 10**6
    monkeypatch.setattr(archives, "physical_memory", lambda: 0)  # not known
    assert len(archives.read_arrays(path)["bomb"]) == 10**6


@pytest.mark.parametrize("shape", [(10**15,), (2**40, 2**40)])
def test_a_header_that_promises_more_than_is_there_is_refused(tmp_path, shape):
    path = write(tmp_path / "a.npz", a=header(shape) + bytes(100))
    with pytest.raises(ValueError, match="declares more than it holds"):
        archives.read_arrays(path)


@pytest.mark.parametrize("name", ["../a", "/etc/a", "x/../../a", "..\\a"])
def test_a_member_that_climbs_is_refused(name):
    with pytest.raises(ValueError, match="leaves the folder"):
        archives.check([zipfile.ZipInfo(name)])
    archives.check([zipfile.ZipInfo("a..b/c")])
