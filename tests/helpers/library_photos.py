"""Files of formats that Python libraries read, of those that are installed."""

import importlib.util
import io

import numpy as np
import PIL.Image

from helpers.crafted import PIXELS, photo


def dicom(values, **tags):
    """Return a DICOM file of [height, width] or [height, width, 3] values."""
    import pydicom

    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    file.Rows, file.Columns = values.shape[:2]
    file.SamplesPerPixel = values.shape[2] if values.ndim == 3 else 1
    file.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        file.PlanarConfiguration = 0
    file.BitsAllocated = 8 * values.dtype.itemsize
    file.BitsStored = min(12, file.BitsAllocated)
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(values.dtype.kind == "i")
    file.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(file, name, value)
    out = io.BytesIO()
    pydicom.dcmwrite(out, file, enforce_file_format=True)
    return out.getvalue()


def heic(image, **options):
    """Return a HEIC file of a Pillow image."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


def of_all_kinds():
    """Return a file of each format whose library is here, and a NumPy array."""
    array = io.BytesIO()
    np.save(array, PIXELS)
    kinds = [array.getvalue()]
    if importlib.util.find_spec("tifffile"):
        kinds += [photo("TIFF", compression=c) for c in (None, "tiff_lzw")]
    if importlib.util.find_spec("pillow_heif"):
        kinds.append(heic(PIL.Image.fromarray(PIXELS).resize((64, 64))))
    if importlib.util.find_spec("pydicom"):
        kinds.append(dicom(PIXELS[..., 0].astype(np.uint16)))
    return kinds
