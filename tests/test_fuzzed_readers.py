"""Readers of files refuse what is damaged in one line, and change nothing else.

RESSL_TF_FUZZ is the number of files for each reader; docs/reliability.md says how many
were tried by hand.
"""

import contextlib
import io
import json
import os
import signal
import tarfile
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import crafted, library_photos, mutated
from hypothesis import HealthCheck, given, seed, settings

from ressl_tf.config import Config
from ressl_tf.data.decode import complaint, decode_any
from ressl_tf.data.file_list import FileList
from ressl_tf.data.image_list import ImageList
from ressl_tf.data.record_shards import RecordShards
from ressl_tf.data.tar_shards import TarShards
from ressl_tf.engine import checkpoint, written_by
from ressl_tf.engine.workdir import read_rows, to_json
from ressl_tf.evaluate.embeddings import embedded
from ressl_tf.graphs.graph import Graph
from ressl_tf.runtime import flags, keras_archive
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import stored_config

FILES = int(os.environ.get("RESSL_TF_FUZZ", "300"))
HANG = 120  # seconds, after which a reader is taken to hang, however busy the machine
SLOW = 2  # seconds of all cores together: more is a file that was made to be slow


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def graph_file():
    edges = {"adj_data": np.ones(4), "adj_indices": np.array([1, 0, 2, 1])}
    starts = {"adj_indptr": np.array([0, 1, 3, 4]), "adj_shape": np.array([3, 3])}
    labels = {"labels": np.arange(3), "class_names": np.array(["a", "b", "c"])}
    return npz(**edges, **starts, **labels, attr_matrix=np.eye(3, dtype=np.float32))


def records(count=3):
    def feature(**values):
        return tf.train.Feature(**values)

    image = feature(bytes_list=tf.train.BytesList(value=[crafted.photo("PNG")]))
    label = feature(int64_list=tf.train.Int64List(value=[1]))
    features = tf.train.Features(feature={"image": image, "label": label})
    path = tf.io.gfile.join(os.environ["TMPDIR_OF_TEST"], "made.tfrecord")
    with tf.io.TFRecordWriter(path) as file:
        for _ in range(count):
            file.write(tf.train.Example(features=features).SerializeToString())
    with open(path, "rb") as file:
        data = file.read()
    os.remove(path)
    return data


def tar(style):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=style) as archive:
        for name, data in (
            ("a" * 101 + ".png", b"abcd"),
            ("b.cls", b"1"),
            ("b.png", b"x"),
        ):
            name = name[-99:] if style == tarfile.USTAR_FORMAT else name
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def embeddings():
    about = json.dumps({"image_size": 8, "format_number": 1})
    arrays = {
        "features": np.eye(3, dtype=np.float32),
        "labels": np.arange(3, dtype="i4"),
    }
    texts = {
        "paths": np.array(["a", "b", "c"]),
        "label_names": np.array(["x", "y", "z"]),
    }
    return npz(**arrays, **texts, about=np.array(about))


