"""The command that exports to LiteRT and ONNX: what it checks, refuses and says."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from helpers.converting import gelu_encoder
from helpers.exports import tiny_classifier
from helpers.photos import write

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving import keras_file
from ressl_tf.saving.converted import litert, onnx
from ressl_tf.saving.exporter import export


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "source.keras"
    model = keras_file.stock_model(gelu_encoder(), None, ("features",))
    keras_file.save(model, path)
    return str(path)


def photos(folder, images):
    for i, image in enumerate(images):
        write(folder / "photos" / f"{i}.png", image)
    return f"folder:{folder / 'photos'}"


def config(source, tmp_path, **options):
    output = str(tmp_path / "my.tflite")
    given = {"model": source, "output": output, "format": "litert", "image_size": 16}
    return ExportConfig(**{**given, **options})


def test_a_file_is_checked_and_its_card_says_so(source, tmp_path, images):
    done = export(config(source, tmp_path))
    assert done["bytes"] == (tmp_path / "my.tflite").stat().st_size
    checked = done["checked"]
    assert checked["runtime"] == "LiteRT"
    assert checked["images"] == 20
    assert checked["largest_difference"] < 1e-5
    card = (tmp_path / "my.tflite.md").read_text()
    for line in (
        "library_name: litert",
        'run = Interpreter("my.tflite").get_signature_runner()',
        f"| latency ms | {checked['latency_ms']:.4g} |",
        f"| megabytes | {done['bytes'] / 1e6:.4g} |",
        "20 images of random pixels",
    ):
        assert line in card
    with pytest.raises(UsageError, match=r"my\.tflite is there already"):
        export(config(source, tmp_path))


def test_int8_is_measured_on_photos(source, tmp_path, images):
    with pytest.raises(UsageError, match="--precision=int8 measures its ranges on"):
        export(config(source, tmp_path, precision="int8"))
    dataset = photos(tmp_path, images[:9])
    done = export(config(source, tmp_path, precision="int8", dataset=dataset))
    assert done["checked"]["images"] == 9
    assert done["checked"]["of"] == "photos"
    assert 0.98 < done["checked"]["cosine"] < 1


@pytest.mark.slow
def test_what_int8_loses_is_told(source, tmp_path, images, monkeypatch, caplog):
    dataset = photos(tmp_path, images[:3])
    zero = {"features": np.eye(3, 8, dtype=np.float32)}
    monkeypatch.setattr(litert, "opened", lambda path, images: lambda images: zero)
    export(config(source, tmp_path, precision="int8", dataset=dataset))
    assert "with float features, below 0.98; float16 or float32" in caplog.text


def test_a_file_with_wrong_numbers_is_not_kept(source, tmp_path, monkeypatch):
    def wrong(path, images):
        return lambda images: {"features": np.zeros((len(images), 8), np.float32)}

    monkeypatch.setattr(litert, "opened", wrong)
    with pytest.raises(RunError, match="is not kept, as it differs from TensorFlow"):
        export(config(source, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_keeps_the_names_of_its_outputs(tmp_path):
    tiny_classifier().save(tmp_path / "classifier.keras")
    done = export(config(str(tmp_path / "classifier.keras"), tmp_path))
    runner = litert._interpreter()(done["path"]).get_signature_runner()
    assert set(runner.get_output_details()) == {"features", "probabilities"}
    assert 'made["features"]' in (tmp_path / "my.tflite.md").read_text()


def test_without_the_runtime_it_says_that_nothing_was_checked(
    source, tmp_path, monkeypatch, caplog
):
    pytest.importorskip("tf2onnx")
    monkeypatch.setattr(onnx, "runs_here", lambda: False)
    output = str(tmp_path / "my.onnx")
    done = export(config(source, tmp_path, output=output, format="onnx"))
    assert done["checked"] is None
    assert "not checked, as ONNX Runtime is not installed: pip install" in caplog.text
    assert "Not checked" in (tmp_path / "my.onnx.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8", "format": "onnx", "output": "o"}, "is of --format=lit"),
        ({"output": "my.onnx"}, "use --format=onnx for a .onnx file"),
        ({"output": "my.tflite", "format": "saved_model"}, "saved_model is a folder"),
        ({"format": "keras", "output": "o", "dataset": "shapes"}, "--dataset is of"),
        ({"format": "tflite"}, "--format must be one of"),
    ],
)
def test_what_does_not_go_together_is_refused(source, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        config(source, tmp_path, **options)


ELSEWHERE = {
    "litert": ("ai_edge_litert", "my.tflite", ("tensorflow", "keras", "ressl_tf")),
    "onnx": ("onnxruntime", "my.onnx", ("tensorflow", "keras", "ressl_tf")),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", ELSEWHERE)
def test_the_cards_code_runs_without_tensorflow(form, source, tmp_path, images):
    needed, name, blocked = ELSEWHERE[form]
    for module in {needed, "tf2onnx" if form == "onnx" else needed}:
        pytest.importorskip(module)
    export(config(source, tmp_path, output=str(tmp_path / name), format=form))
    np.save(tmp_path / "images.npy", images)
    code = (tmp_path / f"{name}.md").read_text().split("```python\n")[1].split("```")[0]
    script = f"""\
import json, sys
sys.modules.update(dict.fromkeys({blocked}))
import numpy as np
images = np.load("images.npy")
{code}
print(json.dumps(features.tolist()))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    wanted = gelu_encoder().features(images)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert pathlib.Path(tmp_path / name).exists()
