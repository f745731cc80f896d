"""Embeddings that teacher and student give the same images, at some checkpoints.

They are those of the training step: the teacher's of a weak view and the student's of a
strong view, behind projector and predictor, of unit length, with batch statistics.
"""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.data.ordered_views import ordered_view_batches
from ressl_tf.data.sources import Source
from ressl_tf.engine.checkpoint import restore_networks, step_of
from ressl_tf.evaluate.report.thumbnails import PER_FILE, Sheet
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import RunError

log = logging.getLogger("ressl_tf")
LARGEST_BATCH = 256  # the batch statistics of more are hardly others
MOST_BYTES = 1.8e6  # of the relations in a page of at most 6 MB
MOST_BYTES_BESIDE = 4e7  # of those in a folder beside it
MOST_WEIGHTS = 2**31  # bytes, of all checkpoints that are shown
HELD_BYTES = 2**29  # of views, beside which the checkpoints take turns
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
    paths: Sequence[pathlib.Path], most: int, count: int, model: ImageSSL
) -> list[pathlib.Path]:
    """Choose checkpoints for a page: the last one, and as many before it as fit in.

    Args:
        paths: of all checkpoints, the oldest first.
        most: how many are asked for.
        count: of the images.
        model: of the run.
    """
    embedded = 2 * count * model.embedding_dim * 2 * 4 / 3  # both, int16 as base64
    weights = 4 * sum(network.count_params() for network in model.networks.values())
    room = MOST_BYTES_BESIDE if count > PER_FILE else MOST_BYTES
    fit = min(room // embedded, MOST_WEIGHTS // weights)
    kept = max(1, min(most, int(fit)))
    if kept < min(most, len(paths)):
        log.info("relations are shown at %d of the checkpoints: more need MBs", kept)
    return list(paths[-kept:])


class Drawing:
    """Views of images, and the function that embeds them, for any number of reports.

    TensorFlow does not free all that it compiles for them: with new ones for each
    report a run grows.

    Args:
        model: of the run.
        config: of the run.
        sources: the images; a batch has those of one source.
        seed: of the views.
    """

    def __init__(
        self, model: ImageSSL, config: Config, sources: Sequence[Source], seed: int
    ):
        self.sizes = [source.size for source in sources]
        self.batches = [
            ordered_view_batches(
                source, model.views, batch_size(config, source.size), seed
            )
            for source in sources
        ]
        self.embed = embedder(model)


def snapshots(
    model: ImageSSL,
    drawing: Drawing,
    paths: Sequence[pathlib.Path],
    sheets: Sequence[Sheet],
) -> list[Snapshot]:
    """Embed the views of all images at each checkpoint that can be read.

    Args:
        model: of the run; its weights are replaced.
        drawing: of the same model.
        paths: of checkpoints, the oldest first.
        sheets: the teacher's and the student's views are added to these.
    """
    read = [(step_of(path), state) for path in paths if (state := _read(model, path))]
    if not read:
        return []
    model.gradient_accumulation = 1  # `batch_size` is a micro-batch
    states = [state for _, state in read]
    of_sources = [
        _embeddings(model, drawing.embed, batches, size, states, sheets)
        for batches, size in zip(drawing.batches, drawing.sizes, strict=True)
    ]
    return [
        Snapshot(step, *map(np.concatenate, zip(*pairs, strict=True)))
        for (step, _), pairs in zip(read, zip(*of_sources, strict=True), strict=True)
    ]


def _embeddings(model, embed, batches, size, states, sheets):
    """Return for each state the teacher's and the student's embeddings of a source."""
    names = view_pair(model)
    found: list[list] = [[] for _ in states]
    before = sheets[0].filled
    for chunk in _chunks(batches, names):
        for views in chunk:
            left = size - (sheets[0].filled - before)  # the last batch repeats
            for sheet, name in zip(sheets, names, strict=True):
                sheet.add(views[name].numpy()[:left])
        for state, pairs in zip(states, found, strict=True):
            _load(model, state)
            pairs += [[part.numpy() for part in embed(views)] for views in chunk]
    return [
        [np.concatenate(part)[:size] for part in zip(*pairs, strict=True)]
        for pairs in found
    ]


def embedder(model: ImageSSL):
    """Return a function from views to the teacher's and the student's embeddings."""
    weak, strong = view_pair(model)

    @tf.function(reduce_retracing=True, autograph=False)
    def embed(views):
        teacher = model.embed_target(views[weak], tf.constant([0, 0]))
        return teacher, model.embed(views[strong], training=True)

    return embed


@contextlib.contextmanager
def borrowed(model: ImageSSL) -> Iterator[None]:
    """Put back the weights of a model that a run goes on with, batch statistics too."""
    state, accumulation = _state(model), model.gradient_accumulation
    try:
        yield
    finally:
        model.gradient_accumulation = accumulation
        _load(model, state)


def _chunks(batches: Iterable, names: Sequence[str]) -> Iterator[list[dict]]:
    """Hold some batches of the views: they are drawn once for all checkpoints."""
    chunk: list[dict] = []
    for views in batches:
        chunk.append({name: views[name] for name in names})
        pixels = sum(int(tf.size(view)) for view in chunk[0].values())
        if 4 * pixels * (len(chunk) + 1) > HELD_BYTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _read(model: ImageSSL, path: pathlib.Path) -> list[np.ndarray]:
    """Return all weights of the networks at a checkpoint; none where it is damaged."""
    try:
        restore_networks(path, model.networks)
    except RunError as error:
        log.warning("relations leave out %s: %s", path.name, error)
        return []
    return _state(model)


def _state(model: ImageSSL) -> list[np.ndarray]:
    return [v.numpy() for part in model.networks.values() for v in part.variables]


def _load(model: ImageSSL, state: list[np.ndarray]) -> None:
    variables = [v for part in model.networks.values() for v in part.variables]
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)
