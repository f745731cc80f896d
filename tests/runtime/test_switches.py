"""Switches that TensorFlow reads: set once, unless the user has set them."""

import os
import subprocess
import sys

import pytest
from tensorflow.python import util

from ressl_tf.runtime import kernels, switches


@pytest.fixture
def variables(monkeypatch):
    """Restore the environment afterwards."""
    for name in (switches.ONEDNN, "XLA_FLAGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return os.environ


def test_onednn_is_on_unless_the_user_has_set_it(variables, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow")
    switches.set_switches()
    assert variables[switches.ONEDNN] == "1"
    assert switches.XLA_PASS in variables["XLA_FLAGS"]
    variables[switches.ONEDNN] = "0"
    switches.set_switches()
    assert variables[switches.ONEDNN] == "0"


@pytest.mark.parametrize(
    ("computing", "own", "said"),
    [("Eigen", None, True), ("oneDNN", None, False), ("Eigen", "0", False)],
)
def test_a_switch_that_comes_too_late_is_said(
    variables, monkeypatch, caplog, computing, own, said
):
    """TensorFlow is loaded here; who has switched oneDNN off has meant it."""
    monkeypatch.setattr(switches, "cpu_kernels", lambda: computing)
    if own:
        variables[switches.ONEDNN] = own
    switches.set_switches()
    assert ("import ressl_tf first" in caplog.text) == said


def test_the_kernels_are_unknown_to_another_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, f"{util.__name__}._pywrap_util_port", None)
    monkeypatch.delattr(util, "_pywrap_util_port", raising=False)
    assert kernels.cpu_kernels() is None


@pytest.mark.slow
@pytest.mark.parametrize(("own", "computing"), [(None, "oneDNN"), ("0", "Eigen")])
def test_tensorflow_computes_with_the_kernels_that_were_chosen(own, computing):
    code = (
        "import ressl_tf; from ressl_tf.runtime.kernels import cpu_kernels\n"
        "import tensorflow; print(cpu_kernels())"
    )
    environment = {**os.environ, switches.ONEDNN: own or ""}
    if own is None:
        del environment[switches.ONEDNN]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout == f"{computing}\n", done.stderr
