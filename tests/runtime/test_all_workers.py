"""A worker that loses the others, with and without having been asked to stop."""

import pytest
import tensorflow as tf

from ressl_tf.runtime import all_workers, distribute
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch


def lose():
    raise tf.errors.UnavailableError(None, None, "connection reset by peer")


def test_a_lost_worker_is_one_line(monkeypatch):
    monkeypatch.setattr(distribute, "worker", lambda strategy: (2, 4))
    with (
        pytest.raises(RunError, match=r"^worker 2 of 4 lost another one \(Unavail"),
        all_workers.lost_workers_as_run_errors(None),
    ):
        lose()


def test_the_same_error_of_one_worker_is_no_lost_one(monkeypatch):
    monkeypatch.setattr(distribute, "worker", lambda strategy: (0, 1))
    with (
        pytest.raises(tf.errors.UnavailableError),
        all_workers.lost_workers_as_run_errors(None),
    ):
        lose()


@pytest.mark.parametrize(
    ("asked", "error"), [("", tf.errors.UnavailableError), ("SIGTERM", Interrupted)]
)
def test_who_was_asked_to_stop_has_not_failed(asked, error):
    watch = Watch()
    watch.asked = asked
    with pytest.raises(error), all_workers.stopped_with_chief(watch):
        lose()
    with all_workers.stopped_with_chief(watch):
        pass
