"""The quick start: stored as it looks, run as it stands."""

import pathlib
import re

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]


def test_the_notebook_is_stored_with_its_outputs_and_no_log():
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [o.name for o in outputs if o.output_type == "stream"] == ["stdout"] * 2


@pytest.mark.slow
def test_the_notebook_runs_and_learns(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=900, resources=where).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    printed = "".join(o.get("text", "") for o in outputs)
    before, after = re.search(r"([\d.]+) untrained, ([\d.]+) after", printed).groups()
    assert float(after) > float(before) + 0.15
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 3  # views, curve, neighbours
