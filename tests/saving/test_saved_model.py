"""A SavedModel gives what its source gives, to programs without this package."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.exports import ABOUT, MEAN, STD, saved, tiny_classifier, tiny_encoder

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import saved_model
from ressl_tf.saving.pretrained import open_pretrained


@pytest.fixture(scope="module")
def embedding_export(tmp_path_factory):
    """Return (encoder, folder, loaded) of any image size, both outputs; read only."""
    encoder, folder = tiny_encoder(), tmp_path_factory.mktemp("export") / "model"
    return encoder, folder, saved(encoder, folder, None, ("features", "embeddings"))


def test_serve_gives_the_sources_features_and_embeddings(embedding_export, images):
    encoder, _, loaded = embedding_export
    made = loaded.serve(images)
    assert set(made) == {"features", "embeddings"}
    np.testing.assert_allclose(made["features"], encoder.features(images), atol=1e-5)
    np.testing.assert_allclose(made["embeddings"], encoder(images), atol=1e-5)
    normal = (images / 255.0 - np.array(MEAN)) / np.array(STD)
    plain = encoder.backbone(normal.astype("float32"), training=False)
    np.testing.assert_allclose(made["features"], plain, atol=1e-5)


def test_images_may_be_uint8_or_float32_of_any_number_and_size(
    embedding_export, images
):
    _, _, loaded = embedding_export
    whole = loaded.serve(images)["features"]
    as_float = loaded.serve(images.astype("float32"))["features"]
    np.testing.assert_array_equal(as_float, whole)
    np.testing.assert_allclose(
        loaded.serve(images[:1])["features"], whole[:1], atol=1e-5
    )
    larger = np.pad(images, ((0, 0), (2, 6), (1, 0), (0, 0)), mode="edge")
    assert loaded.serve(larger)["features"].shape == (12, 8)


def test_a_fixed_size_is_in_the_signature(images, tmp_path):
    loaded = saved(tiny_encoder(), tmp_path / "model", 20)
    signature = loaded.signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    assert spec == tf.TensorSpec([None, 20, 20, 3], tf.uint8, name="images")
    with pytest.raises(ValueError, match="matching concrete function"):
        loaded.serve(images)


def test_servers_find_images_of_both_types_and_encoded_ones(embedding_export, images):
    _, _, loaded = embedding_export
    whole = loaded.serve(images)["features"]
    for name, dtype in (("serving_default", "uint8"), ("serving_float32", "float32")):
        served = loaded.signatures[name](images=tf.constant(images.astype(dtype)))
        np.testing.assert_allclose(served["features"], whole, atol=1e-6)
    encoded = loaded.signatures["serving_encoded"]
    files = tf.stack([tf.io.encode_png(image) for image in images])
    served = encoded(image_bytes=files)["features"]
    np.testing.assert_allclose(served, whole, atol=1e-5)
    large = tf.cast(tf.image.resize(images, (40, 30), "bicubic"), tf.uint8)
    files = tf.stack([tf.io.encode_png(image) for image in large])
    served = encoded(image_bytes=files)["features"]
    cropped = loaded.serve(centre_crop(large, 16))["features"]
    np.testing.assert_allclose(served, cropped, atol=1e-5)


def test_what_is_no_image_in_a_batch_of_files_is_named(embedding_export, images):
    encoded = embedding_export[2].signatures["serving_encoded"]
    files = [tf.io.encode_png(image) for image in images[:4]]
    files[1], files[3] = b"", b"%PDF-1.7"
    message = r"JPEG, PNG, WebP, BMP, GIF or JPEG XL files; .* at places\] \[1 3\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        encoded(image_bytes=tf.stack(files))
    files[0] = b"RIFF\x24\0\0\0WAVEfmt "  # begins as a WebP does
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0 1 3\]"):
        encoded(image_bytes=tf.stack(files))


def test_served_files_are_decoded_as_in_training():
    config = {"value_range": "0,4095", "exif": "ignore"}
    decoding = saved_model._decoding(config, 3)
    assert (decoding.value_range, decoding.exif) == ("0,4095", "ignore")
    assert saved_model._decoding({}, 3) == Decoding()
    deep = tf.io.encode_png(tf.fill([8, 8, 3], tf.constant(2048, tf.uint16)))
    served = saved_model._encoded_endpoint(lambda images: images, 8, decoding)
    assert served(deep[None]).numpy().max() == 128  # 127.53
    decoding = saved_model._decoding({**config, "pixels": "float32"}, 3)
    served = saved_model._encoded_endpoint(lambda images: images, 8, decoding)
    np.testing.assert_allclose(served(deep[None]), 2048 / 4095 * 255, rtol=1e-6)


@pytest.mark.parametrize("scope", ["local", "sync", "split"])
def test_train_normalises_by_the_batch_and_moves_the_statistics(
    scope, images, tmp_path
):
    """Against NumPy; a batch of 5 could not be split into the run's 8 groups."""
    norm = BatchNormalization(scope, name="bn")
    layers = [keras.Input((16, 16, 3)), norm, keras.layers.GlobalMaxPooling2D()]
    encoder = Encoder(keras.Sequential(layers), None, MEAN, STD)
    loaded = saved(encoder, tmp_path / "model")
    batch = images[:5]
    normal = (batch / 255.0 - np.array(MEAN)) / np.array(STD)
    mean, variance = normal.mean((0, 1, 2)), normal.var((0, 1, 2))
    expected = ((normal - mean) / np.sqrt(variance + 1e-5)).max((1, 2))
    np.testing.assert_allclose(loaded.train(batch)["features"], expected, atol=1e-4)
    _, _, moving_mean, moving_variance = loaded.variables
    np.testing.assert_allclose(moving_mean, 0.1 * mean, atol=1e-6)
    samples = normal[..., 0].size
    if scope != "sync":  # there it is Keras's own, without n / (n - 1)
        unbiased = variance * samples / (samples - 1)
        np.testing.assert_allclose(moving_variance, 0.9 + 0.1 * unbiased, rtol=1e-5)
    assert len(loaded.trainable_variables) == len(loaded.non_trainable_variables) == 2
    served = loaded.serve(batch)["features"]
    assert not np.allclose(served, expected, atol=1e-2)


