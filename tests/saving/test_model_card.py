"""The model card."""

import json

from helpers.exports import tiny_encoder

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
