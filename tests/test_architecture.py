"""Who may import whom, how long a function may be, and what every method is."""

import ast
import pathlib
import statistics

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "ressl_tf"
LAYERS = [  # a module may import from its own row and those above
    {"errors", "files", "interrupt"},
    {"losses", "blockwise", "schedules", "flags", "run_flags"},
    {"cluster", "accumulation", "precision", "randomness", "running_mean"},
    {"distribute"},
    {"queue", "ema", "heads", "optimizers", "backbones", "data"},
    {"executing", "taking_back"},
    {"pytorch.names", "pytorch.layouts", "pytorch.files", "pytorch.architecture"},
    {"methods"},  # their names only
    {"method_flags", "graph_flags", "optimization_flags", "device_flags"},
    {"config", "encoder", "pytorch.config"},
    {"judging.node_flags"},
    {"judging.config", "exporting.config"},
    {"drawing.plot_config", "drawing.preview_config", "sweeping.config"},
    {"benchmarking.config"},
    {"guard"},
    {"methods.base", "methods.images"},
    {"methods.*"},
    {"build", "checkpoint", "workdir", "evaluate"},
    {"classifier"},
    {"exporting.rebuild", "exporting.saved_model", "exporting.keras_file"},
    {"pretrained"},
    {"graph_run"},
    {"exporting"},
    {"callbacks", "fitting"},
    {"judging"},
    {"warm_start"},
    {"layout"},
    {"pretraining", "graph_pretraining", "dry_run", "command"},
    {"pytorch"},
    {"drawing", "sweeping"},
    {"benchmarking"},
    {"train", "knn", "linear", "finetune"},
    {"export", "convert", "plot", "preview", "sweep", "bench"},
]
ONLY_IMPORTERS = {  # the stock layers are measured too
    "keras_cv": {"data.augment", "benchmarking.peers.kerascv_views"},
    "tf.distribute": {"distribute"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def layer(module):
    """The row of a module: of itself, or of the package it is in."""
    for row, members in enumerate(LAYERS):
        if module in members:
            return row
    if module.endswith(".*"):
        return layer(module.removesuffix(".*"))
    if "." in module:
        return layer(module.rpartition(".")[0] + ".*")
    raise AssertionError(f"{module} has no place among LAYERS")


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(imported, known):
    """The module of the package that an imported name is, or is in."""
    inside = imported.removeprefix("ressl_tf.")
    while inside and inside not in known:
        inside = inside.rpartition(".")[0]
    return inside


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path):
    module, known = name(path), {name(other) for other in MODULES} - {""}
    if module in ("", "__init__"):  # the public names, from everywhere
        return
    tree = ast.parse(path.read_text())
    for imported in imports(tree):
        if imported.startswith("ressl_tf."):
            used = own(imported, known)
            assert layer(used) <= layer(module), f"{module} imports {used}"
        root = imported.split(".")[0]
        assert module in ONLY_IMPORTERS.get(root, {module})
    if module not in ONLY_IMPORTERS["tf.distribute"]:
        assert "tf.distribute." not in path.read_text()


def test_functions_are_short_and_files_have_one_idea():
    lengths = {}
    for path in MODULES:
        text = path.read_text()
        assert text.count("\n") <= 320, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = node.end_lineno - node.lineno + 1
                lengths[f"{name(path)}.{node.name}:{node.lineno}"] = length
    longest = max(lengths, key=lengths.get)
    assert lengths[longest] <= 60, longest
    assert statistics.median(lengths.values()) <= 12
    assert not {"utils", "helpers", "common"} & {path.stem for path in MODULES}


def test_public_functions_and_classes_have_docstrings():
    bare = [
        f"{name(path)}.{node.name}"
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    # The command lines' main is documented by its module; it is what --help prints.
    assert [entry for entry in bare if not entry.endswith(".main")] == []
