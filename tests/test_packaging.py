"""pyproject.toml: ranges that hold the pins, and an upper bound for private parts."""

import ast
import pathlib
import re

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib")  # of Python 3.11 and later

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RANGES = {r.name: r for r in map(Requirement, PROJECT["dependencies"])}
PINS = [
    Requirement(line.partition("#")[0])
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and line[0] != "#"
]
PRIVATE = [  # library, part, files, version
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines()
    if line.count("|") == 5 and "`" in line
]


def test_every_range_holds_the_pin_and_nothing_is_pinned():
    for name, asked in RANGES.items():
        pins = [pin for pin in PINS if pin.name == name]
        assert pins, name
        for pin in pins:
            version = str(pin.specifier).removeprefix("==")
            assert asked.specifier.contains(version), name
        assert "==" not in str(asked.specifier)


def test_upper_bounds_are_those_of_libraries_with_private_parts():
    bounded = {name for name, asked in RANGES.items() if "<" in str(asked.specifier)}
    assert bounded == {row[0] for row in PRIVATE}


def test_every_import_of_a_private_module_is_listed():
    listed = {(file, row[1].strip("`")) for row in PRIVATE for file in files(row)}
    found = set()
    for path in (ROOT / "ressl_tf").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if re.match(r"keras\.src|tensorflow\.python", module):
                file = path.relative_to(ROOT / "ressl_tf").as_posix()
                found |= {(file, f"{module}.{name.name}") for name in node.names}
    assert found
    assert found <= listed


def files(row):
    return re.findall(r"[\w/]+\.py", row[2])


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: row[1])
def test_what_is_listed_is_used_and_was_checked_with_the_pin(row):
    library, part, _, version = row
    name = re.findall(r"\w+", part)[-1 if "." in part else 0]
    for file in files(row):
        assert name in (ROOT / "ressl_tf" / file).read_text()
    assert version in [str(p.specifier)[2:] for p in PINS if p.name == library]


def test_every_extra_is_explained():
    page = (ROOT / "docs" / "dependencies.md").read_text()
    for extra in PROJECT["optional-dependencies"]:
        assert f"`ressl_tf[{extra}]`" in page
