"""How an export is loaded, as its model card says it."""

from collections.abc import Mapping
from typing import Any

from ressl_tf.config.decoding import RGB
from ressl_tf.config.export_config import FILES

LOAD_SAVED_MODEL = """\
```python
import tensorflow as tf

model = tf.saved_model.load("{name}")
made = model.serve(images)  # uint8 or float32 {images} on 0..255
features = made["features"]  # float32 [batch, {feature_dim}]
```

`model.train(images)` is the forward pass in training mode: gradients reach
`model.trainable_variables`, and the running statistics of batch normalisation move. Its
statistics are those of the batch that it is given, on one device, whatever they were
taken over in the run. TensorFlow Serving finds the signatures `serving_default` (uint8
`images`), `serving_float32` (float32 `images`){encoded}.
"""
ENCODED = """ and
`serving_encoded` (`image_bytes`: JPEG, PNG, WebP, BMP, GIF or JPEG XL files, decoded
as in training,
resized and cropped to {size} x {size}; one that cannot be read fails its batch, and the
message gives the place of one of another format)"""
LOAD_KERAS = """\
```python
import keras

model = keras.saving.load_model("{name}")
made = model.predict(images)  # uint8 or float32 {images} on 0..255
features = {features}  # float32 [batch, {feature_dim}]
```

All layers are Keras's own. `model(images, training=True)` and `fit` train it further.
"""
LOAD_LITERT = """\
```python
from ai_edge_litert.interpreter import Interpreter  # pip install ai-edge-litert

run = Interpreter("{name}").get_signature_runner()
made = run(images=images)  # {input_type} {images} on 0..255
features = made["features"]  # float32 [batch, {feature_dim}]
```

A batch may have any length; the interpreter plans its memory anew when it changes.
"""
LOAD_ONNX = """\
```python
import onnxruntime

session = onnxruntime.InferenceSession("{name}")
names = [output.name for output in session.get_outputs()]
made = dict(zip(names, session.run(names, {{"images": images}})))
# images: {input_type} {images} on 0..255
features = made["features"]  # float32 [batch, {feature_dim}]
```

A batch may have any length.
"""
OF_FILES = {"keras": LOAD_KERAS, "litert": LOAD_LITERT, "onnx": LOAD_ONNX}


def text(export: Mapping[str, Any], name: str, channels: int) -> str:
    """Return the section that loads an export.

    Args:
        export: of `model_card.text`.
        name: of the exported folder or file.
        channels: of the images.
    """
    images = f"[batch, h, w, {channels}], {kind_of(channels)}"
    if export["format"] in FILES:
        return _loading_file(export, name, images)
    size = export["image_size"] or export["trained_image_size"]
    served = size and channels in (1, RGB)
    return LOAD_SAVED_MODEL.format(
        name=name,
        images=images,
        feature_dim=export["feature_dim"],
        encoded=ENCODED.format(size=size) if served else "",
    )


def _loading_file(export: Mapping[str, Any], name: str, images: str) -> str:
    several = len(export["outputs"]) > 1 or export.get("feature_maps")
    return OF_FILES[export["format"]].format(
        name=name,
        images=images,
        features='made["features"]' if several else "made",
        feature_dim=export["feature_dim"],
        input_type=export.get("input_type"),
    )


def kind_of(channels: int) -> str:
    """Return what images of so many channels are called."""
    return {1: "grey", RGB: "RGB"}.get(channels, f"of {channels} channels")
