"""Layouts of PyTorch checkpoints: which tensors are which component of a run."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch import convnext_names, mbconv_names, vit_names
from ressl_tf.saving.pytorch.parameter_names import State

WRAPPERS = ("module.", "_orig_mod.")  # of DistributedDataParallel, of torch.compile
RESNET, VIT, CONVNEXT, MBCONV = "resnet", "vit", "convnext", "mbconv"
MARKERS = {  # weights of the first layer -> family
    "conv1.weight": RESNET,
    vit_names.MARKER: VIT,
    convnext_names.MARKER: CONVNEXT,
    mbconv_names.MARKER: MBCONV,
}
BESIDE_VIT = ("decoder", "mask_token", "head.")  # of MAE, of MoCo v3: no part of it
OUR_LINEARS = ("hidden", "output")  # the projector's two linear layers here


@dataclasses.dataclass(frozen=True)
class Layout:
    """The names under which a project keeps the components of a run.

    Attributes:
        name: Name on the command line.
        online: Prefix of the online network's names.
        target: Prefix of the moving average's names; None where there is none.
        backbone: Prefix of torchvision's names, after that of the network.
        projector: Prefix of the projector's names, after that of the network.
        linears: Names of the projector's two linear layers, for Linear - ReLU -
            Linear.
        queue_columns: The queue is [d, K] instead of [K, d].
        wrapped: The network was saved inside DistributedDataParallel.
        key: Key of the state dict in the file; empty for the file itself.
        families: The networks that are found in it and written to it.
    """

    name: str
    online: str
    target: str | None
    backbone: str
    projector: str
    linears: tuple[str, str] = ("0", "2")
    queue_columns: bool = False
    wrapped: bool = False
    key: str = "state_dict"
    families: tuple[str, ...] = (RESNET,)


LAYOUTS = (
    Layout(
        name="ressl",  # the official code of Zheng et al.
        online="encoder_q.",
        target="encoder_k.",
        backbone="net.",
        projector="head.",
        linears=("linear1", "linear2"),
        queue_columns=True,
        wrapped=True,
        key="model",
    ),
    Layout(
        name="moco",  # of He et al.; MLP projector since version 2
        online="encoder_q.",
        target="encoder_k.",
        backbone="",
        projector="fc.",
        queue_columns=True,
        wrapped=True,
    ),
    Layout(
        *("moco_v3", "base_encoder.", "momentum_encoder.", "", "fc."),
        wrapped=True,
        families=(RESNET, VIT),
    ),
    Layout("dino", "", None, "backbone.", "head.", key="teacher", families=(VIT,)),
    Layout("solo", "", "momentum_", "backbone.", "projector.", families=(RESNET, VIT)),
    Layout("solo_old", "", "momentum_", "encoder.", "projector."),  # its first versions
    Layout("torchvision", "", None, "", "fc.", key=""),
    Layout("timm", "", None, "", "head.", key="", families=(VIT,)),
    Layout("timm", "", None, "", "head.fc.", key="", families=(CONVNEXT,)),
    Layout("timm", "", None, "", "classifier.", key="", families=(MBCONV,)),
)


@dataclasses.dataclass
class Components:
    """The components of a state dict; a missing one is empty.

    Attributes:
        layout: The layout of the state dict.
        backbone: Weights by torchvision's names, of a ViT by timm's.
        projector: `hidden` and `output` for its two linear layers; the file's names
            when it is not Linear - ReLU - Linear with bias.
        target_backbone: The backbone of the moving average.
        target_projector: The projector of the moving average.
        queue: `queue` and `queue_ptr`.
        rest: Everything else.
    """

    layout: Layout
    backbone: State = dataclasses.field(default_factory=dict)
    projector: State = dataclasses.field(default_factory=dict)
    target_backbone: State = dataclasses.field(default_factory=dict)
    target_projector: State = dataclasses.field(default_factory=dict)
    queue: State = dataclasses.field(default_factory=dict)
    rest: State = dataclasses.field(default_factory=dict)


def names() -> tuple[str, ...]:
    """Return the names of the layouts that can be written; all can be read."""
    return ("torchvision", "timm", "ressl", "moco", "solo")


def by_name(name: str, family: str = "") -> Layout:
    """Return the layout called `name`, that of the family where there are several."""
    named = [layout for layout in LAYOUTS if layout.name == name]
    return next((each for each in named if family in each.families), named[0])


def split(state: Mapping[str, np.ndarray]) -> Components:
    """Find the layout of a state dict and split it into components.

    Raises:
        UsageError: No network that is known is where a known layout has it.
    """
    state = {_unwrapped(name): array for name, array in state.items()}
    layout = _find(state)
    found, prefixes = Components(layout), _prefixes(layout)
    for name, array in state.items():
        for component, prefix in prefixes.items():
            if name.startswith(prefix):
                getattr(found, component)[name.removeprefix(prefix)] = array
                break
        else:
            other = found.queue if name in ("queue", "queue_ptr") else found.rest
            other[name] = array
    for name in [n for n in found.backbone if n.startswith(_beside(found.backbone))]:
        found.rest[name] = found.backbone.pop(name)
    found.projector = _rename(found.projector, layout.linears, OUR_LINEARS)
    found.target_projector = _rename(
        found.target_projector, layout.linears, OUR_LINEARS
    )
    return found


def join(components: Components) -> State:
    """Return the state dict of the components, named as their layout names them."""
    layout = components.layout
    state: State = {}
    for component, prefix in _prefixes(layout).items():
        tensors = getattr(components, component)
        if component.endswith("projector"):
            tensors = _rename(tensors, OUR_LINEARS, layout.linears)
        state |= {f"{prefix}{name}": array for name, array in tensors.items()}
    wrapper = "module." if layout.wrapped else ""
    state |= components.queue | components.rest
    return {f"{wrapper}{name}": array for name, array in state.items()}


def queue_rows(queue: np.ndarray, dim: int, columns: bool) -> np.ndarray:
    """Return a queue as rows, [K, dim].

    Args:
        queue: [dim, K] or [K, dim].
        dim: Length of an embedding.
        columns: Whether it is [dim, K] when K equals dim.

    Raises:
        UsageError: It holds no embeddings of that length.
    """
    if queue.ndim != 2 or dim not in queue.shape:
        raise UsageError(
            f"the queue must hold embeddings of length {dim}, as the projector makes "
            f"them. Received: a queue of shape {list(queue.shape)}"
        )
    if queue.shape == (dim, dim):
        return queue.T if columns else queue
    return queue if queue.shape[1] == dim else queue.T


def _beside(backbone: State) -> tuple[str, ...]:
    """Return how names begin that are no part of the features."""
    if mbconv_names.MARKER in backbone:
        pooled_first = "bn2.weight" not in backbone  # a MobileNetV3
        return ("conv_head.",) if pooled_first else ()
    return () if convnext_names.MARKER in backbone else BESIDE_VIT


def _unwrapped(name):
    while name.startswith(WRAPPERS):
        name = name.partition(".")[2]
    return name


def _find(state):
    for layout in LAYOUTS:
        prefix = f"{layout.online}{layout.backbone}"
        there = any(
            f"{prefix}{marker}" in state and family in layout.families
            for marker, family in MARKERS.items()
        )
        dino = layout.name == "dino"  # its head tells it from solo-learn's
        if there and (not dino or any(name.startswith("head.") for name in state)):
            return layout
    begins = sorted({name.partition(".")[0] for name in state})
    known = ", ".join(dict.fromkeys(layout.name for layout in LAYOUTS))
    shown = ", ".join(begins[:8]) + (" ..." if len(begins) > 8 else "")
    raise UsageError(
        "no network that can be converted was found where a known layout has it "
        f"({known}: a {' or '.join(MARKERS)}); rename its tensors as torchvision names "
        f"a ResNet's, and timm those of others. "
        f"Received: tensors under {shown}"
    )


def _prefixes(layout):
    """Return component -> prefix.

    A projector comes first, as its names may lie inside the backbone's.
    """
    roots = {"": layout.online, "target_": layout.target}
    return {
        f"{root}{network}": f"{prefix}{getattr(layout, network)}"
        for root, prefix in roots.items()
        if prefix is not None
        for network in ("projector", "backbone")
    }


def _rename(state, old, new):
    """Rename the layers `old` to `new`, unless there are others."""
    if {name.rpartition(".")[0] for name in state} != set(old):
        return state
    layers = dict(zip(old, new, strict=True))
    split_names = {name: name.rpartition(".") for name in state}
    return {
        f"{layers[layer]}.{leaf}": state[name]
        for name, (layer, _, leaf) in split_names.items()
    }
