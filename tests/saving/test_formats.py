"""Files that version 0.1.0 wrote are opened, served and gone on from."""

import json
import pathlib
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from formats import write

import ressl_tf
from ressl_tf.data.load import load_source
from ressl_tf.saving.pretrained import open_pretrained

ARCHIVE = pathlib.Path(write.__file__).with_name("0.1.0.tar.xz")
METHODS = ("ReSSL", "ReCo", "RSA", "RGRL")
CLOCK = {"images_per_second", "input_wait", "epochs_per_second"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Unpack the archive; return its folder, in which commands may go on."""
    folder = tmp_path_factory.mktemp("stored")
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def results(stored):
    """Return the last line of each command of 0.1.0."""
    return json.loads((stored / "results.json").read_text())


@pytest.fixture(scope="module")
def expected(stored):
    """Return what the models of 0.1.0 answered on its photos and its graph."""
    with np.load(stored / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture
def again(commands, stored):
    """Return a function that runs a command of 0.1.0 again, with fewer flags."""

    def run(name, without=()):
        module, *flags = write.COMMANDS[name]
        flags = [flag for flag in flags if not flag.startswith(tuple(without))]
        status, out, err = commands.run(module, *flags, cwd=stored)
        assert status == 0, err
        return [json.loads(line) for line in out.splitlines()], err

    return run


def assert_close(answers, wanted):
    np.testing.assert_allclose(answers, wanted, rtol=1e-4, atol=1e-4)


def rows(folder):
    """Return the log of a run without what is measured by the clock."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name not in CLOCK}
        for line in lines
    ]


def assert_alike(found, wanted):
    """Compare two logs; one of ten votes may differ between machines."""
    assert len(found) == len(wanted)
    for row, other in zip(found, wanted, strict=True):
        close = {k: pytest.approx(v, rel=1e-3, abs=1e-6) for k, v in other.items()}
        close |= {k: pytest.approx(v, abs=0.11) for k, v in other.items() if "knn" in k}
        assert row == close


def test_a_workdir_gives_its_features_and_embeddings(stored, expected):
    encoder = open_pretrained(str(stored / "whole")).encoder
    assert_close(encoder.features(write.photos()), expected["whole"])
    assert_close(encoder(write.photos()), expected["whole_embeddings"])


@pytest.mark.parametrize("folder", ["whole/finetune-1-seed0", "classifier"])
def test_a_classifier_gives_its_probabilities(stored, expected, folder):
    opened = open_pretrained(str(stored / folder))
    answers = tf.nn.softmax(opened.classifier(write.photos()))
    assert_close(answers, expected["classifier"])


@pytest.mark.parametrize("path", ["exported", "encoder.keras"])
def test_an_exported_encoder_is_opened(stored, expected, path):
    opened = open_pretrained(str(stored / path))
    assert_close(opened.encoder.features(write.photos()), expected["whole"])


def test_saved_models_serve_what_they_served(stored, expected):
    encoder, classifier, graphs = (
        tf.saved_model.load(str(stored / folder))
        for folder in ("exported", "classifier", "exported_gcn")
    )
    served = encoder.serve(write.photos())
    assert_close(served["features"], expected["whole"])
    assert_close(served["embeddings"], expected["whole_embeddings"])
    served = classifier.serve(write.photos())
    assert_close(served["probabilities"], expected["classifier"])
    served = graphs.serve(**ressl_tf.Graph.from_npz(stored / "tiny.npz").inputs)
    assert_close(served["embeddings"], expected["graph"])


def test_a_file_of_stock_layers_needs_keras_alone(stored, expected):
    model = keras.saving.load_model(stored / "encoder.keras")
    assert_close(model.predict(write.photos(), verbose=0), expected["whole"])


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_a_saved_method_answers_and_learns_on(stored, expected, name):
    model = keras.saving.load_model(stored / f"{name}.keras", compile=True)
    assert type(model) is getattr(ressl_tf, name)
    steps, iterations = int(model.step), int(model.optimizer.iterations)
    assert steps == iterations > 0
    data, options = write.photos()[:9], {"batch_size": 9}
    if name == "RGRL":
        data, options = ressl_tf.Graph.from_npz(stored / "tiny.npz"), {}
        answers = model(data.inputs)
    else:
        answers = model.predict(write.photos(), verbose=0)
    assert_close(answers, expected[name])
    before = model.trainable_variables[0].numpy()
    history = model.fit(data, epochs=1, verbose=0, **options).history
    assert np.isfinite(history["loss"]).all()
    assert int(model.step) == int(model.optimizer.iterations) == steps + 1
    assert not np.array_equal(before, model.trainable_variables[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "whole"), [("broken", "whole"), ("graph_broken", "graph")]
)
def test_a_broken_run_goes_on_to_the_end_of_a_whole_one(
    again, stored, results, broken, whole
):
    (result,), err = again(broken, without=["--max_steps"])
    assert "going on from" in err
    assert result["steps"] == results[whole]["steps"]
    assert result["loss"] == pytest.approx(results[whole]["loss"], rel=1e-3)
    assert_alike(rows(stored / broken), rows(stored / whole))


@pytest.mark.slow
def test_a_finished_run_stays_as_it_is(again, stored, results):
    def contents():
        paths = [path for path in (stored / "whole").rglob("*") if path.is_file()]
        redone = stored / "whole/config.json"  # with today's names of flags
        return {
            path: path.read_bytes()
            for path in paths
            if path.suffix != ".png" and path != redone
        }

    before = contents()
    (result,), _ = again("whole")
    for name in ("weights_sha256", "steps", "loss", "knn_top1"):
        assert result[name] == results["whole"][name]
    assert contents() == before


@pytest.mark.slow
def test_a_cache_is_read_without_decoding(
    commands, stored, results, caplog, monkeypatch
):
    """The hash in its name is of paths and times: it gets the name of this copy."""
    monkeypatch.chdir(stored)
    caplog.set_level("INFO", "ressl_tf")
    caches = stored / "cache"
    for split in ("train", "test"):
        plain = load_source("folder:photos", split, cache="disk", cache_dir="names")
        (new,) = (stored / "names").glob(f"folder_photos-{split}-*")
        assert "decoding" in caplog.text
        (old,) = caches.glob(f"folder_photos-{split}-*")
        old.rename(caches / new.name)
        caplog.clear()
        cached = load_source("folder:photos", split, cache="disk", cache_dir="cache")
        assert "decoding" not in caplog.text
        assert cached.encoded.folder.samefile(caches / new.name)
        np.testing.assert_array_equal(cached.all_labels(), plain.all_labels())
        for row in range(plain.size):
            np.testing.assert_array_equal(cached.example(row)[0], plain.example(row)[0])
    flags = "--workdir=whole", "--cache=disk", "--cache_dir=cache", "--output=votes"
    status, out, err = commands.run("knn", *flags, cwd=stored)
    assert status == 0, err
    assert "decoded images are in cache/folder_photos-train" in err
    assert "decoding" not in err
    assert json.loads(out)["top1"] == results["knn"]["top1"]


@pytest.mark.slow
def test_a_sweep_does_no_run_again(again, stored, results):
    before = {path: rows(path) for path in (stored / "sweep").glob("teacher_temp=*")}
    assert len(before) == 2
    (*_, total), err = again("sweep")
    assert "Epoch" not in err
    assert not list((stored / "sweep").glob("*/checkpoints/*"))
    assert {path: rows(path) for path in before} == before
    for name in ("runs", "ok", "collapsed", "failed", "best_run", "best_knn_top1"):
        assert total[name] == results["sweep"][name]
