"""Workers with other flags, versions or images."""

import pytest
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.engine import agreement
from ressl_tf.runtime import all_workers, distribute
from ressl_tf.runtime.errors import UsageError


def facts(**values):
    return agreement.flags_and_versions(Config(**values))


def test_flags_of_one_machine_are_not_compared():
    """Each has its number, and may have images and workdir elsewhere."""
    one = {"dataset": "folder:/a", "workdir": "/b", "cache_dir": "/c"}
    address = {"coordinator_address": "a:1", "num_workers": 2, "worker_index": 1}
    other = {"coordinator_address": "b:1", "num_workers": 2, "dataset": "folder:/d"}
    assert facts(**one, **address) == facts(**other)


@pytest.mark.parametrize(
    "change", [{"batch_size": 64}, {"epochs": 7}, {"steps_per_execution": 2}]
)
def test_every_other_flag_is(change):
    ((name, value),) = change.items()
    difference = agreement.described([facts(), facts(), facts(**change)])
    before = getattr(Config(), name)
    expected = f"worker 0 has --{name}={before}; worker 2 has --{name}={value}"
    assert difference == expected


def test_versions_are_named_and_many_differences_counted():
    here = facts()
    there = {**here, "keras": "2.0", **{f"--{n}": "x" for n in "abcdef"}}
    assert agreement.described([here, here]) == ""
    said = agreement.described([here, there])
    assert "worker 1 has keras=2.0 --a=x --b=x --c=x --d=x and 2 more" in said
    assert "--a=(none)" in said


def test_two_replicas_of_one_worker_have_nothing_to_compare():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    assert all_workers.gather_text(strategy, "text") == ["text"]
    agreement.check(strategy, {})


def test_all_workers_get_the_same_line(monkeypatch):
    """As the second of two workers, whose texts are given."""
    monkeypatch.setattr(distribute, "worker", lambda strategy: (1, 2))
    monkeypatch.setattr(all_workers, "wait_for_all", lambda strategy: None)
    texts = ['{"a": 1}', '{"a": 2}']
    monkeypatch.setattr(all_workers, "gather_text", lambda strategy, text: texts)
    with pytest.raises(UsageError, match="worker 0 has a=1; worker 1 has a=2; start"):
        agreement.check(None, {"a": 2})
    texts[1] = texts[0]
    agreement.check(None, {"a": 1})
