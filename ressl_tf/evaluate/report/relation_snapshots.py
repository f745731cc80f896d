"""Embeddings that teacher and student give the same images, at some checkpoints.

They are those of the training step: the teacher's of a weak view and the student's of a
strong view, behind projector and predictor, of unit length, with batch statistics.
"""

import dataclasses
import logging
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.data.ordered_views import ordered_view_batches
from ressl_tf.data.sources import Source
from ressl_tf.engine.checkpoint import restore_network, step_of
from ressl_tf.evaluate.report.thumbnails import Sheet
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import RunError

log = logging.getLogger("ressl_tf")
LARGEST_BATCH = 256  # the batch statistics of more are hardly others
MOST_BYTES = 2.2e6  # of the relations in a page of at most 6 MB
GROUPS = 8  # a batch of --batch_norm=split has so many


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What a checkpoint takes for alike.

    Attributes:
        step: of the run.
        teacher: unit embeddings of the weak views, float32 [n, d].
        student: unit embeddings of the strong views, float32 [n, d].
    """

    step: int
    teacher: np.ndarray
    student: np.ndarray


def restore(model: ImageSSL, path: pathlib.Path) -> None:
    """Restore all networks of a model from one checkpoint.

    Raises:
        RunError: it cannot be read, or lacks one, as a converted one lacks the target.
    """
    for name, network in model.networks.items():
        restore_network(path, name, network)


def view_pair(model: ImageSSL) -> tuple[str, str]:
    """Return the names of the teacher's and the student's view that are compared."""
    targets, student = model.target_views, model.online_views[0]
    weak = [name for name in targets if name.startswith("weak")]
    others = [name for name in targets if name != student]  # of BYOL, the other crop
    return (weak or others or list(targets))[0], student


def batch_size(config: Config, count: int) -> int:
    """Return how many images share batch statistics here: as in a step, at most 256.

    Args:
        config: of the run.
        count: of the images.
    """
    devices = max(1, config.logical_devices, config.num_workers)
    size = config.batch_size // (devices * config.gradient_accumulation)
    size = max(2, min(size, LARGEST_BATCH, max(count, GROUPS)))
    return max(1, size // GROUPS) * GROUPS if config.batch_norm == "split" else size


def fitting(
    paths: Sequence[pathlib.Path], most: int, count: int, dim: int
) -> list[pathlib.Path]:
    """Choose checkpoints for a page: the last one, and as many before it as fit in.

    Args:
        paths: of all checkpoints, the oldest first.
        most: how many are asked for.
        count: of the images.
        dim: length of an embedding.
    """
    each = 2 * count * dim * 2 * 4 / 3  # teacher and student, int16 as base64
    kept = max(1, min(most, int(MOST_BYTES // each)))
    if kept < min(most, len(paths)):
        log.info("relations are shown at %d of the checkpoints: more need MBs", kept)
    return list(paths[-kept:])


def snapshots(
    model: ImageSSL,
    config: Config,
    source: Source,
    paths: Sequence[pathlib.Path],
    sheets: Sequence[Sheet],
    seed: int,
) -> list[Snapshot]:
    """Embed the views of all images at each checkpoint that can be read.

    Args:
        model: of the run; its weights are replaced.
        config: of the run.
        source: the images.
        paths: of checkpoints, the oldest first.
        sheets: the teacher's and the student's views are added to these.
        seed: of the views.
    """
    names, embed = view_pair(model), embedder(model)
    model.gradient_accumulation = 1  # `batch_size` is a micro-batch
    size = batch_size(config, source.size)
    batches = ordered_view_batches(source, model.views, size, seed)
    made: list[Snapshot] = []
    for path in paths:
        try:
            restore(model, path)
        except RunError as error:
            log.warning("relations leave out %s: %s", path.name, error)
            continue
        shown = () if made else sheets
        teacher, student = _embed(embed, batches, names, shown)
        step, count = step_of(path), source.size
        made.append(Snapshot(step, teacher[:count], student[:count]))
    return made


def embedder(model: ImageSSL):
    """Return a function from views to the teacher's and the student's embeddings."""
    weak, strong = view_pair(model)

    @tf.function(reduce_retracing=True)
    def embed(views):
        teacher = model.embed_target(views[weak], tf.constant([0, 0]))
        return teacher, model.embed(views[strong], training=True)

    return embed


def _embed(embed, batches, names: tuple[str, str], sheets: Sequence[Sheet]):
    """Return the embeddings of all batches; add the views to the sheets."""
    pairs = []
    for views in batches:
        pairs.append([part.numpy() for part in embed(views)])
        for sheet, name in zip(sheets, names, strict=False):
            sheet.add(views[name].numpy())
    teacher, student = zip(*pairs, strict=True)
    return np.concatenate(teacher), np.concatenate(student)