def keras_file():
    file = os.path.join(os.environ["TMPDIR_OF_TEST"], "made.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(file)
    with open(file, "rb") as opened:
        data = opened.read()
    os.remove(file)
    return data


def open_tar(path):
    source = TarShards(path, "train")
    for row in range(source.size):
        with contextlib.suppress(tf.errors.OpError):  # which the pipeline names
            source.read(tf.constant(row, tf.int64))


def decoded(path):
    data = tf.constant(path.read_bytes())
    try:
        decode_any(data)
    except tf.errors.InvalidArgumentError as error:
        raise UsageError(complaint(error)) from None


def restored(path):
    variable = keras.Variable(np.zeros([2, 3], np.float32))
    folder = os.path.dirname(path)
    checkpoint.restore_networks(folder, {"online": One(variable)})


class One:
    """What has one variable."""

    def __init__(self, variable):
        self.variables = [variable]


ROWS = b"".join(
    json.dumps({"step": s, "epoch": s, "loss": 1.5}).encode() + b"\n" for s in range(4)
)
CSV = "path,label,split\nä b.png,cat,train\n../c.png,dog,train\n/d.png,,test\n".encode()
CONFIG = json.dumps({**to_json(Config()), "format_number": 1}).encode()
FLAGS = b"# a comment\n--epochs=3\n\n--dataset=folder:/photos\n--crop_sizes=32,16\n"
LIST = b'["other", "./other"]'
READERS = {  # name -> (name of the file, seeds, reader of its path)
    "graph": ("a.npz", lambda: [graph_file()], Graph.from_npz),
    "log": ("metrics.jsonl", lambda: [ROWS], lambda path: read_rows(path.parent)),
    "config": (
        "config.json",
        lambda: [CONFIG],
        lambda path: stored_config(path.parent),
    ),
    "checkpoint": (
        "step-000000003.npz",
        lambda: [
            npz(**{"online/000": np.ones([2, 3], np.float32)}),
            npz(
                **{"online/000": np.ones([2, 3], np.float32)},
                about=written_by.described(),
            ),
        ],
        restored,
    ),
    "CSV": ("a.csv", lambda: [CSV], lambda path: ImageList(str(path), "train")),
    "text": ("a.txt", lambda: [CSV], lambda path: ImageList(str(path), "train")),
    "JSON list": ("a.json", lambda: [LIST], lambda path: FileList(str(path), "train")),
    "flagfile": (
        "a.flags",
        lambda: [FLAGS],
        lambda path: flags.parse(Config, [f"--flagfile={path}"]),
    ),
    "TFRecord": (
        "train.tfrecord",
        lambda: [records()],
        lambda path: RecordShards(str(path), "train"),
    ),
    "tar": (
        "train.tar",
        lambda: [
            tar(tarfile.USTAR_FORMAT),
            tar(tarfile.GNU_FORMAT),
            tar(tarfile.PAX_FORMAT),
        ],
        lambda path: open_tar(str(path)),
    ),
    "embed": ("a.npz", lambda: [embeddings()], embedded.read),
    "keras": ("a.keras", lambda: [keras_file()], keras_archive.check),
    "image": (
        "a.png",
        lambda: [
            *(crafted.photo(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP")),
            crafted.photo("JPEG", progressive=True),
        ],
        decoded,
    ),
    "image of a library": ("a.tif", library_photos.of_all_kinds, decoded),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder to work in; all that is kept goes elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR_OF_TEST", str(tmp_path))
    place = tmp_path / "place"
    place.mkdir()
    (place / "other").write_bytes(b"of nobody's business")
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def alarm():
    """Return a function that begins the time of a reader anew."""

    def ring(*_):
        raise AssertionError(f"a reader hangs for {HANG} s")

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda: signal.alarm(HANG)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused_in_one_line(name, folder, alarm):
    file, seeds, reader = READERS[name]
    path, outcomes, slowest = folder / file, {"read": 0, "refused": 0}, [0.0, b""]

    @seed(0)
    @settings(
        max_examples=FILES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated.files(seeds()))
    def refuse_or_read(data):
        path.write_bytes(data)
        alarm()
        begun = time.process_time()
        try:
            reader(path)
            outcomes["read"] += 1
        except (UsageError, RunError) as error:
            outcomes["refused"] += len(str(error).splitlines()) == 1
        slowest[:] = max(slowest, [time.process_time() - begun, data])
        assert sorted(os.listdir(folder)) == sorted([file, "other"])
        assert path.read_bytes() == data

    refuse_or_read()
    assert (folder / "other").read_bytes() == b"of nobody's business"
    assert sum(outcomes.values()) == FILES  # and each refusal is one line
    assert min(outcomes.values()) > 0
    assert slowest[0] < SLOW, slowest[1]
    print(name, outcomes, f"slowest {slowest[0]:.2f} s")


def test_a_log_that_is_cut_at_any_byte_keeps_its_whole_rows(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    for end in range(len(ROWS) + 1):
        path.write_bytes(ROWS[:end])
        caplog.clear()
        whole = ROWS[:end].count(b"\n")
        complete = ROWS[end : end + 1] == b"\n"  # but for its line break
        assert [row["step"] for row in read_rows(tmp_path)] == list(
            range(whole + complete)
        )
        cut = ROWS[:end].rpartition(b"\n")[2] and not complete
        assert ("cut off" in caplog.text) == bool(cut)
