"""How the processes of one run find one another: without a list of addresses."""

import dataclasses
import json
import os
import socket
import time

from ressl_tf.runtime.errors import RunError, UsageError

MEET_SECONDS = 300.0  # schedulers start the processes of a job minutes apart
RETRY_SECONDS = 0.2
LONGEST_LINE = 2**20  # bytes; ten thousand addresses take a quarter of it


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
    """The cluster that `TF_CONFIG` tells of; None where it is not set.

    Raises:
        UsageError: `TF_CONFIG` cannot be understood.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        told = json.loads(text)
        jobs, task = told["cluster"], told["task"]
        chiefs = list(jobs.get("chief", []))
        workers = (*chiefs, *jobs.get("worker", []))
        index = int(task["index"]) + (task["type"] == "worker") * len(chiefs)
        if task["type"] not in ("chief", "worker") or not 0 <= index < len(workers):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            'TF_CONFIG must be like {"cluster": {"worker": ["host:port", ...]}, '
            f'"task": {{"type": "worker", "index": 0}}}}. Received: {text}'
        ) from None
    return Cluster(workers, index)


def meet(
    coordinator: str, count: int, index: int, seconds: float = MEET_SECONDS
) -> Cluster:
    """Worker 0 listens at `coordinator`; the others tell it where they are.

    Each process takes a free port of its machine. The one of worker 0 is at the
    coordinator's host, those of the others where their connection comes from.

    Args:
        coordinator: host:port, reachable from all machines.
        count: of the workers.
        index: of this one.
        seconds: to wait for the others.

    Raises:
        UsageError: the address cannot be used, or two workers have one index.
        RunError: not all came in time.
    """
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(
            f"--coordinator_address must be host:port. Received: {coordinator}"
        )
    place = (host, int(port))
    deadline = time.monotonic() + seconds
    if index:
        return Cluster(_announce(place, count, index, deadline), index)
    return Cluster(_collect(place, count, deadline), 0)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("", 0)) as probe:
        return probe.getsockname()[1]


def _collect(place, count, deadline) -> tuple[str, ...]:
    """What worker 0 does: waits for all, then tells all of them."""
    found = {0: f"{place[0]}:{free_port()}"}
    lines = []
    try:
        server = socket.create_server(place)
    except OSError as error:
        raise UsageError(
            "--coordinator_address must be a free port of worker 0's machine. "
            f"Received: {place[0]}:{place[1]} ({error.strerror or error})"
        ) from None
    with server:
        while len(found) < count:
            server.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                line, peer = server.accept()
                told = _receive(line, deadline)
            except TimeoutError:
                _close(lines)
                raise RunError(
                    f"{len(found)} of {count} workers came to {place[0]}:{place[1]} in "
                    "time; start the others, with the same --num_workers"
                ) from None
            if told is None:  # not one of ours
                line.close()
                continue
            lines.append(line)
            if told["count"] != count or told["index"] in found:
                _tell(lines, {"error": _misfit(told, count)})
                raise UsageError(_misfit(told, count))
            found[told["index"]] = f"{peer[0]}:{told['port']}"
        workers = [found[index] for index in sorted(found)]
        _tell(lines, {"workers": workers})
    return tuple(workers)


def _announce(place, count, index, deadline) -> tuple[str, ...]:
    """What the others do: tell where they are, then wait for the list."""
    told = {"count": count, "index": index, "port": free_port()}
    answer = None
    while answer is None:
        try:
            with socket.create_connection(place, timeout=5) as line:
                line.sendall(json.dumps(told).encode() + b"\n")
                answer = _receive(line, deadline)
        except OSError:
            answer = None
        if answer is None:
            if time.monotonic() > deadline:
                raise RunError(
                    f"no worker 0 answered at {place[0]}:{place[1]} in time; start it, "
                    "or correct --coordinator_address"
                )
            time.sleep(RETRY_SECONDS)
    if "error" in answer:
        raise UsageError(answer["error"])
    return tuple(answer["workers"])


def _misfit(told, count) -> str:
    return (
        "workers have one --num_workers and an index each. Received: "
        f"--num_workers={told['count']} --worker_index={told['index']} beside "
        f"--num_workers={count}"
    )


def _receive(line, deadline) -> dict | None:
    """One line of JSON, or None from who does not speak it."""
    line.settimeout(max(0.01, deadline - time.monotonic()))
    with line.makefile("rb") as file:
        try:
            told = json.loads(file.readline(LONGEST_LINE))
        except ValueError:
            return None
    return told if isinstance(told, dict) else None


def _tell(lines, answer) -> None:
    for line in lines:
        line.sendall(json.dumps(answer).encode() + b"\n")
    _close(lines)


def _close(lines) -> None:
    for line in lines:
        line.close()
