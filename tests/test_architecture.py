"""Order of imports, sizes of functions and files, and names of test files."""

import ast
import graphlib
import pathlib
import statistics

import pytest

TESTS = pathlib.Path(__file__).parent
PACKAGE = TESTS.parent / "ressl_tf"
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
ONLY_IMPORTERS = {
    "keras_cv": {"data.augment.seeded"},
    "tf.distribute": {"runtime.distribute"},
}
OF_SEVERAL_MODULES = {
    "data/augment/test_views_of_channels",
    "data/augment/test_layer_draws",
    "data/test_crafted_images",
    "data/test_deep_images",
    "data/test_remote_data",
    "engine/test_bad_disks",
    "methods/test_method_contract",
    "methods/test_own_method",
    "pretraining/test_remote_run",
    "pretraining/test_worker_faults",
    "pretraining/test_workers",
    "saving/pytorch/test_find_architecture",  # this file has the other name
    "saving/test_formats",
    "scripts/soak/test_soak",  # a folder that Python runs
    "scripts/test_launch_local",
    "scripts/test_slurm",
    "saving/test_small_formats",
    "test_architecture",
    "test_deploy_page",
    "test_doc_blocks",
    "test_docs",
    "test_fuzz",
    "test_fuzzed_readers",
    "test_graph_wing",
    "test_journey",
    "test_keras_page",
    "test_kills",
    "test_notebook",
    "test_on_gpu",
    "test_packaging",
    "test_public_names",
    "test_wheel",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("test_*.py"))


def name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def folder(module):
    """Return the folder at the root that a module is in; "" for those at the root."""
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


def imported_modules(tree, known):
    """Return the modules of the package that a file imports."""
    found = set()
    for imported in imports(tree):
        inside = imported.removeprefix("ressl_tf.")
        while inside and inside not in known:
            inside = inside.rpartition(".")[0]
        if imported.startswith("ressl_tf.") and inside:
            found.add(inside)
    return found


def test_imports_have_no_circle():
    """Within a folder, too; what a file imports for its types alone does not count."""
    trees = {name(path): ast.parse(path.read_text()) for path in MODULES}
    for tree in trees.values():
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    known = set(trees) - {""}
    graph = {n: imported_modules(tree, known) - {n} for n, tree in trees.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())  # or CycleError


def test_no_function_imports_the_package():
    """But for the command lines, whose `--help` must not wait for TensorFlow."""
    for path in MODULES:
        functions = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef)
        ]
        inner = [i for function in functions for i in imports(function)]
        if path.parent != PACKAGE:
            assert not [i for i in inner if i.startswith("ressl_tf")], path


def test_no_two_files_share_a_name():
    names = [path.name for path in MODULES if path.name != "__init__.py"]
    assert len(names) == len(set(names))


def test_no_two_test_files_share_a_name():
    names = [path.name for path in TEST_FILES]
    assert len(names) == len(set(names))


def test_test_files_are_named_after_the_module_they_test():
    strangers = set()
    for path in TEST_FILES:
        tested = PACKAGE / path.relative_to(TESTS).parent / path.name[len("test_") :]
        package = tested.parent.name == tested.stem  # that of plots/__init__.py
        script = TESTS.parent / tested.relative_to(PACKAGE)  # of tests/scripts
        found = tested.exists() or script.exists()
        if not (found or (package and tested.parent.is_dir())):
            strangers.add(path.relative_to(TESTS).with_suffix("").as_posix())
    assert strangers == OF_SEVERAL_MODULES


def test_test_files_are_short():
    for path in TESTS.rglob("*.py"):
        assert path.read_text().count("\n") <= 300, path


def test_the_root_holds_command_lines_and_at_most_13_folders():
    folders = {
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    assert folders == set(FOLDERS) - {""}
    assert len(folders) <= 13
    files = {path.stem for path in PACKAGE.glob("*.py")}
    for command in files - {"__init__", "__main__"}:
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
