"""Who may import whom, how long a function may be, and what every method is."""

import ast
import pathlib
import statistics

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "ressl_tf"
FOLDERS = (  # a folder imports from itself and from those above it
    "runtime",
    "losses",
    "config",
    "data",
    "models",
    "engine",
    "methods",
    "saving",
    "evaluate",
    "pretraining",
    "graphs",
    "sweeps",
    "benchmarks",
    "",  # the command lines and the public names
)
ONLY_IMPORTERS = {  # the stock layers are measured too
    "keras_cv": {"data.augment.seeded", "benchmarks.peers.kerascv_views"},
    "tf.distribute": {"runtime.distribute"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def folder(module):
    """The folder at the root that a module is in; "" for those at the root."""
    return module.split(".")[0] if "." in module or module in FOLDERS else ""


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path):
    module = name(path)
    home = FOLDERS.index(folder(module))
    for imported in imports(ast.parse(path.read_text())):
        if imported.startswith("ressl_tf."):
            used = folder(imported.removeprefix("ressl_tf."))
            assert FOLDERS.index(used) <= home, f"{module} imports {imported}"
        root = imported.split(".")[0]
        assert module in ONLY_IMPORTERS.get(root, {module})
    if module not in ONLY_IMPORTERS["tf.distribute"]:
        assert "tf.distribute." not in path.read_text()


def test_no_two_files_share_a_name():
    names = [path.name for path in MODULES if path.name != "__init__.py"]
    assert len(names) == len(set(names))


def test_the_root_holds_command_lines_and_at_most_13_folders():
    folders = {
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    assert folders == set(FOLDERS) - {""}
    assert len(folders) <= 13
    files = {path.stem for path in PACKAGE.glob("*.py")}
    for command in files - {"__init__"}:
        assert "sys.exit(command.run(" in (PACKAGE / f"{command}.py").read_text()


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
