"""How the processes of one run find one another without a list of addresses."""

import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterable
from typing import Any

from ressl_tf.runtime.errors import RunError, UsageError

RENDEZVOUS_SECONDS = 300.0  # schedulers start the processes of a job minutes apart
RETRY_SECONDS = 0.2
LONGEST_LINE = 2**20  # bytes; ten thousand addresses take a quarter of it

CHIEFS = ("chief", "master")  # the second is of older services
IDLE = ("ps", "evaluator")  # tasks of other strategies

Address = tuple[str, int]  # host, port


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of a run, in order; the first one is the chief.

    Args:
        workers: host:port of each.
        index: which of them this process is.
    """

    workers: tuple[str, ...]
    index: int


def from_environment() -> Cluster | None:
    """Read the cluster from `TF_CONFIG`; None where it is not set.

    Managed services write it: the chief, which some call master, and the workers are
    taken, in this order.

    Raises:
        UsageError: `TF_CONFIG` cannot be understood, or this process is another kind.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        described = json.loads(text)
        jobs, task = described["cluster"], described["task"]
        chiefs = [host for name in CHIEFS for host in jobs.get(name, [])]
        workers = (*chiefs, *jobs.get("worker", []))
        index = int(task["index"]) + (task["type"] == "worker") * len(chiefs)
        if task["type"] in IDLE:
            raise UsageError(
                "of TF_CONFIG the chief and the workers train; leave the others out. "
                f"Received: a task of type {task['type']}"
            )
        if task["type"] not in (*CHIEFS, "worker") or not 0 <= index < len(workers):
            raise ValueError
    except UsageError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            'TF_CONFIG must be like {"cluster": {"worker": ["host:port", ...]}, '
            f'"task": {{"type": "worker", "index": 0}}}}. Received: {text}'
        ) from None
    return Cluster(workers, index)


def rendezvous(
    coordinator: str, count: int, index: int, seconds: float = RENDEZVOUS_SECONDS
) -> Cluster:
    """Find the other workers through worker 0, which listens at `coordinator`.

    Each process takes a free port of its machine. The host of worker 0 is the
    coordinator's; the host of any other is where its connection comes from.

    Args:
        coordinator: host:port, reachable from all machines.
        count: how many workers there are.
        index: which of them this process is.
        seconds: how long to wait for the others.

    Raises:
        UsageError: the address cannot be used, or two workers have one index.
        RunError: not all came in time.
    """
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(
            f"--coordinator_address must be host:port. Received: {coordinator}"
        )
    address = (host, int(port))
    deadline = time.monotonic() + seconds
    if index:
        return Cluster(_join(address, count, index, deadline), index)
    return Cluster(_collect(address, count, deadline), 0)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.create_server(("", 0)) as probe:
        return probe.getsockname()[1]


def _collect(address: Address, count: int, deadline: float) -> tuple[str, ...]:
    """As worker 0, wait for all workers and send the list to each of them."""
    found = {0: f"{address[0]}:{free_port()}"}
    lines: list[socket.socket] = []
    try:
        server = socket.create_server(address)
    except OSError as error:
        raise UsageError(
            "--coordinator_address must be a free port of worker 0's machine. "
            f"Received: {address[0]}:{address[1]} ({error.strerror or error})"
        ) from None
    with server:
        while len(found) < count:
            server.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                line, peer = server.accept()
                hello = _receive(line, deadline)
            except TimeoutError:
                _close(lines)
                raise RunError(
                    f"{len(found)} of {count} workers came to "
                    f"{address[0]}:{address[1]} in time; start the others, with the "
                    "same --num_workers"
                ) from None
            if hello is None:  # not a worker
                line.close()
                continue
            lines.append(line)
            if hello["count"] != count or hello["index"] in found:
                _announce(lines, {"error": _mismatch(hello, count)})
                raise UsageError(_mismatch(hello, count))
            found[hello["index"]] = f"{peer[0]}:{hello['port']}"
        workers = [found[index] for index in sorted(found)]
        _announce(lines, {"workers": workers})
    return tuple(workers)


def _join(address: Address, count: int, index: int, deadline: float) -> tuple[str, ...]:
    """As any other worker, register at worker 0 and wait for the list."""
    hello = {"count": count, "index": index, "port": free_port()}
    answer = None
    while answer is None:
        try:
            with socket.create_connection(address, timeout=5) as line:
                line.sendall(json.dumps(hello).encode() + b"\n")
                answer = _receive(line, deadline)
        except OSError:
            answer = None
        if answer is None:
            if time.monotonic() > deadline:
                raise RunError(
                    f"no worker 0 answered at {address[0]}:{address[1]} in time; start "
                    "it, or correct --coordinator_address"
                )
            time.sleep(RETRY_SECONDS)
    if "error" in answer:
        raise UsageError(answer["error"])
    return tuple(answer["workers"])


def _mismatch(hello: dict[str, Any], count: int) -> str:
    return (
        "workers have one --num_workers and an index each. Received: "
        f"--num_workers={hello['count']} --worker_index={hello['index']} beside "
        f"--num_workers={count}"
    )


def _receive(line: socket.socket, deadline: float) -> dict[str, Any] | None:
    """Read one line of JSON; None from a peer that does not speak it."""
    line.settimeout(max(0.01, deadline - time.monotonic()))
    with line.makefile("rb") as file:
        try:
            message = json.loads(file.readline(LONGEST_LINE))
        except ValueError:
            return None
    return message if isinstance(message, dict) else None


def _announce(lines: Iterable[socket.socket], message: dict[str, Any]) -> None:
    """Send one message to all connected workers and hang up."""
    for line in lines:
        line.sendall(json.dumps(message).encode() + b"\n")
    _close(lines)


def _close(lines: Iterable[socket.socket]) -> None:
    for line in lines:
        line.close()
