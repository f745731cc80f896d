"""What a `.keras` file is refused for before Keras opens it."""

import json
import zipfile

import pytest

from ressl_tf.runtime import archives, keras_archive
from ressl_tf.runtime.errors import UsageError


def layer(name, **config):
    module, registered = "keras.layers", None
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


def write(path, config, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(config))
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", keras_archive.OF_CODE)
def test_layers_that_run_what_they_hold_are_refused(tmp_path, name):
    inner = layer("Sequential", layers=[layer("Dense"), layer(name)])
    path = write(tmp_path / "a.keras", layer("Functional", layers=[inner]))
    with pytest.raises(UsageError, match=rf"brings code of its own \(a layer {name}"):
        keras_archive.check(path)


def test_a_function_anywhere_is_refused(tmp_path):
    function = {"class_name": "__lambda__", "config": {"value": "4wEAAA=="}}
    path = write(tmp_path / "a.keras", layer("Dense", activation=function))
    with pytest.raises(UsageError, match="a Python function"):
        keras_archive.check(path)


def test_a_registered_class_of_such_a_name_is_no_code_of_the_file(tmp_path):
    mine = {**layer("Lambda"), "registered_name": "mine>Lambda"}
    keras_archive.check(write(tmp_path / "a.keras", layer("Functional", layers=[mine])))


def test_a_deep_description_is_refused_or_read(tmp_path):
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", deep)
    with pytest.raises(UsageError, match=r"no .keras file"):
        keras_archive.check(path)


def test_bombs_and_members_that_climb_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "physical_memory", lambda: 10**6)
    weights = {"model.weights.h5": bytes(10**6)}
    path = write(tmp_path / "a.keras", layer("Dense"), **weights)
    with pytest.raises(UsageError, match="more than half of the memory"):
        keras_archive.check(path)
    path = write(tmp_path / "b.keras", layer("Dense"), **{"assets/../../b": b"x"})
    with pytest.raises(UsageError, match="leaves the folder"):
        keras_archive.check(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\3\4" + bytes(99)])
def test_what_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "a.keras").write_bytes(content)
    with pytest.raises(UsageError, match=r"no .keras file of a model: "):
        keras_archive.check(tmp_path / "a.keras")
