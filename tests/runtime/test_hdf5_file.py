"""HDF5 files of weights whose headers lead elsewhere, or beyond the memory."""

import io

import h5py
import numpy as np
import pytest

from ressl_tf.runtime import hdf5_file


def made(fill):
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        fill(opened)
    file.seek(0)
    return file


def test_plain_weights_pass_with_a_group_of_two_names():
    def fill(file):
        file.create_group("a/b").create_dataset("c", data=np.ones(3))
        file["a/b/above"] = file["a"]  # a circle

    hdf5_file.check(made(fill))


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/a")), "link"),
        (lambda f: f.__setitem__("x", h5py.SoftLink("/a")), "link"),
        (lambda f: f.create_group("a").__setitem__("x", h5py.SoftLink("/a")), "'x'"),
        (
            lambda f: f.create_dataset("x", (3,), "f4", external=[("/tmp/x", 0, 12)]),
            "lie in another file, '/x'",
        ),
        (
            lambda f: f.create_virtual_dataset("x", h5py.VirtualLayout((3,), "f4")),
            "lie in another file",
        ),
        (
            lambda f: f.create_dataset("x", (10**12,), "f4", chunks=(99,)),
            r"declares 4000\.0 GB",
        ),
    ],
)
def test_what_leads_elsewhere_is_refused(fill, message):
    with pytest.raises(ValueError, match=message):
        hdf5_file.check(made(fill))


def test_what_is_none_is_an_error_of_files():
    with pytest.raises(OSError, match="signature"):
        hdf5_file.check(io.BytesIO(b"no HDF5 file"))
