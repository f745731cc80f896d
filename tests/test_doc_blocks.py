"""Every block of code in the pages is run by a test, or marked as an illustration.

A mark is the comment `<!-- illustration -->` above the block: it needs machines, data
or hours that a test has not. Its commands are parsed all the same, so that no flag of a
page is one of the past.
"""

import pathlib
import re
import shlex

import numpy as np
import pytest
import test_docs
from helpers.graphs import planted_graph, save_graph
from helpers.models import tiny_backbone

from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime import flags

ROOT = pathlib.Path(__file__).parents[1]
PAGES = {
    path.stem: path.read_text().splitlines()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"))
}
MARK = "<!-- illustration -->"
RUN = {  # language -> the pages whose blocks a test runs
    "bash": {"README", *test_docs.GUIDES},  # test_docs
    "python": {"README", "python", "export", "keras", "graphs", "embeddings"}
    | {"methods", "trackers", "deploy"},  # test_docs, test_*_page, and below
    "diff": {"CONTRIBUTING"},  # below
}


def blocks(lines):
    """Yield (first line, language, lines, marked) of fenced and indented blocks."""
    place = 0
    while place < len(lines):
        line, before = lines[place], [x for x in lines[:place] if x]
        indented = line.startswith("    ") and (not place or not lines[place - 1])
        if line.startswith("```"):
            end = lines.index("```", place + 1)
            body, language = lines[place + 1 : end], line[3:]
        elif indented and not (before and re.match(r"[-*] |\d+\. |  ", before[-1])):
            end = place
            while end < len(lines) and lines[end].startswith("    "):
                end += 1
            body, language = [x[4:] for x in lines[place:end]], ""
        else:
            place += 1
            continue
        yield place + 1, language, body, bool(before) and before[-1] == MARK
        place = end + 1


ALL = [
    (page, *block) for page, lines in sorted(PAGES.items()) for block in blocks(lines)
]


def test_every_block_is_run_or_marked():
    assert len(ALL) > 60
    unmarked = [
        f"{page}.md:{line}"
        for page, line, language, _, marked in ALL
        if not marked and page not in RUN.get(language, ())
    ]
    assert unmarked == []


def commands():
    """Return all commands of the package in any block, on one line each."""
    for page, _, _, body, _ in ALL:
        for text in re.sub(r"\\\n\s*", "", "\n".join(body)).splitlines():
            text = re.sub(r"python -m ressl_tf\.", "ressl-tf ", text)
            if re.match(r"ressl-tf [a-z]", text):
                yield pytest.param(text.partition("  #")[0], id=f"{page}: {text[:50]}")


@pytest.mark.parametrize("command", list(commands()))
def test_the_commands_of_every_page_parse(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    command = re.sub(r"\[[^]]*\]", "", command)  # [--what=may] be left out
    words = shlex.split(re.sub("=(SEED|RATE|SHARE|EPOCHS)", "=1", command))
    if not {"--help", "--version"} & set(words):
        flags.parse(test_docs.config_of(command), words[2:])


def python(page):
    """Return the Python of a page, one block after the other."""
    return ["\n".join(b) for p, _, kind, b, _ in ALL if (p, kind) == (page, "python")]


def test_the_code_about_graphs_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph = planted_graph(nodes=150)
    save_graph(graph, tmp_path / "cora.npz")
    source, target = graph.edges.T
    names = {"features": graph.features, "n": len(graph.features)}
    names |= {"source": source, "target": target}
    writing, training = python("graphs")
    exec(writing, names)
    written = np.load("mine.npz")
    assert written["adj_shape"].tolist() == [names["n"], names["n"]]
    assert len(written["adj_data"]) == len(source)
    exec(training.replace("epochs=400", "epochs=2"), names)
    assert names["embeddings"].shape == (names["n"], 128)
    assert (tmp_path / "rgrl.keras").exists()


def test_the_code_about_files_of_features_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    features = np.random.default_rng(0).normal(size=(600, 32)).astype(np.float32)
    features[7] = features[3]
    np.savez("photos.npz", features=features)
    (code,) = python("embeddings")
    names = {"queries": features[:2]}
    exec(code, names)
    assert names["rows"][:, 0].tolist() == [0, 1]
    assert names["rows"].shape == (2, 20)
    assert sorted(next(iter(names["groups"]))) == [3, 7]
    assert len(names["chosen"]) == 500


def test_the_code_about_methods_runs():
    import ressl_tf

    (code,) = python("methods")
    names = {"ressl_tf": ressl_tf, "epochs": 2, "batch_size": 4}
    names["images"] = np.zeros((12, 32, 32, 3), np.uint8)
    exec(code, names)
    assert names["steps"] == 6
    assert isinstance(names["model"], ressl_tf.RSA)


def test_the_code_about_trackers_runs():
    (code,) = python("trackers")
    names = {}
    exec(code, names)
    best = names["Best"]()
    for logs in ({"knn_top1": 0.25}, {}, {"knn_top1": 0.5}, {"knn_top1": 0.3}):
        best.on_epoch_end(0, logs)
    assert best.top1 == 0.5


DIFFS = [
    body for page, _, kind, body, _ in ALL if (page, kind) == ("CONTRIBUTING", "diff")
]


@pytest.mark.parametrize("diff", DIFFS[1:], ids=lambda diff: diff[0][:40])
def test_what_a_change_stands_between_is_there(diff):
    sources = "".join(path.read_text() for path in ROOT.glob("ressl_tf/**/*.py"))
    for line in diff:
        assert line[0] == "+" or f"{line[1:]}\n" in sources, line
    assert any(line[0] == "+" for line in diff)


def test_the_method_to_add_learns(images):
    """The file of the first change, as it stands there."""
    names = {"__name__": "attraction_of_the_page"}
    exec("\n".join(line.removeprefix("+") for line in DIFFS[0]), names)
    model = names["Attraction"](tiny_backbone(), image_size=16, hidden_dim=8)
    model.compile(SGD(0.1))
    history = model.fit(images, batch_size=4, epochs=1, verbose=0).history
    assert 0 < history["loss"][0] < 4  # of unit vectors, |a - b|^2
