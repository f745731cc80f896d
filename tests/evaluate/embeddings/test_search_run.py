"""The search command: what it finds and prints, and what it refuses."""

import json

import numpy as np
import pytest

from ressl_tf.config.embed_config import EmbedConfig
from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.search_config import SearchConfig
from ressl_tf.evaluate import knn_evaluation, linear_probe
from ressl_tf.evaluate.embeddings.embed_run import embed
from ressl_tf.evaluate.embeddings.search_run import search
from ressl_tf.runtime.errors import UsageError


@pytest.fixture(scope="module")
def indexes(unbroken, photos, tmp_path_factory):
    """Return a folder with the features of both splits, train.npz and test.npz."""
    folder = tmp_path_factory.mktemp("indexes")
    for split in ("train", "test"):
        output = str(folder / f"{split}.npz")
        embed(EmbedConfig(workdir=str(unbroken[1]), split=split, output=output))
    return folder


def test_an_image_of_the_index_finds_itself_first(indexes, photos, tmp_path):
    query = str(photos / "train" / "red" / "3.png")
    picture = tmp_path / "found.png"
    config = SearchConfig(
        index=str(indexes / "train.npz"), query=(query,), k=4, output=str(picture)
    )
    line, summary = list(search(config))
    assert line["query"] == query
    first = line["nearest"][0]
    assert (first["path"], first["class"]) == (query, "red")
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    values = [entry["similarity"] for entry in line["nearest"]]
    assert values == sorted(values, reverse=True)
    assert (summary["queries"], summary["method"]) == (1, "exact")
    assert json.dumps(summary)
    assert picture.stat().st_size > 1000


def test_many_queries_from_a_file(indexes):
    config = SearchConfig(
        index=str(indexes / "train.npz"), query=(str(indexes / "test.npz"),), k=2
    )
    *lines, summary = search(config)
    assert [len(line["nearest"]) for line in lines] == [2] * 10
    assert summary["queries"] == 10


def test_groups_outliers_and_a_sample(tmp_path):
    rows = np.eye(6, dtype=np.float16)[[0, 0, 1, 2, 2, 2, 3]]
    rows[:6] += 0.1  # the last is like none
    np.savez(tmp_path / "x.npz", features=rows, paths=list("abcdefg"))
    index = str(tmp_path / "x.npz")
    *groups, summary = search(SearchConfig(index=index, duplicates=0.99))
    assert [[e["path"] for e in g["images"]] for g in groups] == [
        list("def"),
        ["a", "b"],
    ]
    assert (summary["groups"], summary["in_groups"]) == (2, 5)
    outlier, _ = search(SearchConfig(index=index, outliers=1, k=2))
    assert outlier["path"] == "g"
    *chosen, summary = search(SearchConfig(index=index, diverse=4))
    found = {entry["path"] for entry in chosen}
    assert {"c", "g"} < found
    assert found & set("ab")
    assert found & set("def")
    assert summary["lowest_similarity_to_chosen"] == pytest.approx(1, abs=1e-3)


def test_knn_of_files_is_knn_of_the_encoder(indexes, unbroken, tmp_path):
    files = {
        "bank": str(indexes / "train.npz"),
        "queries": str(indexes / "test.npz"),
    }
    line = knn_evaluation.evaluate(
        KNNConfig(**files, knn_k=(5,), output=str(tmp_path / "knn"))
    )
    assert line["knn_top1"] == unbroken[0]["knn_top1"]
    assert (line["train_images"], line["test_images"], line["feature_dim"]) == (
        *(26, 10),
        32,
    )


@pytest.mark.slow
def test_linear_of_files_is_linear_of_the_encoder(indexes, unbroken, tmp_path):
    files = {
        "bank": str(indexes / "train.npz"),
        "queries": str(indexes / "test.npz"),
    }
    common = {"solver": "lbfgs", "lbfgs_c": (0.01, 1.0)}
    line = linear_probe.evaluate(
        LinearConfig(**files, **common, output=str(tmp_path / "a"))
    )
    whole = linear_probe.evaluate(
        LinearConfig(workdir=str(unbroken[1]), **common, output=str(tmp_path / "b"))
    )
    for figure in ("top1", "c", "train_top1"):
        assert line[figure] == whole[figure]
    with np.load(line["head"]) as head:
        assert head["kernel"].shape == (32, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "x.txt", "outliers": 1}, "must be a file of ressl_tf.embed"),
        ({"index": "x.npz"}, "Received: 0 of them"),
        ({"index": "x.npz", "outliers": 1, "diverse": 1}, "Received: 2 of them"),
        ({"index": "x.npz", "outliers": 1, "output": "x.gif"}, "end in .png or .svg"),
        ({"index": "x.npz", "query": ("gs://a/b.jpg",)}, "a path on this machine"),
    ],
)
def test_flags_that_cannot_be(options, message):
    with pytest.raises(UsageError, match=message):
        SearchConfig(**options)


def test_what_cannot_be_searched_is_said_in_one_line(indexes, photos, tmp_path):
    index, image = str(indexes / "train.npz"), str(photos / "test/red/0.png")
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "narrow.npz", features=np.ones((3, 2)), paths=list("abc"))
    broken = tmp_path / "broken.jpg"
    broken.write_text("no image")
    for options, message in (
        ({"index": str(tmp_path / "nowhere.npz"), "outliers": 1}, "No such file"),
        ({"index": str(tmp_path / "text.npz"), "outliers": 1}, "give a file of"),
        ({"index": str(tmp_path / "narrow.npz"), "query": (image,)}, "by --model"),
        ({"index": index, "query": (str(tmp_path / "narrow.npz"),)}, "length of the"),
        ({"index": index, "query": (str(broken),)}, "its bytes are no"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            list(search(SearchConfig(**options)))
        assert "\n" not in str(caught.value)
