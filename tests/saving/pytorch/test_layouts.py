"""State dicts of several projects are taken apart."""

import numpy as np
import pytest
from helpers.torch_states import OTHER, QUEUE, STEM, prefixed, projector

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch.layouts import queue_rows, split


@pytest.mark.parametrize(
    ("layout", "state", "rest"),
    [
        (
            "ressl",
            prefixed("module.encoder_q.net.", STEM)
            | prefixed(
                "module.encoder_q.head.", projector(layers=("linear1", "linear2"))
            )
            | prefixed("module.encoder_k.net.", OTHER)
            | prefixed("module.", QUEUE),
            set(),
        ),
        (
            "moco",
            prefixed("module.encoder_q.", STEM | prefixed("fc.", projector()))
            | prefixed("module.encoder_k.", OTHER)
            | prefixed("module.", QUEUE),
            set(),
        ),
        (
            "moco_v3",
            prefixed("module.base_encoder.", STEM | prefixed("fc.", projector()))
            | prefixed("module.momentum_encoder.", OTHER)
            | prefixed("module.predictor.", projector())
            | QUEUE,
            {f"predictor.{n}" for n in projector()},
        ),
        (
            "solo",
            prefixed("backbone.", STEM)
            | prefixed("projector.", projector())
            | prefixed("momentum_backbone.", OTHER)
            | QUEUE
            | {"classifier.weight": np.ones((10, 32))},
            {"classifier.weight"},
        ),
        (
            "solo_old",
            prefixed("encoder.", STEM)
            | prefixed("projector.", projector())
            | prefixed("momentum_encoder.", OTHER)
            | QUEUE,
            set(),
        ),
    ],
)
def test_a_layout_is_found_and_taken_apart(layout, state, rest):
    parts = split(state)
    assert parts.layout.name == layout
    assert set(parts.backbone) == set(STEM)
    assert parts.backbone["conv1.weight"].min() == 1
    assert parts.target_backbone["conv1.weight"].max() == 0
    assert set(parts.queue) == {"queue", "queue_ptr"}
    assert set(parts.rest) == rest
    values = projector()
    np.testing.assert_array_equal(parts.projector["hidden.weight"], values["0.weight"])
    np.testing.assert_array_equal(parts.projector["output.bias"], values["2.bias"])
    assert parts.layout.queue_columns == (layout in ("ressl", "moco"))


def test_queues_are_rows():
    queue = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(queue_rows(queue, 3, columns=True), queue)
    np.testing.assert_array_equal(queue_rows(queue, 4, columns=False), queue.T)
    square = np.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(queue_rows(square, 3, columns=True), square.T)
    np.testing.assert_array_equal(queue_rows(square, 3, columns=False), square)
    with pytest.raises(UsageError, match=r"length 5.*shape \[4, 3\]"):
        queue_rows(queue, 5, columns=False)


def test_an_unknown_layout_says_what_is_there():
    state = {"features.0.weight": np.ones(3), "head.bias": np.ones(3)}
    with pytest.raises(UsageError, match="Received: tensors under features, head"):
        split(state)
