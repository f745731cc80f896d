"""Paths: `~` is expanded, addresses are refused, and what was written is kept."""

import copy
import dataclasses
import importlib
import json
import os
import pathlib
import pickle
import typing

import pytest

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.data_flags import PATHS
from ressl_tf.runtime import flags, paths
from ressl_tf.runtime.errors import UsageError

PACKAGE = pathlib.Path(ressl_tf.__file__).parent


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("", ""),
        ("~", "/home/me"),
        ("~/runs/a", "/home/me/runs/a"),
        ("~root/a", os.path.expanduser("~root/a")),
        ("./~/a", "./~/a"),
        ("runs/~a", "runs/~a"),
        ("/data/a b", "/data/a b"),
        ("C:/photos", "C:/photos"),
        ("C://photos", "C://photos"),
        ("a:b/c", "a:b/c"),
        ("./gs://bucket", "./gs://bucket"),
        (pathlib.Path("/data/x"), "/data/x"),
    ],
)
def test_a_path_is_expanded_and_otherwise_as_it_was(written, expanded):
    path = paths.local(written, "--workdir")
    assert path == expanded
    assert paths.as_written(path) == os.fspath(written)


@pytest.mark.parametrize(
    ("dataset", "expanded"),
    [
        ("folder:~/photos", "folder:/home/me/photos"),
        ("graph:~/cora.npz", "graph:/home/me/cora.npz"),
        ("folder://photos", "folder://photos"),
        ("folder:photos", "folder:photos"),
        ("name/config:1.0.0", "name/config:1.0.0"),
        ("~", "~"),  # no path, and no data set
    ],
)
def test_of_a_data_set_what_stands_behind_a_prefix_is_a_path(dataset, expanded):
    assert paths.local(dataset, "--dataset", PATHS) == expanded


@pytest.mark.parametrize(
    "address",
    [
        *("gs://b/run", "s3://b", "hdfs://n:9000/a", "http://x/y", "https://x"),
        *("GS://b", "file:///a", "abfss://a@b/c", "dbfs:/mnt/x", "gs:/b/run"),
        "folder://x",
    ],
)
def test_an_address_is_refused(address):
    with pytest.raises(UsageError) as error:
        paths.local(address, "--workdir")
    assert str(error.value) == (
        "--workdir must be a path on this machine, no address; mount the storage or "
        f"copy it, and give the path. Received: '{address}'"
    )
    for dataset in (f"graph:{address}", *[address] * (address != "folder://x")):
        with pytest.raises(UsageError, match="no address"):
            paths.local(dataset, "--dataset", PATHS)


@pytest.mark.parametrize("address", ["s3://b", "http://x/y", "file:///a", "gs:/b/run"])
def test_where_an_address_may_stand_its_file_system_must_be_there(address):
    for written, prefixes in ((address, ()), (f"folder:{address}", PATHS)):
        with pytest.raises(UsageError) as error:
            paths.local(written, "--x", prefixes, remote=True)
        scheme = address.partition(":")[0]
        said = f"--x: TensorFlow has no file system {scheme}:// here, but gs://, ram://"
        assert str(error.value).startswith(said)
    with pytest.raises(UsageError, match="no address"):
        paths.local(f"graph:{address}", "--x", PATHS, remote=True)


def test_an_address_of_data_stays_and_one_of_a_run_is_its_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = paths.local("folder:ram://a/b", "--dataset", PATHS, remote=True)
    assert path == paths.as_written(path) == "folder:ram://a/b"
    path = paths.local("ram://a/b", "--workdir", remote=True)
    assert path == str(tmp_path / "ressl_tf/remote/ram/a/b")
    assert paths.as_written(path) == "ram://a/b"


def test_what_cannot_be_a_path_is_refused():
    with pytest.raises(UsageError, match=r"no home folder ~nobody-here, and ./~nobody"):
        paths.local("~nobody-here/run", "--output")
    with pytest.raises(UsageError, match=r"null characters. Received: 'a\\x00b'"):
        paths.local("a\0b", "--output")


