"""Checkpoints: one plain `.npz` file for each saved step, complete or absent.

A file holds every variable of the model, its optimizer and its running metrics, so that
a resumed run equals an unbroken one. NumPy reads it anywhere; the zip's checksums find
damage.
"""

import hashlib
import json
import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from ressl_tf.engine import written_by
from ressl_tf.runtime import archives
from ressl_tf.runtime.atomic import remove, replacing
from ressl_tf.runtime.errors import RunError, UsageError

log = logging.getLogger("ressl_tf")
PATTERN, BEST = "step-*.npz", "best.npz"


def state(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable that the next step depends on, by group and number.

    Keras's own names would not do: they count the layers of a process.

    Args:
        model: has `networks` (name -> layer) and `step`, as `SSLModel` has.

    Returns:
        "group/number" -> variable.
    """
    networks = {name: part.variables for name, part in model.networks.items()}
    guard = getattr(model, "guard", None)
    inside = {id(v) for variables in networks.values() for v in variables}
    groups = {
        **networks,
        "model": [v for v in model.weights if id(v) not in inside],
        "optimizer": model.optimizer.variables if model.optimizer else [],
        "metrics": model.metrics_variables,
        "guard": guard.variables if guard else [],
    }
    return {
        f"{group}/{index:03d}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def weights_sha256(model: keras.Model) -> str:
    """Return the SHA-256 of all networks (online, target, predictor) and queues."""
    return sha256_of((*model.networks.values(), *model.queues))


def sha256_of(layers: Iterable[keras.layers.Layer]) -> str:
    """Return the SHA-256 of the variables of layers, in their order."""
    digest = hashlib.sha256()
    for layer in layers:
        for variable in layer.variables:
            digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


class Checkpoints:
    """The checkpoints of a run in one folder.

    Args:
        folder: created when the first one is saved.
        keep: number of the last ones that stay.
        check: called before one is written; raises where it should not be.

    Attributes:
        last: the file that was saved or restored last by this process, if any.
    """

    def __init__(
        self,
        folder: str | pathlib.Path,
        keep: int = 3,
        check: Callable[[], None] = lambda: None,
    ):
        self.folder, self.keep, self._check = pathlib.Path(folder), keep, check
        self.last: pathlib.Path | None = None

    def paths(self) -> list[pathlib.Path]:
        """List the checkpoints that exist, oldest first."""
        return sorted(self.folder.glob(PATTERN))

    def save(self, model: keras.Model) -> pathlib.Path:
        """Save the state under its step; remove all but the last `keep` checkpoints.

        Returns:
            The file.

        Raises:
            RunError: the file cannot be written, or a weight is not finite (the update
                after a finite loss can overflow); the earlier checkpoints stay.
        """
        path = self.folder / f"step-{int(model.step.numpy()):09d}.npz"
        self._write(model, path)
        self.last = path
        for old in self.paths()[: -self.keep]:
            remove(old)
        return path

    @property
    def best(self) -> pathlib.Path:
        """The file of the best checkpoint, which is never removed."""
        return self.folder / BEST

    def save_best(self, model: keras.Model, figures: dict[str, float]) -> None:
        """Save the state as the best one, in place of the best before it.

        Args:
            model: its state is saved.
            figures: name -> number, by which it is the best.

        Raises:
            RunError: as `save`.
        """
        self._write(model, self.best)
        known = {"step": int(model.step.numpy()), **figures}
        with replacing(self.best.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(known))

    def best_figures(self) -> dict[str, Any]:
        """Return "step" and figures of the best checkpoint; empty without one."""
        path = self.best.with_suffix(".json")
        there = path.is_file() and self.best.is_file()
        return json.loads(path.read_text()) if there else {}

    def _write(self, model: keras.Model, path: pathlib.Path) -> None:
        arrays = {name: v.numpy() for name, v in state(model).items()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise RunError(
                f"weights are not finite after step {int(model.step.numpy())}; nothing "
                "was saved; try a lower --learning_rate or a longer --warmup_epochs"
            )
        self._check()
        arrays[written_by.ENTRY] = written_by.described()
        try:
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, **arrays)
        except OSError as error:
            raise RunError(f"cannot save {path}: {error.strerror}") from None

    def restore(self, model: keras.Model) -> pathlib.Path | None:
        """Restore the newest readable checkpoint.

        Where other versions wrote it, a warning names them.

        Returns:
            The file; None where there is no checkpoint.

        Raises:
            RunError: there are checkpoints and none can be read.
            UsageError: a later version of the package wrote it.
        """
        path = self.last = _restore(self.folder, state(model))
        if path and (changed := written_by.changed(path)):
            log.warning("%s", changed)
        return path


def step_of(path: pathlib.Path) -> int:
    """Return the step that a checkpoint was saved after."""
    return int(path.stem.removeprefix("step-"))


def restore_network(
    folder: str | pathlib.Path, name: str, layer: keras.layers.Layer
) -> pathlib.Path | None:
    """Restore one network alone, to use it without further training.

    Args:
        folder: of the checkpoints, or one of them.
        name: the network's group, such as "online".
        layer: built as the saved one was; it takes the saved weights.

    Returns:
        The newest readable checkpoint; None where there is none.

    Raises:
        RunError: there are checkpoints and none can be read.
    """
    return restore_networks(folder, {name: layer})


def restore_networks(
    folder: str | pathlib.Path, networks: Mapping[str, keras.layers.Layer]
) -> pathlib.Path | None:
    """Restore several networks of one checkpoint; as `restore_network`.

    Args:
        folder: of the checkpoints, or one of them.
        networks: group -> layer.
    """
    variables = {
        f"{name}/{i:03d}": variable
        for name, layer in networks.items()
        for i, variable in enumerate(layer.variables)
    }
    groups = tuple(f"{name}/" for name in networks)
    return _restore(pathlib.Path(folder), variables, groups)


def _restore(
    folder: pathlib.Path,
    variables: dict[str, keras.Variable],
    groups: tuple[str, ...] = ("",),
) -> pathlib.Path | None:
    paths = [folder] if folder.is_file() else sorted(folder.glob(PATTERN))
    for path in reversed(paths):
        try:
            arrays = archives.read_arrays(path)
            written_by.check(arrays.pop(written_by.ENTRY, None), path)
            _assign(
                variables, {n: a for n, a in arrays.items() if n.startswith(groups)}
            )
        except UsageError:
            raise
        except Exception as error:  # a flipped bit can raise anything in zipfile
            log.warning("%s cannot be read (%s); trying the one before", path, error)
        else:
            return path
    if paths:
        raise RunError(
            f"none of the {len(paths)} checkpoints in {folder} can be read; "
            "move the folder away to start anew"
        )
    return None


def _assign(
    variables: dict[str, keras.Variable], arrays: dict[str, np.ndarray]
) -> None:
    """Assign all or, when a name or shape does not fit, none."""
    unlike = sorted(set(variables) ^ set(arrays))
    if all(name.startswith("guard/") for name in unlike):  # older ones have none
        variables = {n: v for n, v in variables.items() if n in arrays}
    else:
        raise ValueError(f"other variables, {unlike[0]} for one")
    for name, variable in variables.items():
        if tuple(variable.shape) != arrays[name].shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}")
    for name, variable in variables.items():
        variable.assign(arrays[name])
