"""Workers that find one another, and those that do not."""

import json
import pathlib
import socket
import threading
import time

import pytest

from ressl_tf.runtime import rendezvous
from ressl_tf.runtime.errors import RunError, UsageError

ROOT = pathlib.Path(__file__).parents[2]


def found_by(workers, seconds=20.0):
    """Return what each of (count, index) gets, or the error that it raises."""
    address = f"127.0.0.1:{rendezvous.free_port()}"
    results = [None] * len(workers)

    def come(place, count, index):
        try:
            results[place] = rendezvous.rendezvous(address, count, index, seconds)
        except (UsageError, RunError) as error:
            results[place] = error

    threads = [
        threading.Thread(target=come, args=(place, *worker), name=str(worker[1]))
        for place, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.1)  # one after the other
    for thread in threads:
        thread.join(30)
    return results


def test_all_workers_get_one_list_in_the_order_of_their_indices(monkeypatch):
    """The chief is there first, and worker 2 comes before worker 1."""
    free_port = rendezvous.free_port

    def port_by_index():
        name = threading.current_thread().name
        return 5000 + int(name) if name.isdigit() else free_port()

    monkeypatch.setattr(rendezvous, "free_port", port_by_index)
    found = found_by([(3, 0), (3, 2), (3, 1)])
    assert [each.index for each in found] == [0, 2, 1]
    ports = (5000, 5001, 5002)
    workers = tuple(f"127.0.0.1:{port}" for port in ports)
    assert all(each.workers == workers for each in found)


@pytest.mark.slow
@pytest.mark.parametrize("strangers", [(3, 1), (2, 0)])
def test_workers_that_disagree_are_told_so(strangers):
    chief, stranger = found_by([(2, 0), strangers], seconds=3.0)
    if strangers[1] == 0:  # two chiefs: the address is taken
        assert sum(isinstance(each, UsageError) for each in (chief, stranger)) == 1
        return
    assert isinstance(chief, UsageError)
    assert isinstance(stranger, UsageError)
    assert "--num_workers=3 --worker_index=1 beside --num_workers=2" in str(chief)


def test_nobody_waits_for_ever():
    alone = found_by([(2, 0)], seconds=0.3)[0]
    assert "1 of 2 workers came" in str(alone)
    lost = found_by([(2, 1)], seconds=0.3)[0]
    assert "no worker 0 answered" in str(lost)


def test_strangers_at_the_door_are_ignored():
    place = ("127.0.0.1", rendezvous.free_port())
    address = f"127.0.0.1:{place[1]}"
    found = []
    chief = threading.Thread(
        target=lambda: found.append(rendezvous.rendezvous(address, 2, 0, 20.0))
    )
    chief.start()
    while True:
        try:
            with socket.create_connection(place) as line:
                line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            break
        except ConnectionRefusedError:
            continue
    rendezvous.rendezvous(address, 2, 1, 20.0)
    chief.join(30)
    assert len(found[0].workers) == 2


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:x"])
def test_addresses_are_host_and_port(address):
    with pytest.raises(UsageError, match=r"must be host:port\. Received"):
        rendezvous.rendezvous(address, 2, 1)


def test_tf_config_is_read(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert rendezvous.from_environment() is None
    told = {
        "cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]},
        "task": {"type": "worker", "index": 1},
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert rendezvous.from_environment() == rendezvous.Cluster(("a:1", "b:1", "c:1"), 2)
    told["task"] = {"type": "chief", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert rendezvous.from_environment().index == 0


def test_the_tf_config_of_managed_services(monkeypatch):
    """With a chief that some call master, and tasks of other strategies."""
    told = {
        "cluster": {"master": ["m:1"], "worker": ["a:1"], "ps": ["p:1"]},
        "environment": "cloud",
        "job": "{}",
        "task": {"type": "worker", "index": "0", "trial": "1"},
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert rendezvous.from_environment() == rendezvous.Cluster(("m:1", "a:1"), 1)
    told["task"] = {"type": "master", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert rendezvous.from_environment() == rendezvous.Cluster(("m:1", "a:1"), 0)
    told["task"] = {"type": "ps", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    with pytest.raises(UsageError, match=r"leave the others out\. .* of type ps"):
        rendezvous.from_environment()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"cluster": {"worker": []}, "task": {}}']
)
def test_a_broken_tf_config_is_refused(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="TF_CONFIG must be like"):
        rendezvous.from_environment()