def test_an_expanded_path_stays_so_and_is_copied_with_what_was_written(monkeypatch):
    path = paths.local("folder:~/a", "--dataset", ("folder:",))
    monkeypatch.setenv("HOME", "/home/other")
    for same in (paths.local(path, "--dataset"), copy.deepcopy(path)):
        assert (same, paths.as_written(same)) == ("folder:/home/me/a", "folder:~/a")
    assert paths.as_written(pickle.loads(pickle.dumps(path))) == "folder:~/a"
    assert json.dumps([path]) == '["folder:/home/me/a"]'
    assert pathlib.Path(path).parts[0] == "folder:"


def test_paths_are_the_same_when_they_are_expanded():
    assert paths.same("~/a", "/home/me/a")
    assert paths.same("folder:~/a", "folder:/home/me/a", ("folder:",))
    assert not paths.same("~/a", "/home/me/b")
    assert not paths.same("folder:~/a", "folder:/home/me/a", ("graph:",))
    assert paths.same("gs://a", "gs://a")  # of an earlier version
    assert not paths.same("gs://a", "/home/me/a")


def commands():
    """Return the class of flags of each command line."""
    names = [path.stem for path in PACKAGE.glob("[a-z]*.py")]
    mains = [importlib.import_module(f"ressl_tf.{name}").main for name in names]
    return [typing.get_type_hints(main)["config"] for main in mains]


NO_PATHS = {  # texts that are free, and name something else
    *("split", "eval_split", "train_split", "knn_bank_split"),
    *("coordinator_address", "tpu"),
    *("copy", "show"),  # names of files that come with the package
    *("rgb", "value_range", "tracker"),  # numbers or words, names
}


@pytest.mark.parametrize("cls", commands(), ids=lambda cls: cls.__name__)
def test_every_text_flag_of_every_command_is_a_path_or_known_not_to_be(cls):
    texts = {
        field.name: field.metadata["path"]
        for field in dataclasses.fields(cls)
        if isinstance(field.default, str) and not field.metadata["choices"]
    }
    assert {name for name, path in texts.items() if path is None} <= NO_PATHS
    remote = {f.name for f in dataclasses.fields(cls) if f.metadata["remote"]}
    assert remote <= {"dataset", "workdir"}
    known = {name for name, prefixes in texts.items() if prefixes}
    assert known <= {"dataset"}
    kinds = ("folder", "files", "list", "webdataset", "tfrecord", "graph")
    assert texts.get("dataset", PATHS) == PATHS == tuple(f"{kind}:" for kind in kinds)


@pytest.mark.parametrize("cls", commands(), ids=lambda cls: cls.__name__)
def test_every_path_of_every_command_is_expanded_or_refused(cls):
    for field in dataclasses.fields(cls):
        if (prefixes := field.metadata["path"]) is None:
            continue
        prefix = prefixes[0] if prefixes else ""
        config = object.__new__(cls)  # what else a command needs is not at stake
        for other in dataclasses.fields(cls):
            object.__setattr__(config, other.name, other.default)
        object.__setattr__(config, field.name, f"{prefix}~/a.png")
        flags.check(config)
        assert getattr(config, field.name) == f"{prefix}/home/me/a.png"
        assert flags.as_written(config)[field.name] == f"{prefix}~/a.png"
        assert flags.arguments(config)[0].endswith(f"={prefix}~/a.png")
        object.__setattr__(config, field.name, f"{prefix}s3://b/a.png")
        said = "no file system s3" if field.metadata["remote"] else "must be .*no addr"
        with pytest.raises(UsageError, match=f"^--{field.name}:? .*{said}"):
            flags.check(config)


def test_a_config_of_python_has_the_paths_of_one_from_flags():
    words = ["--workdir=~/run", "--dataset=folder:~/a", "--init_from=~/b.keras"]
    config = flags.parse(Config, words)
    assert (config.run_dir, config.dataset) == ("/home/me/run", "folder:/home/me/a")
    assert config == Config(
        workdir=pathlib.Path("~/run"), dataset="folder:~/a", init_from="~/b.keras"
    )
    assert set(words) < {*flags.arguments(config)}
    later = dataclasses.replace(config, epochs=9)
    assert flags.as_written(later)["dataset"] == "folder:~/a"


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
def test_names_that_tensorflow_cannot_write_to_are_refused():
    paths.check_text("/a/café\n", "--output")
    with pytest.raises(UsageError, match=r"--output: .*Received: /a/caf\\xe9/b"):
        paths.check_text(os.fsdecode(b"/a/caf\xe9/b"), "--output")
