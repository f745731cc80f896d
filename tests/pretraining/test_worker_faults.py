"""What befalls one worker of several, and how all of them end or go on."""

import json
import resource
import signal
import time

import pytest
from helpers.commands import Commands
from helpers.models import TINY
from helpers.workers import (
    NETWORK,
    After,
    Behind,
    Proxy,
    ShortHeartbeats,
    Version,
    finish,
    own_signal,
    start,
)

pytestmark = pytest.mark.slow
BOUND = 120  # seconds in which all have ended, on busy machines; 10 to 15 alone
LOST = "error: worker 0 of 2 lost another one"


@pytest.fixture
def commands(tmp_path):
    """Return what starts commands, and end those that are left."""
    folder = tmp_path / "commands"
    folder.mkdir()
    commands = Commands(folder)
    yield commands
    commands.close()


@pytest.fixture
def flags(photos, tmp_path):
    network = tmp_path / "nets.py"
    network.write_text(NETWORK)
    tiny = {**TINY, "epochs": 10, "batch_size": 12, "knn_every": 0}  # 2 steps an epoch
    del tiny["width"], tiny["stem"]
    words = [f"--{name}={value}" for name, value in tiny.items()]
    run = [f"--dataset=folder:{photos}", f"--backbone={network}:make"]
    return [*words, *run, "--notensorboard", f"--workdir={tmp_path}/run"]


def ended_in_time(processes):
    began = time.monotonic()
    ends = finish(processes, BOUND)
    assert time.monotonic() - began < BOUND
    return ends


def weights(end):
    assert end[0] == 0, end
    return json.loads(end[1])["weights_sha256"]


def test_a_slow_worker_changes_nothing_and_a_hanging_one_ends_all(commands, flags):
    """The one sleeps for less than the heartbeats, the other is stopped; then again."""
    slow = After(7, time.sleep, 3.0)
    expected = weights(finish(start(commands, 2, flags, {1: slow}))[0])
    flags = [*flags[:-1], flags[-1] + "-2"]
    processes = start(commands, 2, flags, {1: After(7, own_signal, signal.SIGSTOP)})
    (chief,) = ended_in_time(processes[:1])
    assert chief[0] == 1
    assert chief[2].startswith(LOST)
    processes[1].send_signal(signal.SIGCONT)  # it finds out that it was given up
    (other,) = ended_in_time(processes[1:])
    assert other[0] == 1
    again = finish(start(commands, 2, flags))
    assert weights(again[0]) == expected


def test_one_of_three_killed(commands, flags):
    killed = After(5, own_signal, signal.SIGKILL)
    ends = ended_in_time(start(commands, 3, flags, {2: killed}))
    assert [end[0] for end in ends] == [1, 1, -signal.SIGKILL]
    for index, end in enumerate(ends[:2]):
        assert end[2].startswith(f"error: worker {index} of 3 lost another one")


@pytest.fixture
def proxies():
    proxies = {0: Proxy(), 1: Proxy()}
    yield proxies
    for proxy in proxies.values():
        proxy.close()


def test_a_pulled_cable_ends_both(commands, flags, tmp_path, proxies):
    ports = {index: proxy.port for index, proxy in proxies.items()}
    flags = [*flags, "--epochs=100000"]
    befalls = {index: Behind(index, ports) for index in proxies}
    processes = start(commands, 2, flags, befalls)
    while not list((tmp_path / "run").glob("checkpoints/*.npz")):
        assert processes[0].poll() is None, processes[0].communicate()[1]
        time.sleep(0.1)
    for proxy in proxies.values():
        proxy.pull()
    chief, other = ended_in_time(processes)
    assert (chief[0], other[0]) == (1, 1)
    assert chief[2].startswith(LOST)
    assert other[2].startswith("error: worker 1 of 2 lost another one")


class FullDisk(ShortHeartbeats):
    """Write no file above 4 kB, as on a full disk."""

    def __call__(self):
        super().__call__()
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_full_disk_of_the_chief_ends_all(commands, flags):
    chief, other = ended_in_time(start(commands, 2, flags, {0: FullDisk()}))
    assert (chief[0], other[0]) == (1, 1)
    assert chief[2].startswith("error: cannot ")
    assert other[2].startswith("error: worker 1 of 2 lost another one")


def test_a_worker_of_another_version_is_refused(commands, flags):
    for status, _, line in ended_in_time(start(commands, 2, flags, {1: Version()})):
        assert status == 2
        assert "worker 1 has ressl_tf=0.0.1" in line
        assert line.startswith("error: all workers need the same flags, versions and")


def test_sigterm_to_all_saves_and_ends_all_alike(commands, flags):
    """The chief alone saves; nobody calls what was asked for a failure."""
    flags = [*flags, "--epochs=100000"]
    asked = {index: After(9, own_signal, signal.SIGTERM) for index in (0, 1)}
    chief, other = ended_in_time(start(commands, 2, flags, asked))
    assert (chief[0], other[0]) == (143, 143)
    assert json.loads(chief[1])["steps"] == 9
    assert json.loads(other[1]) == {"interrupted": True}
    assert other[2].startswith("stopped by SIGTERM, as the chief was")
