"""Two processes on one machine, as on two: the same model, and what a loss costs."""

import dataclasses
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.models import TINY

from ressl_tf.config import Config
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime import rendezvous
from ressl_tf.runtime.flags import arguments

BOUND = 180  # seconds in which a worker without its peer ends, on busy machines


def config(photos, folder, **values):
    # At higher rates a single device parts from itself: one weight that is 1e-7 off is
    # .02 after 20 steps at .03, and 10 in the last layers with the standard stem.
    steps = {"epochs": 10, "max_steps": 20, "batch_size": 12, "learning_rate": 0.003}
    network = {"batch_norm": "sync", "stem": "small"}
    run = {"dataset": f"folder:{photos}", "workdir": str(folder), "tensorboard": False}
    return Config(**{**TINY, **steps, **network, **run, **values})


def start(config):
    """Start both workers, with whatever ports are free."""
    address = f"127.0.0.1:{rendezvous.free_port()}"
    processes = []
    for index in (0, 1):
        flags = dataclasses.replace(
            config, coordinator_address=address, num_workers=2, worker_index=index
        )
        command = [sys.executable, "-m", "ressl_tf.train", *arguments(flags)]
        processes.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    return processes


def finish(processes):
    """Return exit status, stdout and stderr of each."""
    texts = [process.communicate(timeout=600) for process in processes]
    return [(p.returncode, *text) for p, text in zip(processes, texts, strict=True)]


def weights(folder):
    with np.load(sorted(folder.glob("checkpoints/*.npz"))[-1]) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def one(photos, tmp_path_factory):
    """Return the result and the last checkpoint of the run on one device."""
    folder = tmp_path_factory.mktemp("one") / "run"
    result = pretraining.pretrain(config(photos, folder, strategy="one"))
    return result, weights(folder)


def assert_same_model(folder, result, one):
    expected, arrays = one
    assert result["steps"] == expected["steps"] == 20
    assert result["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for name, array in weights(folder).items():
        # A ReLU that rounding turns in the last steps shows in the velocity alone, and
        # embedding_std is the mean of the devices' own.
        if not name.startswith(("optimizer", "metrics")):
            np.testing.assert_allclose(
                array, arrays[name], rtol=1e-4, atol=1e-4, err_msg=name
            )


@pytest.mark.slow
def test_two_workers_train_the_model_of_one_device(photos, tmp_path, one):
    """After 20 steps; the queue of 30 is no multiple of the batch of 12."""
    folder = tmp_path / "run"
    chief, other = finish(start(config(photos, folder)))
    assert (chief[0], other[0]) == (0, 0), chief[2] + other[2]
    assert other[1] == ""  # the chief alone prints
    assert "Epoch" not in other[2]
    assert_same_model(folder, json.loads(chief[1]), one)


@pytest.mark.slow
def test_a_lost_worker_ends_the_other_and_a_restart_goes_on(photos, tmp_path, one):
    folder = tmp_path / "run"
    processes = start(config(photos, folder, knn_every=0))
    while not list(folder.glob("checkpoints/*.npz")):
        assert processes[0].poll() is None, processes[0].communicate()[1]
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGKILL)
    began = time.monotonic()
    survivor, _ = finish(processes)
    assert time.monotonic() - began < BOUND
    assert survivor[0] == 1
    message = survivor[2].strip().splitlines()[-1]
    assert message.startswith("error: worker 0 of 2 lost another one")
    assert survivor[1] == ""
    chief, other = finish(start(config(photos, folder, knn_every=0)))
    assert (chief[0], other[0]) == (0, 0), chief[2] + other[2]
    assert "going on from" in chief[2]
    assert_same_model(folder, json.loads(chief[1]), one)
