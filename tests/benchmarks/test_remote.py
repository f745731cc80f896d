"""Benchmarks in another process."""

import sys

import pytest

from ressl_tf.benchmarks import remote as process
from ressl_tf.benchmarks.remote import Remote
from ressl_tf.runtime.errors import RunError, UsageError

DOUBLES = "import sys\nfor line in sys.stdin:\n    print(2 * float(line), flush=True)"


def test_a_remote_candidate_answers_line_by_line():
    remote = Remote([sys.executable, "-c", DOUBLES], "double")
    assert [remote(2.0), remote(0.5)] == [4.0, 1.0]
    remote.close()


def test_a_remote_candidate_that_dies_is_one_line():
    remote = Remote([sys.executable, "-c", "raise SystemExit('no such op')"], "peer")
    with pytest.raises(RunError, match="the peer peer failed: no such op"):
        remote(1.0)


def test_named_peers_need_the_source_checkout(monkeypatch, tmp_path):
    for peers in (("auto",), ("none",), ("torch", "pil")):
        process.check_peers(peers)
    monkeypatch.setattr(process, "SCRIPTS", tmp_path)
    for peers in (("auto",), ("none",)):
        process.check_peers(peers)
    with pytest.raises(UsageError, match=r"source checkout.*--peers=torch,pil"):
        process.check_peers(("torch", "pil"))
