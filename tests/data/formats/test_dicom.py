"""DICOM: windows, units and inverted greys, against the standard's formulas."""

import io

import numpy as np
import pytest
from helpers.library_photos import dicom

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_any
from ressl_tf.data.library_image import read

pydicom = pytest.importorskip("pydicom")
RNG = np.random.default_rng(0)
STORED = RNG.integers(0, 4096, (5, 7), np.uint16)


def decoded(data, **options):
    found = decode_any(data, Decoding(**options)).numpy()
    np.testing.assert_array_equal(found[..., 0], found[..., 2])
    return found[..., 0]


def test_the_range_is_that_of_the_bits_stored():
    np.testing.assert_array_equal(decoded(dicom(STORED)), np.rint(STORED / 4095 * 255))
    inverted = dicom(STORED, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(decoded(inverted), 255 - np.rint(STORED / 4095 * 255))


def test_windows_and_ranges_are_in_the_files_units():
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    units = STORED * 2.0 - 1024
    data = dicom(STORED, **tags, WindowCenter=[40.5, 9], WindowWidth=[401, 9])
    wanted = np.rint(np.clip((units + 160) / 400, 0, 1) * 255)
    np.testing.assert_array_equal(decoded(data), wanted)
    wanted = np.rint(np.clip((units + 1000) / 1400, 0, 1) * 255)
    np.testing.assert_array_equal(decoded(data, value_range="-1000,400"), wanted)
    plain = decoded(dicom(STORED, **tags))
    np.testing.assert_array_equal(plain, np.rint(STORED / 4095 * 255))


def test_rgb_and_signed_values():
    rgb = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(decode_any(dicom(rgb)), rgb)
    signed = (STORED.astype(np.int16) - 2048).astype(np.int16)
    np.testing.assert_array_equal(
        decoded(dicom(signed)), np.rint(STORED.astype(np.float32) / 4095 * 255)
    )


def test_what_is_refused():
    with pytest.raises(Exception, match="DICOM: "):
        decode_any(dicom(STORED)[:-20])
    with pytest.raises(Exception, match="35 pixels, more than max_pixels=34"):
        decoded(dicom(STORED), max_pixels=34)
    with pytest.raises(Exception, match="it holds no image"):
        decode_any(b"\0" * 128 + b"DICM")


def test_a_deflated_file_is_refused_before_it_is_unpacked():
    """It may hold a thousand times its bytes, which the library unpacks at once."""
    data = dicom(STORED)
    file = pydicom.dcmread(io.BytesIO(data))
    file.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    out = io.BytesIO()
    pydicom.dcmwrite(out, file, enforce_file_format=True)
    with pytest.raises(ValueError, match="DICOM: a deflated file"):
        read(out.getvalue(), Decoding())
