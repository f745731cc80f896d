"""Layouts of PyTorch checkpoints: which tensors are which part of a run."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch.parameter_names import State

WRAPPERS = ("module.", "_orig_mod.")  # of DistributedDataParallel, of torch.compile


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a project keeps the parts of a run.

    Attributes:
        name: how the command line calls it.
        online: what the names of the online network begin with.
        target: the same of the moving average; None where there is none.
        backbone: what then follows before torchvision's names.
        projector: what follows before those of the projector.
        linears: the projector's two linear layers, for Linear - ReLU - Linear.
        queue_columns: the queue is [d, K] instead of [K, d].
        wrapped: the network was saved inside DistributedDataParallel.
        key: of the state dict in the file; empty for the file itself.
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
    Layout("moco_v3", "base_encoder.", "momentum_encoder.", "", "fc.", wrapped=True),
    Layout("solo", "", "momentum_", "backbone.", "projector."),
    Layout("solo_old", "", "momentum_", "encoder.", "projector."),  # its first versions
    Layout("torchvision", "", None, "", "fc.", key=""),
)


@dataclasses.dataclass
class Parts:
    """A state dict in its parts; a part that is not there is empty.

    Attributes:
        layout: that it was in.
        backbone: by torchvision's names.
        projector: `hidden` and `output` for its two linear layers; by the file's names
            when it is not Linear - ReLU - Linear with bias.
        target_backbone: of the moving average.
        target_projector: of the moving average.
        queue: `queue` and `queue_ptr`.
        rest: everything else.
    """

    layout: Layout
    backbone: State = dataclasses.field(default_factory=dict)
    projector: State = dataclasses.field(default_factory=dict)
    target_backbone: State = dataclasses.field(default_factory=dict)
    target_projector: State = dataclasses.field(default_factory=dict)
    queue: State = dataclasses.field(default_factory=dict)
    rest: State = dataclasses.field(default_factory=dict)


def names() -> tuple[str, ...]:
    """The layouts that are written; every one is read."""
    return ("torchvision", "ressl", "moco", "solo")


def by_name(name: str) -> Layout:
    """The layout called `name`."""
    return next(layout for layout in LAYOUTS if layout.name == name)


def split(state: Mapping[str, np.ndarray]) -> Parts:
    """Finds the layout of a state dict and takes it apart.

    Raises:
        UsageError: when no ResNet is where a layout has it.
    """
    state = {_unwrapped(name): array for name, array in state.items()}
    layout = _find(state)
    parts, prefixes = Parts(layout), _prefixes(layout)
    for name, array in state.items():
        for part, prefix in prefixes.items():
            if name.startswith(prefix):
                getattr(parts, part)[name.removeprefix(prefix)] = array
                break
        else:
            part = parts.queue if name in ("queue", "queue_ptr") else parts.rest
            part[name] = array
    parts.projector = _rename(parts.projector, layout.linears, ("hidden", "output"))
    parts.target_projector = _rename(
        parts.target_projector, layout.linears, ("hidden", "output")
    )
    return parts


def join(parts: Parts) -> State:
    """The state dict of `parts`, named as the layout names them."""
    layout, state = parts.layout, {}
    for part, prefix in _prefixes(layout).items():
        tensors = getattr(parts, part)
        if part.endswith("projector"):
            tensors = _rename(tensors, ("hidden", "output"), layout.linears)
        state |= {f"{prefix}{name}": array for name, array in tensors.items()}
    wrapper = "module." if layout.wrapped else ""
    state |= parts.queue | parts.rest
    return {f"{wrapper}{name}": array for name, array in state.items()}


def queue_rows(queue: np.ndarray, dim: int, columns: bool) -> np.ndarray:
    """A queue as rows, [K, dim].

    Args:
        queue: [dim, K] or [K, dim].
        dim: length of an embedding.
        columns: what it is taken for when K equals dim.

    Raises:
        UsageError: when it holds no embeddings of that length.
    """
    if queue.ndim != 2 or dim not in queue.shape:
        raise UsageError(
            f"the queue must hold embeddings of length {dim}, as the projector makes "
            f"them. Received: a queue of shape {list(queue.shape)}"
        )
    if queue.shape == (dim, dim):
        return queue.T if columns else queue
    return queue if queue.shape[1] == dim else queue.T


def _unwrapped(name):
    while name.startswith(WRAPPERS):
        name = name.partition(".")[2]
    return name


def _find(state):
    for layout in LAYOUTS:
        if f"{layout.online}{layout.backbone}conv1.weight" in state:
            return layout
    begins = sorted({name.partition(".")[0] for name in state})
    known = ", ".join(layout.name for layout in LAYOUTS)
    shown = ", ".join(begins[:8]) + (" ..." if len(begins) > 8 else "")
    raise UsageError(
        f"no ResNet was found where a known layout has it ({known}: a conv1.weight); "
        f"rename its tensors as torchvision does. Received: tensors under {shown}"
    )


def _prefixes(layout):
    """Part -> prefix; a projector goes first, as it may lie inside the backbone."""
    roots = {"": layout.online, "target_": layout.target}
    return {
        f"{root}{part}": f"{prefix}{getattr(layout, part)}"
        for root, prefix in roots.items()
        if prefix is not None
        for part in ("projector", "backbone")
    }


def _rename(state, old, new):
    """Renames the layers `old` to `new`, unless there are others."""
    if {name.rpartition(".")[0] for name in state} != set(old):
        return state
    layers = dict(zip(old, new, strict=True))
    split_names = {name: name.rpartition(".") for name in state}
    return {
        f"{layers[layer]}.{leaf}": state[name]
        for name, (layer, _, leaf) in split_names.items()
    }
