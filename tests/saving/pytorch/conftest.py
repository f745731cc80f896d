"""An imported run of the layout of the ReSSL authors."""

import numpy as np
import pytest
from helpers.torch_states import imported, network, prefixed, projector


@pytest.fixture(scope="session")
def official():
    """Return a state dict of the ReSSL authors, every component with its own values."""
    queue = np.random.default_rng(5).normal(size=(5, 12)).astype("float32")
    linears = ("linear1", "linear2")
    return {
        **prefixed("module.encoder_q.net.", network(seed=1)),
        **prefixed("module.encoder_q.head.", projector(seed=2, layers=linears)),
        **prefixed("module.encoder_k.net.", network(seed=3)),
        **prefixed("module.encoder_k.head.", projector(seed=4, layers=linears)),
        "module.queue": queue,  # [d, K]
        "module.queue_ptr": np.array([8]),
    }


@pytest.fixture(scope="session")
def run(official, tmp_path_factory):
    """Return (result, workdir) of the official layout."""
    folder = tmp_path_factory.mktemp("imported") / "run"
    return imported(official, folder, image_size=32), folder
