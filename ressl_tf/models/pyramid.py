"""Feature maps of a backbone at several strides, for detection and segmentation.

C2 to C5 are the last maps at strides 4, 8, 16 and 32 (Lin et al., Feature Pyramid
Networks (CVPR 2017), Sec. 3): of a residual network the outputs of its stages, of any
other the outputs of its last blocks at these strides. A vision transformer has one
stride, that of its patches.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import keras

from ressl_tf.models.backbones.patches import PatchEmbedding, PatchMap
from ressl_tf.models.backbones.structure import block_of, embedding_of, takes_any_size
from ressl_tf.runtime.errors import UsageError

PROBE = 256  # side of the images that strides are read from
LEVELS = 4  # maps, the coarsest
COARSEST = 32  # stride of a map of a single place


@dataclasses.dataclass(frozen=True)
class Level:
    """A feature map of a backbone.

    Attributes:
        stride: in pixels.
        channels: of the map.
        output: the map, symbolically.
    """

    stride: int
    channels: int
    output: keras.KerasTensor

    @property
    def name(self) -> str:
        """C2 for stride 4; stride14 for 14, which is no power of two."""
        power = self.stride.bit_length() - 1
        return f"C{power}" if self.stride == 2**power else f"stride{self.stride}"


def levels(
    backbone: keras.Model, strides: Sequence[int] | None = None
) -> dict[str, Level]:
    """Find the feature maps of a backbone, by their names, the finest first.

    Args:
        backbone: a functional model from normalised images to features.
        strides: of the maps in pixels; None for the four coarsest there are.

    Raises:
        UsageError: it has no such maps.
    """
    found = _patches(backbone) or _maps(backbone)
    if not found:
        raise UsageError(
            f"the backbone {backbone.name} has no feature maps: none of its layers "
            "makes [batch, height, width, channels] at a whole part of the image"
        )
    wanted = sorted(found)[-LEVELS:] if strides is None else sorted(strides)
    if absent := set(wanted) - set(found):
        raise UsageError(
            f"the backbone {backbone.name} has maps of strides "
            f"{', '.join(map(str, sorted(found)))}. Received: "
            f"{', '.join(map(str, sorted(absent)))}"
        )
    outputs = [(stride, found[stride]) for stride in wanted]
    made = [Level(stride, output.shape[-1], output) for stride, output in outputs]
    return {each.name: each for each in made}


def network(backbone: keras.Model, found: Mapping[str, Level]) -> keras.Model:
    """Return a backbone as a model of feature maps; its layers are shared.

    Args:
        backbone: of `levels`.
        found: what that returned.

    Returns:
        A model from normalised images [batch, h, w, c] to a dict of maps [batch,
        h / stride, w / stride, channels].
    """
    outputs = {name: each.output for name, each in found.items()}
    return keras.Model(backbone.inputs[0], outputs, name=f"{backbone.name}_pyramid")


def _maps(backbone: keras.Model) -> dict[int, keras.KerasTensor]:
    """Return the last output, at each stride, of a block that ends at this stride."""
    ends = dict(_in_blocks(backbone))
    strides = _strides(backbone, list(ends.values())) if ends else []
    found = zip(strides, ends.values(), strict=True)
    return {stride: layer.output for stride, layer in found if stride}


def _in_blocks(backbone: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yield the layers that make maps, with the names of their blocks, in order.

    What has no variables and no name of a block, as an activation, is of the last one.
    """
    named = {layer: block_of(backbone, layer.name) for layer in backbone.layers}
    known = {block for layer, block in named.items() if layer.variables}
    last = ""
    for layer, block in named.items():
        last = block if block in known else last
        if _is_map(layer):
            yield last, layer


def _is_map(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, keras.layers.InputLayer) or len(layer._inbound_nodes) != 1:
        return False
    output = layer.output
    return isinstance(output, keras.KerasTensor) and len(output.shape) == 4


def _strides(
    backbone: keras.Model, layers: Sequence[keras.layers.Layer]
) -> list[int | None]:
    """Return the stride of each layer's output in pixels; None where it is no map."""
    network = _of_any_size(backbone)
    side = network.input_shape[1] or PROBE
    outputs = [network.get_layer(layer.name).output for layer in layers]
    images = keras.KerasTensor((1, side, side, network.input_shape[3]))
    made = keras.Model(network.inputs[0], outputs).compute_output_spec(images)
    return [_stride(side, *each.shape[1:3]) for each in made]


def _of_any_size(backbone: keras.Model) -> keras.Model:
    """Return a copy that takes large images, or the backbone, if it takes no others.

    On small ones several strides would give maps of a single place.
    """
    if backbone.input_shape[1] is None or not takes_any_size(backbone):
        return backbone
    images = keras.Input((None, None, backbone.input_shape[3]))
    return keras.models.clone_model(backbone, input_tensors=images)


def _stride(side: int, height: int, width: int) -> int | None:
    if height != width or side % height:
        return None
    stride = side // height
    return stride if height > 1 or stride <= COARSEST else None  # else it is pooled


def _patches(backbone: keras.Model) -> dict[int, keras.KerasTensor]:
    """Return the last tokens of a vision transformer as a map; without class token."""
    side = backbone.input_shape[1]
    embedding = embedding_of(backbone)
    if embedding is not None and not side:
        return {embedding.patch: _map_of_any_size(backbone, embedding)}
    for layer in reversed(backbone.layers):
        shape: tuple = tuple(getattr(layer.output, "shape", ()))
        if len(shape) != 3 or not shape[1] or not side:
            continue
        for extra in (0, 1):
            rows = math.isqrt(shape[1] - extra)
            if rows > 1 and rows**2 == shape[1] - extra and side % rows == 0:
                return {side // rows: _as_map(layer.output, extra, rows)}
    return {}


def _map_of_any_size(
    backbone: keras.Model, embedding: PatchEmbedding
) -> keras.KerasTensor:
    tokens = [layer.output for layer in backbone.layers if _is_tokens(layer)][-1]
    extra = int(embedding.has_class_token)
    layer = PatchMap(embedding.patch, extra, name="patch_map")
    return layer(tokens, backbone.inputs[0])


def _is_tokens(layer: keras.layers.Layer) -> bool:
    return len(getattr(layer.output, "shape", ())) == 3


def _as_map(tokens: keras.KerasTensor, extra: int, rows: int) -> keras.KerasTensor:
    if extra:
        tokens = keras.layers.Cropping1D((extra, 0), name="without_token")(tokens)
    shape = (rows, rows, tokens.shape[2])
    return keras.layers.Reshape(shape, name="patch_map")(tokens)


def described(found: Mapping[str, Level]) -> dict[str, dict[str, int]]:
    """Return stride in pixels and channels of each map, for a page or JSON."""
    return {
        name: {"stride": each.stride, "channels": each.channels}
        for name, each in found.items()
    }
