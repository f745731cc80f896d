"""Write the pages of the site that are made of something else.

The start is README.md, each command has a page of its `--help`, and the reference shows
the docstrings of all public names. mkdocs runs it (mkdocs.yml); nothing here imports
TensorFlow.
"""

import dataclasses
import importlib
import pathlib
import re
import sys
import typing

import mkdocs_gen_files

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import ressl_tf  # noqa: E402
from ressl_tf.runtime import console, flags  # noqa: E402

KINDS = {"Methods": "methods.", "Graphs": "graphs.", "Data and views": "data."}


def write(name: str, text: str) -> None:
    """Write a page of the site."""
    with mkdocs_gen_files.open(name, "w") as file:
        file.write(text)


def linked(text: str) -> str:
    """Turn links of the checkout's root into links between pages."""
    text = text.replace("(docs/", "(").replace("[docs/", "[")
    return text.replace("(CONTRIBUTING.md)", "(contributing.md)")


def command_page(name: str) -> str:
    """Return the page of a command: what it is, and a table of flags a group."""
    module = importlib.import_module(f"ressl_tf.{name}")
    cls = typing.get_type_hints(module.main)["config"]
    doc = re.sub(r"python -m ressl_tf\.(\w+)", r"ressl-tf \1", module.__doc__.strip())
    call = "pretrain" if name == "train" else name
    lines = [f"# {name}", "", doc, ""]
    if call in ressl_tf._CALLS:
        lines += [f"In Python: `ressl_tf.{call}(data=..., out=..., ...)`.", ""]
    for field in dataclasses.fields(cls):
        if field.metadata["group"] or not lines[-1].startswith("|"):
            lines += ["", f"## {field.metadata['group'] or 'flags'}", ""]
            lines += ["| flag | default | |", "|---|---|---|"]
        lines.append(row(field))
    return "\n".join(lines) + "\n"


def row(field) -> str:
    """Return a flag's row: name, default, help with choices and limits."""
    text = field.metadata["help"]
    if allowed := flags.choices(field):
        text += " One of: " + ", ".join(f"`{value}`" for value in allowed) + "."
    if field.metadata["low"] is not None or field.metadata["high"] is not None:
        text += f" ({flags.limits(field)})"
    cells = f"`--{field.name}`", f"`{flags.as_text(field.default) or ' '}`", text
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def reference_page() -> str:
    """Return the reference: every public name, under the folder that it comes from."""
    groups: dict[str, list[str]] = {title: [] for title in [*KINDS, "Everything else"]}
    homes = {**ressl_tf._HOMES}
    for name, home in homes.items():
        folder = home.removeprefix("ressl_tf.") + "."
        title = next((t for t, p in KINDS.items() if folder.startswith(p)), "")
        groups[title or "Everything else"].append(f"::: {home}.{name}")
    lines = [
        "# Reference",
        "",
        "All of it is there as `ressl_tf.NAME`. The calls of the",
    ]
    lines += [
        "commands, `ressl_tf.pretrain` and the others, take the flags of the page of"
    ]
    lines += ["each command; [In Python](python.md) shows them.", ""]
    for title, names in groups.items():
        lines += [f"## {title}", "", *(f"{name}\n" for name in names)]
    for module in ressl_tf._MODULES.values():
        lines += [f"::: {module}", "    options: {members: true}", ""]
    return "\n".join(lines)


write("index.md", linked((ROOT / "README.md").read_text()))
write("contributing.md", linked((ROOT / "CONTRIBUTING.md").read_text()))
write("changelog.md", (ROOT / "CHANGELOG.md").read_text())
write("reference.md", reference_page())
overview = ["# Commands", "", "| command | what it does |", "|---|---|"]
for command, summary in console.commands().items():
    write(f"commands/{command}.md", command_page(command))
    overview.append(f"| [{command}]({command}.md) | {summary} |")
write("commands/index.md", "\n".join(overview) + "\n")
