"""The sheet names what bits depend on."""

import json
import platform

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.engine import sheet


def test_versions_threads_switches_and_data(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(
        tf.config.threading, "get_intra_op_parallelism_threads", lambda: 5
    )
    found = json.loads(json.dumps(sheet.describe(7, {"sha256": "a"})))
    assert found["python"] == platform.python_version()
    versions = {"tensorflow": tf, "keras": keras, "numpy": np}
    for name, package in versions.items():
        assert found["versions"][name] == package.__version__
    assert found["threads"]["intra_op"] == 5
    assert found["environment"]["OMP_NUM_THREADS"] == "3"
    assert (found["seed"], found["data"]) == (7, {"sha256": "a"})
    assert found["package"]["version"]
    assert "load" not in found
