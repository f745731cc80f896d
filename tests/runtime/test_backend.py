"""Settings of Keras that the package cannot use: one line, before Keras is loaded."""

import json
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest

from ressl_tf.runtime import backend

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def unloaded(monkeypatch, tmp_path):
    """Pretend that Keras is not loaded, in an environment without settings."""
    for name in ("keras", "keras_cv"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("KERAS_BACKEND", "TF_USE_LEGACY_KERAS", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "keras.json").write_text(text)
    return str(folder / "keras.json")


def test_keras_as_it_comes_is_good(unloaded, monkeypatch):
    assert backend.refusal() == ""
    write(unloaded / ".keras", json.dumps(backend.NEEDED))
    assert backend.refusal() == ""
    for name, value in (("KERAS_BACKEND", ""), ("KERAS_BACKEND", "tensorflow")):
        monkeypatch.setenv(name, value)
        assert backend.refusal() == ""
    for off in ("", "0", "false"):
        monkeypatch.setenv("TF_USE_LEGACY_KERAS", off)
        assert backend.refusal() == ""


@pytest.mark.parametrize("name", ["jax", "torch", "numpy", "openvino", "TensorFlow"])
def test_another_backend_is_refused(unloaded, monkeypatch, name):
    line = (
        "ressl_tf needs Keras with backend=tensorflow; change it and start Python "
        f"again. Received: backend={name}, set by "
    )
    path = write(unloaded / ".keras", json.dumps({"backend": name}))
    assert backend.refusal() == line + path
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # which wins
    assert backend.refusal() == ""
    write(unloaded / ".keras", json.dumps({"backend": "tensorflow"}))
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert backend.refusal() == line + "KERAS_BACKEND"


@pytest.mark.parametrize(
    ("name", "value"),
    [("image_data_format", "channels_first"), ("floatx", "float16")],
)
def test_settings_that_would_build_another_network_are_refused(
    unloaded, monkeypatch, name, value
):
    path = write(unloaded / "home", json.dumps({name: value}))
    assert backend.refusal() == ""
    monkeypatch.setenv("KERAS_HOME", "~/home")
    assert f"{name}={value}, set by {path}" in backend.refusal()


def test_a_file_that_keras_cannot_read_is_named(unloaded):
    path = write(unloaded / ".keras", "[1]")
    assert backend.refusal().startswith(f"{path} must be a JSON object")
    write(unloaded / ".keras", "{half")  # Keras takes it for empty
    assert backend.refusal() == ""


@pytest.mark.parametrize("value", backend.TRUE)
def test_the_legacy_switch_is_refused_until_all_is_loaded(unloaded, monkeypatch, value):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", value)
    assert backend.refusal().endswith(f"Received: TF_USE_LEGACY_KERAS={value}")
    monkeypatch.setitem(sys.modules, "keras_cv", types.ModuleType("keras_cv"))
    assert backend.refusal() == ""


def test_of_a_keras_that_is_loaded_its_own_settings_count(unloaded, monkeypatch):
    settings = {**backend.NEEDED, "floatx": "float64"}
    config = types.SimpleNamespace(**{n: lambda n=n: settings[n] for n in settings})
    monkeypatch.setitem(sys.modules, "keras", types.SimpleNamespace(config=config))
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # too late to mean anything
    assert "floatx=float64, set by this program" in backend.refusal()
    settings["floatx"] = "float32"
    assert backend.refusal() == ""


def python(*words, **variables):
    """Run Python with these variables; return status, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **variables},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("variable", ["KERAS_BACKEND=jax", "TF_USE_LEGACY_KERAS=1"])
@pytest.mark.parametrize("command", ["train", "knn", "nodes", "sweep"])
def test_a_command_says_it_in_one_line_and_helps_all_the_same(command, variable):
    name, _, value = variable.partition("=")
    words = ["--grid=seed=0"] if command == "sweep" else []
    words += ["--workdir=nowhere"] if command in ("knn", "nodes") else []
    status, out, err = python("-m", f"ressl_tf.{command}", *words, **{name: value})
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("error: ressl_tf ")
    status, out, _ = python("-m", f"ressl_tf.{command}", "--help", **{name: value})
    assert (status, "--help" in out) == (0, True)


USES = {
    "ressl_tf.ReSSL": True,
    "ressl_tf.open_pretrained": True,
    "ressl_tf.backbones": True,
    "importlib.import_module('ressl_tf.models.encoder')": True,
    "ressl_tf.Config()": False,
}


@pytest.mark.parametrize(("use", "refused"), USES.items())
def test_python_gets_an_error_of_one_line_at_the_first_use(use, refused):
    code = f"import importlib, ressl_tf; print('imported'); {use}"
    status, out, err = python("-c", code, KERAS_BACKEND="jax")
    assert (status, out) == (int(refused), "imported\n")
    if refused:
        last = err.splitlines()[-1]
        assert last.startswith("ressl_tf.runtime.errors.UsageError: ressl_tf needs")


KERAS_OF_JAX = """
class config:
    backend = staticmethod(lambda: "jax")
    floatx = staticmethod(lambda: "float32")
    image_data_format = staticmethod(lambda: "channels_last")
"""


def test_a_program_may_use_keras_with_another_backend_beside_the_package(tmp_path):
    """It is imported, and refused when it is used, or has to make itself known."""
    (tmp_path / "keras.py").write_text(KERAS_OF_JAX)
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
    first = f"{path} import ressl_tf, keras; print(keras.config.backend());"
    refused = "Received: backend=jax, set by this program"
    assert python("-c", first)[:2] == (0, "jax\n")
    status, out, err = python("-c", f"{first} ressl_tf.ReSSL")
    assert (status, out, refused in err) == (1, "jax\n", True)
    status, _, err = python("-c", f"{path} import keras, ressl_tf")
    assert (status, refused in err) == (1, True)


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ({"one": ["3.15.0"]}, ""),
        ({"one": ["3.15.0"], "two": ["2.15.0"]}, ""),  # the first is imported
        ({"one": ["2.15.0"], "two": ["3.15.0"]}, "Received: Keras 2.15.0 in"),
        ({"one": ["3.12.0", "3.15.0"]}, "two versions of Keras.*3.12.0, 3.15.0; pip"),
    ],
)
def test_what_is_installed_as_keras(versions, message, tmp_path, monkeypatch):
    for folder, found in versions.items():
        for version in found:
            info = tmp_path / folder / f"keras-{version}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Name: keras\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / folder) for folder in versions])
    backend._bad_installation.cache_clear()
    reason = backend._bad_installation()
    backend._bad_installation.cache_clear()
    assert re.search(message, reason) if message else reason == ""
