"""One row a method: its name on the command line, its class, what it learns from.

The table is data: a class is named by its module and loaded when a model is built
(`methods.build`). Flags' choices, public names and the contract test follow it.
"""

import dataclasses

from ressl_tf.runtime.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data that methods learn from.

    Attributes:
        runner: the module that trains on it, with `pretrain(config)`,
            `describe(config)` and `trained_model(workdir)`.
        prefix: what --dataset begins with; empty for everything else.
        network: what names of runs say in place of --backbone; empty for that.
        teacher_temp: the papers' temperature of the teacher's relation.
        points: "module:function" that gives a report what it maps; empty where that
            are images.
    """

    runner: str
    prefix: str = ""
    network: str = ""
    teacher_temp: float = 0.04
    points: str = ""


KINDS = {
    "images": Kind("ressl_tf.pretraining.image_run"),
    "graphs": Kind(
        "ressl_tf.graphs.graph_run",
        prefix="graph:",
        network="gcn",
        teacher_temp=0.01,
        points="ressl_tf.graphs.node_points:node_points",
    ),
}


def kind_of(dataset: str) -> Kind:
    """Return the kind of data that a `--dataset` is."""
    return next(
        kind
        for kind in sorted(KINDS.values(), key=lambda kind: -len(kind.prefix))
        if dataset.startswith(kind.prefix)
    )


@dataclasses.dataclass(frozen=True)
class MethodRow:
    """Where a method lives.

    Attributes:
        home: "module:Class".
        learns_from: a row of `KINDS`.
    """

    home: str
    learns_from: str = "images"

    @property
    def class_name(self) -> str:
        """Name of the class, which is the method's public name."""
        return self.home.partition(":")[2]


METHODS = {
    "byol": MethodRow("ressl_tf.methods.byol:BYOL"),
    "mocov2": MethodRow("ressl_tf.methods.mocov2:MoCoV2"),
    "reco": MethodRow("ressl_tf.methods.reco:ReCo"),
    "ressl": MethodRow("ressl_tf.methods.ressl:ReSSL"),
    "ressl_multicrop": MethodRow("ressl_tf.methods.ressl_multicrop:ReSSLMultiCrop"),
    "ressl_plus": MethodRow("ressl_tf.methods.ressl_plus:ReSSLPlus"),
    "rgrl": MethodRow("ressl_tf.graphs.rgrl:RGRL", "graphs"),
    "rsa": MethodRow("ressl_tf.methods.rsa:RSA"),
}


def method_names(learns_from: str = "") -> tuple[str, ...]:
    """Return the names of all methods, or of those that learn from one kind of data."""
    rows = METHODS.items()
    return tuple(name for name, row in rows if learns_from in ("", row.learns_from))


def register_method(name: str, home: str, learns_from: str = "images") -> None:
    """Add a method of your own to the table: `--method=NAME` then trains it.

    Args:
        name: on the command line and in configs.
        home: "module:Class", importable where the run starts.
        learns_from: a row of `KINDS`.

    Raises:
        UsageError: the name is taken by another class, or `home` has no class.
    """
    row = MethodRow(home, learns_from)
    if learns_from not in KINDS or not row.class_name:
        raise UsageError(
            f'register_method takes a name, "module:Class" and {" or ".join(KINDS)}. '
            f"Received: {name!r}, {home!r}, {learns_from!r}"
        )
    if METHODS.setdefault(name, row) != row:
        raise UsageError(
            f"the method {name} is {METHODS[name].home}; choose another name. "
            f"Received: {home}"
        )
