"""Random flags resolve, or are refused in one line; none ends in a traceback."""

import contextlib
import dataclasses
import functools
import io
import json
import os

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ressl_tf.config import Config
from ressl_tf.data import load
from ressl_tf.methods import build, images
from ressl_tf.pretraining import dry_run
from ressl_tf.runtime import command, flags

# The same in each run, so that more of them in CI would find nothing new.
CASES = int(os.environ.get("RESSL_TF_FUZZ", "100"))
NETWORKS = max(6, CASES // 20)
WRONG = ["", "nan", "-inf", "1e400", "many", "-1", "0", "1.5", "True", "ö", "a,b", "1,"]
TEXTS = {
    "dataset": ["shapes", "folder:/nowhere", "folder:", "cifra10", "two words", ":"],
    "split": ["train", "test", "train[:50%]", "train[", "nothing"],
    "flagfile": ["/nowhere"],
}
NUMBERS = [0, 1, 2, 3, 7, 8, 16, 26, 27, 64, 1000, 65536, 2**24, 2**31, 10**20]
SHARES = [0.0, 1e-9, 0.001, 0.01, 0.2, 0.5, 0.99, 1.0, 1.01, 5.0, 1e3, 1e300]
NAMES = [field.name for field in dataclasses.fields(Config) if field.name != "workdir"]


def value(field):
    """Draw texts for a flag: mostly of its kind, some of none."""
    allowed = flags.choices(field)
    if allowed:
        good = list(allowed)
    elif isinstance(field.default, bool):
        good = ["true", "false"]
    elif isinstance(field.default, str):
        good = TEXTS.get(field.name, ["auto", "none"])
    elif isinstance(field.default, tuple):
        part = st.sampled_from([*SHARES, *NUMBERS])
        lists = st.lists(part, max_size=5).map(lambda x: ",".join(map(str, x)))
        return st.one_of(lists, st.sampled_from(WRONG))
    else:
        good = NUMBERS if isinstance(field.default, int) else [*SHARES, *NUMBERS]
        good = [number for number in good if number < 2**53] + [field.default] * 5
    return st.sampled_from([*map(str, good)] * 6 + WRONG)


FIELDS = {field.name: field for field in dataclasses.fields(Config)}
FLAG = st.sampled_from(NAMES).flatmap(
    lambda name: value(FIELDS[name]).map(lambda text: f"--{name}={text}")
)
LINES = st.lists(FLAG, max_size=6)


@functools.cache
def small_network(channels=3, **_):
    layers = [keras.Input((None, None, channels)), keras.layers.Conv2D(4, 3)]
    layers.append(keras.layers.GlobalAveragePooling2D())
    return keras.Sequential(layers)


def resolve(arguments):
    """Return exit status, stdout and stderr of `--dry_run`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command.run(dry_run.describe, Config, "", arguments)
    return status, out.getvalue(), err.getvalue()


def check(arguments):
    """Expect the JSON line with the resolved config, or one line and status 2."""
    status, out, err = resolve(arguments)
    if status == 0:
        report = json.loads(out)
        assert report["config"]["seed"] >= 0
        assert report["steps"] is None or report["steps"] >= 1
    else:
        assert (status, out) == (2, ""), (arguments, out, err)
        (line,) = err.splitlines()
        assert line.startswith("error: ")
    return status


@pytest.fixture
def quick(monkeypatch):
    """Open sources once, on a machine of 100 MB that refuses what is large."""
    opened = functools.cache(load.load_source)
    monkeypatch.setattr(load, "load_source", opened)
    monkeypatch.setattr(build, "physical_memory", lambda: 100_000_000)


OPTIONS = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.slow
def test_random_flags_resolve_or_are_refused(photos, quick, monkeypatch):
    """With one small network in the place of all; the rest is real."""
    monkeypatch.setattr(
        images.backbones, "build", lambda _, **options: small_network(**options)
    )
    monkeypatch.setattr(dry_run, "multiply_adds", lambda network, size: 0)
    statuses = []

    @settings(max_examples=CASES, **OPTIONS)
    @given(LINES)
    def cases(line):
        statuses.append(check([f"--dataset=folder:{photos}", *SMALL, *line]))

    cases()
    assert len(statuses) >= CASES
    assert 0.2 < statuses.count(0) / len(statuses) < 0.8


SMALL = ["--image_size=16", "--batch_size=8", "--hidden_dim=8", "--embedding_dim=8"]
REAL = ("method", "stem", "batch_norm", "crop_sizes", "image_size", "head")
REAL_FLAG = st.sampled_from(REAL).flatmap(
    lambda name: value(FIELDS[name]).map(lambda text: f"--{name}={text}")
)


@pytest.mark.slow
def test_random_flags_of_the_network_build_it_or_are_refused(photos, quick):
    """The networks themselves, small ones."""

    @settings(max_examples=NETWORKS, **OPTIONS)
    @given(
        st.sampled_from(["resnet18", "vit_s16", "mobilenet_v3_small"]),
        st.lists(REAL_FLAG, max_size=3),
    )
    def cases(backbone, line):
        words = [*SMALL, f"--backbone={backbone}", "--width=0.0625", *line]
        check([f"--dataset=folder:{photos}", *words])
        keras.backend.clear_session()

    cases()
