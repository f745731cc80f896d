"""What `import ressl_tf` promises: names, laziness, and classes that Keras knows."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

import ressl_tf
from ressl_tf.config.method_table import METHODS

ROOT = pathlib.Path(__file__).parents[1]


def python(code):
    """Run code in a fresh process; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_the_package_loads_neither_tensorflow_nor_keras():
    code = "import sys, ressl_tf; print({'tensorflow', 'keras'} & set(sys.modules))"
    assert python(code) == ["set()"]


def test_every_method_of_the_table_is_a_public_name():
    for row in METHODS.values():
        cls = getattr(ressl_tf, row.class_name)
        assert f"{cls.__module__}:{cls.__name__}" == row.home


def test_names_that_are_not_there_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'ReSSLL'"):
        _ = ressl_tf.ReSSLL
    assert set(ressl_tf.__all__) <= set(dir(ressl_tf))


def test_the_stub_for_editors_is_up_to_date():
    path = ROOT / "scripts" / "write_stub.py"
    spec = importlib.util.spec_from_file_location("write_stub", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.STUB.read_text() == module.text(), "run scripts/write_stub.py"
    assert (ROOT / "ressl_tf" / "py.typed").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import ressl_tf, keras",
        "import keras, ressl_tf",
        "import ressl_tf; ressl_tf.SGD; import keras",
    ],
)
def test_keras_knows_the_classes_whichever_is_imported_first(imports):
    code = (
        f"{imports}; get = keras.saving.get_registered_object;"
        "print(*(get(f'ressl_tf>{name}').__name__ for name in"
        " ('ReCo', 'RGRL', 'Encoder', 'LARS', 'Views')))"
    )
    assert python(code) == ["ReCo", "RGRL", "Encoder", "LARS", "Views"]
