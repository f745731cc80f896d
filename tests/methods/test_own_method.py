"""A method of a user's own, from outside the package, is trained like any other."""

import json
import subprocess
import sys

import numpy as np
import pytest
from helpers.models import TINY

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.method_table import METHODS, register_method
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flag_help import help_text

TOY = '''
import keras

from ressl_tf.data.augment.views import Views, strong_view, weak_view
from ressl_tf.losses import squared_distance
from ressl_tf.methods.images import ImageSSL


@keras.saving.register_keras_serializable(package="own")
class Toy(ImageSSL):
    """A student that is drawn to its teacher, and a term that is always 3."""

    options = (*ImageSSL.options, "student_temp")
    online_views, target_views = ("strong",), ("weak",)
    loss_names = ("attraction", "three")

    def __init__(self, backbone="resnet18", *, student_temp=0.1, **kwargs):
        super().__init__(backbone, **kwargs)
        self.student_temp = student_temp

    @classmethod
    def make_views(cls, image_size, scale=(0.2, 1.0), flip_prob=0.5, **colour):
        strong = strong_view(image_size, scale, flip_prob=flip_prob, **colour)
        return Views({"strong": strong, "weak": weak_view(image_size, scale)})

    def loss_terms(self, online, target, step):
        distance = squared_distance(online["strong"], target["weak"])
        return {"attraction": distance / self.student_temp, "three": 3.0}, {}
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Register a method of a module that lies somewhere on the path."""
    (tmp_path / "own_methods.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    ressl_tf.register_method("toy", "own_methods:Toy")
    yield "toy"
    del METHODS["toy"]


@pytest.mark.slow
def test_it_is_trained_resumed_and_opened(toy, photos, tmp_path):
    options = {**TINY, "method": toy, "student_temp": 0.5, "seed": 3}
    options |= {"dataset": f"folder:{photos}", "workdir": str(tmp_path / "run")}
    first = ressl_tf.pretrain(Config(**options, max_steps=4))
    assert first["steps"] == 4
    whole = ressl_tf.pretrain(Config(**options))  # goes on from step 4
    assert (whole["method"], whole["steps"]) == ("toy", 9)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    last = json.loads(rows[-1])
    assert last["three"] == pytest.approx(3.0)
    assert last["loss"] == pytest.approx(last["attraction"] + 3.0)
    assert 0 < last["attraction"] <= 4 / 0.5
    opened = ressl_tf.open_pretrained(str(tmp_path / "run"))
    features = opened.encoder.features(np.zeros((2, 16, 16, 3), np.uint8))
    assert features.shape == (2, opened.encoder.feature_dim)


def test_it_is_a_choice_of_the_command_line(toy):
    assert "toy" in help_text(Config, "")
    assert Config(method="toy").method == "toy"
    with pytest.raises(UsageError, match="toy learns from images"):
        Config(method="toy", dataset="graph:file.npz")


def test_a_row_of_the_table_is_not_replaced(toy):
    register_method("toy", "own_methods:Toy")  # the same again is no change
    with pytest.raises(UsageError, match="the method toy is own_methods:Toy"):
        register_method("toy", "other:Toy")
    with pytest.raises(UsageError, match=r"images or graphs. Received: 'x', 'Class'"):
        register_method("x", "Class")
    with pytest.raises(UsageError, match="'sounds'"):
        register_method("x", "m:Class", "sounds")


@pytest.mark.slow
def test_a_saved_model_opens_where_only_its_module_is_imported(toy, tmp_path):
    """In a fresh process that has not imported the package by itself."""
    sys.path.insert(0, str(tmp_path))
    from own_methods import Toy

    model = Toy(image_size=32, hidden_dim=8, embedding_dim=4)
    model.save(tmp_path / "toy.keras")
    code = (
        "import keras, own_methods;"
        "model = keras.saving.load_model('toy.keras');"
        "print(type(model).__name__, model.student_temp)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert out.stdout.split() == ["Toy", "0.1"], out.stderr
