"""`--callbacks=module:function` puts a callback of the user's into a run."""

import json
import sys

import pytest
from helpers.models import TINY

import ressl_tf
from ressl_tf.engine import own_callbacks
from ressl_tf.runtime.errors import RunError, UsageError

MINE = """
import json, keras, pathlib

class Notes(keras.callbacks.Callback):
    rows = []
    def on_epoch_end(self, epoch, logs=None):
        self.rows.append((epoch, logs["loss"], "knn_top1" in logs))
    def on_train_end(self, logs=None):
        pathlib.Path("rows.json").write_text(json.dumps(self.rows))

def both():
    return [Notes(), keras.callbacks.Callback()]

def number():
    return 3

def broken():
    return {}["none"]  # line 18

class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            keras.ops.reshape(keras.ops.zeros(3), (2,))  # line 23
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_of_test.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_of_test", raising=False)
    return tmp_path


def test_functions_and_classes_make_callbacks(mine):
    made = own_callbacks.load(["mine_of_test:Notes", "mine_of_test:both"])
    assert [type(one).__name__ for one in made] == ["Notes", "Notes", "Callback"]
    assert own_callbacks.load(()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine_of_test", "must be module:function or file.py:function. Rec"),
        ("nowhere:f", "cannot be made: ModuleNotFoundError: No module named 'nowhere'"),
        ("mine_of_test:none", "AttributeError.*none"),
        ("mine_of_test:number", "must make a keras.callbacks.Callback.*Received: int"),
    ],
)
def test_what_makes_no_callback_is_one_line(name, message, mine):
    with pytest.raises(UsageError, match=message) as error:
        own_callbacks.load([name])
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_it_sees_the_logs_of_every_epoch_and_changes_nothing(mine, photos, unbroken):
    run = ressl_tf.pretrain(
        data=photos, out=mine / "run", callbacks="mine_of_test:Notes", **TINY
    )
    rows = json.loads((mine / "rows.json").read_text())
    logged = [row["loss"] for row in run.history if "loss" in row]
    assert [row[1] for row in rows] == pytest.approx(logged)
    assert rows[-1][2]
    assert run["weights_sha256"] == unbroken[0]["weights_sha256"]


def test_an_error_of_the_function_names_it_and_the_line(mine):
    with pytest.raises(RunError) as error:
        own_callbacks.load(["mine_of_test:broken"])
    assert str(error.value) == (
        "--callbacks=mine_of_test:broken: the function raised KeyError: 'none' "
        "(mine_of_test.py, line 18); --traceback shows more"
    )
    assert isinstance(error.value.__cause__, KeyError)


def test_an_error_of_the_module_names_it_and_the_line(mine):
    (mine / "odd_of_test.py").write_text("import json\n\njson.loads('{')\n")
    message = r"the module raised JSONDecodeError: .* \(odd_of_test.py, line 3\)"
    with pytest.raises(RunError, match=message):
        own_callbacks.load(["odd_of_test:f"])


@pytest.mark.slow
def test_an_error_of_a_callback_is_one_line_and_checkpoints_stay(
    mine, photos, unbroken, commands
):
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    flags += [f"--dataset=folder:{photos}", "--workdir=run"]
    bad = "--callbacks=mine_of_test:Fails"
    status, out, err = commands.run("train", *flags, bad, cwd=mine)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith(
        "error: --callbacks=mine_of_test:Fails: Fails.on_epoch_end raised "
    )
    assert "mine_of_test.py, line 23" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert (mine / "run" / "checkpoints" / "step-000000003.npz").exists()
    status, _, err = commands.run("train", *flags, bad, "--traceback", cwd=mine)
    assert status == 1
    assert "Traceback (most recent call last)" in err
    status, out, err = commands.run("train", *flags, cwd=mine)
    assert status == 0, err
    assert json.loads(out)["weights_sha256"] == unbroken[0]["weights_sha256"]
