"""The model card."""

import json

import keras
from helpers.exports import tiny_encoder

from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.saving import model_card
from ressl_tf.saving.pretrained import Pretrained


def test_the_card_shows_config_data_and_all_results_without_paths(tmp_path):
    rows = [{"step": 1, "loss": 8.5}, {"step": 2, "loss": 4.25}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name, top1 in (("knn", 0.4375), ("linear", 0.5625)):
        (tmp_path / name).mkdir()
        result = {"top1": top1, "k": [20], "plot": "/somewhere/plot.png"}
        (tmp_path / name / "result.json").write_text(json.dumps(result))
    config = {
        "dataset": "folder:/somewhere/photos",
        "color_jitter": [0.4, 0.1],
        "method": "byol",
        "queue_size": 777,
        "workdir": "/somewhere",
    }
    source = Pretrained(
        tmp_path, "workdir", tiny_encoder(projector=False), 16, config=config
    )
    card = model_card.text(
        source,
        {
            "format": "saved_model",
            "kind": "encoder",
            "outputs": {"features": 8},
            "feature_dim": 8,
            "parameters": 12345,
            "image_size": None,
            "trained_image_size": 16,
            "weights_sha256": "abc",
        },
        "exported",
    )
    assert "somewhere" not in card
    for line in (
        "| dataset | folder:photos |",
        "| color_jitter | 0.4, 0.1 |",
        "| loss | 4.25 |",
        "| knn/result.json | value |\n|---|---|\n| top1 | 0.4375 |",
        "| linear/result.json | value |\n|---|---|\n| top1 | 0.5625 |",
        'model = tf.saved_model.load("exported")',
    ):
        assert line in card
    assert "8.5" not in card
    assert "queue_size" not in card  # BYOL has no queue
    _, head, rest = card.split("---\n", 2)
    assert head.splitlines() == [
        "library_name: tensorflow",
        "pipeline_tag: image-feature-extraction",
        "tags:",
        "- tensorflow",
        "- self-supervised-learning",
        "- byol",
    ]
    assert rest.startswith("\n# Model card: exported\n")
    assert "12,345 parameters" in card


def test_the_card_says_which_images_an_encoder_takes(tmp_path):
    export = {
        "format": "saved_model",
        "kind": "encoder",
        "outputs": {"features": 8},
        "feature_dim": 8,
        "parameters": 1,
        "weights_sha256": "abc",
        "image_size": None,
        "trained_image_size": 16,
    }
    for channels, kind in ((3, "RGB"), (1, "grey"), (4, "of 4 channels")):
        backbone = keras.Sequential(
            [keras.Input((16, 16, channels)), keras.layers.GlobalAveragePooling2D()]
        )
        numbers = (0.5,) * channels
        encoder = Encoder(backbone, None, numbers, numbers)
        card = model_card.text(Pretrained(tmp_path, "keras", encoder, 16), export, "e")
        assert f"float32 [batch, h, w, {channels}], {kind} on 0..255" in card
        assert f"- Images are {kind} on 0..255" in card
        assert ("`serving_encoded`" in card) == (channels != 4)


def test_names_of_classes_and_methods_are_no_html_and_no_yaml(tmp_path):
    names = ("<script>", "a\nb")
    encoder = tiny_encoder(projector=False)
    classifier = Classifier(encoder, 2, label_names=names)
    config = {"dataset": "folder:/x/<b>", "method": "a\n- b"}
    source = Pretrained(
        tmp_path, "saved_model", classifier.encoder, 16, classifier, config
    )
    export = {
        "format": "saved_model",
        "kind": "classifier",
        "outputs": {"features": 8},
        "parameters": 1,
        "image_size": None,
        "trained_image_size": 16,
        "feature_dim": 8,
        "weights_sha256": "abc",
    }
    card = model_card.text(source, export, "exported")
    assert r"Classes, in order: &lt;script&gt;, a\\nb." in card
    assert "| dataset | folder:&lt;b&gt; |" in card
    assert "<script>" not in card
    assert card.split("---\n")[1].count("\n- ") == 2