def test_the_trainable_variables_are_the_encoders_and_gradients_reach_all(
    images, tmp_path
):
    encoder = tiny_encoder(projector=False)
    loaded = saved(encoder, tmp_path / "model")
    for values, sources in (
        (loaded.variables, encoder.variables),
        (loaded.trainable_variables, encoder.trainable_variables),
        (loaded.non_trainable_variables, encoder.non_trainable_variables),
    ):
        for value, source in zip(values, sources, strict=True):
            np.testing.assert_array_equal(value, source.numpy())
    with tf.GradientTape() as theirs:
        loss = tf.reduce_sum(loaded.train(images)["features"] ** 2)
    with tf.GradientTape() as ours:
        expected = tf.reduce_sum(encoder.features(images, training=True) ** 2)
    gradients = theirs.gradient(loss, loaded.trainable_variables)
    for got, want in zip(
        gradients, ours.gradient(expected, encoder.trainable_variables), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_classifier_gives_probabilities_and_can_be_trained_on(
    frozen, images, tmp_path
):
    classifier = tiny_classifier(frozen)
    names = ("features", "logits", "probabilities")
    loaded = saved(classifier, tmp_path / "model", outputs=names)
    made = {name: value.numpy() for name, value in loaded.serve(images).items()}
    kernel, bias = (v.numpy() for v in classifier.head.variables)
    np.testing.assert_allclose(
        made["features"], classifier.encoder.features(images), atol=1e-5
    )
    logits = made["features"] @ kernel + bias
    np.testing.assert_allclose(made["logits"], logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(made["probabilities"], shares, atol=1e-6)
    assert len(loaded.trainable_variables) == 6 + 2  # convolutions, norms and head
    before = loaded.variables[3].numpy()  # a moving mean
    loaded.train(images)
    assert not np.allclose(loaded.variables[3], before)


def test_load_gives_the_encoder_and_what_was_said_of_it(embedding_export, images):
    encoder, folder, _ = embedding_export
    part, about = saved_model.load(folder)
    assert about == ABOUT
    np.testing.assert_allclose(part(images), encoder(images), atol=1e-6)
    assert (part.mean, part.std) == (MEAN, STD)


def test_an_exported_classifier_opens_as_one(images, tmp_path):
    classifier = tiny_classifier()
    saved(classifier, tmp_path / "model", outputs=("features", "probabilities"))
    opened = open_pretrained(str(tmp_path / "model"))
    assert opened.kind == "saved_model"
    assert opened.image_size == 16
    assert opened.config == {"dataset": "shapes"}
    assert opened.classifier.label_names == ("cat", "dog", "owl")
    np.testing.assert_allclose(opened.classifier(images), classifier(images), atol=1e-5)
    features = classifier.encoder.features(images)
    np.testing.assert_allclose(opened.encoder.features(images), features, atol=1e-5)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("ressl_tf.json", pathlib.Path.unlink, "another program: it has no ressl_tf"),
        ("ressl_tf.json", cut, "damaged or of another version"),
        ("saved_model.pb", cut, "saved_model.pb differs from what was saved"),
        (
            "variables/variables.data-00000-of-00001",
            flip,
            "data-00000-of-00001 differs",
        ),
        (
            "variables/variables.index",
            pathlib.Path.unlink,
            "variables.index is missing",
        ),
    ],
)
def test_a_damaged_or_foreign_saved_model_is_one_line(
    embedding_export, tmp_path, name, damage, message
):
    _, folder, _ = embedding_export
    copy = tmp_path / "copy"
    for path in folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    damage(copy / name)
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        open_pretrained(str(copy))
    assert "\n" not in str(error.value)
