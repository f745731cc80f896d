"""Workers that find one another, and those that do not."""

import json
import socket
import threading

import pytest

from ressl_tf import cluster
from ressl_tf.errors import RunError, UsageError


def meet(workers, seconds=20.0):
    """What each of (count, index) gets, or the error that it raises."""
    address = f"127.0.0.1:{cluster.free_port()}"
    results = [None] * len(workers)

    def come(place, count, index):
        try:
            results[place] = cluster.meet(address, count, index, seconds)
        except (UsageError, RunError) as error:
            results[place] = error

    threads = [
        threading.Thread(target=come, args=(place, *worker))
        for place, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_all_workers_get_one_list_in_the_order_of_their_indices():
    found = meet([(3, 2), (3, 0), (3, 1)])
    assert [each.index for each in found] == [2, 0, 1]
    workers = found[0].workers
    assert len(set(workers)) == 3
    assert all(each.workers == workers for each in found)
    assert all(worker.startswith("127.0.0.1:") for worker in workers)


@pytest.mark.parametrize("strangers", [(3, 1), (2, 0)])
def test_workers_that_disagree_are_told_so(strangers):
    chief, stranger = meet([(2, 0), strangers], seconds=3.0)
    if strangers[1] == 0:  # two chiefs: the address is taken
        assert sum(isinstance(each, UsageError) for each in (chief, stranger)) == 1
        return
    assert isinstance(chief, UsageError)
    assert isinstance(stranger, UsageError)
    assert "--num_workers=3 --worker_index=1 beside --num_workers=2" in str(chief)


def test_nobody_waits_for_ever():
    alone = meet([(2, 0)], seconds=0.3)[0]
    assert "1 of 2 workers came" in str(alone)
    lost = meet([(2, 1)], seconds=0.3)[0]
    assert "no worker 0 answered" in str(lost)


def test_strangers_at_the_door_are_ignored():
    place = ("127.0.0.1", cluster.free_port())
    address = f"127.0.0.1:{place[1]}"
    found = []
    chief = threading.Thread(
        target=lambda: found.append(cluster.meet(address, 2, 0, 20.0))
    )
    chief.start()
    while True:
        try:
            with socket.create_connection(place) as line:
                line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            break
        except ConnectionRefusedError:
            continue
    cluster.meet(address, 2, 1, 20.0)
    chief.join(30)
    assert len(found[0].workers) == 2


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:x"])
def test_addresses_are_host_and_port(address):
    with pytest.raises(UsageError, match=r"must be host:port\. Received"):
        cluster.meet(address, 2, 1)


def test_tf_config_is_read(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert cluster.from_environment() is None
    told = {
        "cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]},
        "task": {"type": "worker", "index": 1},
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert cluster.from_environment() == cluster.Cluster(("a:1", "b:1", "c:1"), 2)
    told["task"] = {"type": "chief", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert cluster.from_environment().index == 0


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"cluster": {"worker": []}, "task": {}}']
)
def test_a_broken_tf_config_is_refused(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="TF_CONFIG must be like"):
        cluster.from_environment()
