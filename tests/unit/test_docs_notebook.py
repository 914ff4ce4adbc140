"""The notebook runs from an empty folder, and shows what it shows in the repository."""

import base64
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from matplotlib.testing.compare import compare_images
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.pages import DOCS

# Three months of a market, ten workers and a proof: more than the limit of a test on a machine that has no time.
pytestmark = pytest.mark.timeout(900)

NOTEBOOK = DOCS / "notebooks" / "signal_to_pnl.ipynb"

# Root mean square of the difference of colours, 0 to 255: fonts are hinted by the machine that draws them.
TOLERANCE = 4.0


def shown(notebook: NotebookNode) -> Iterator[tuple[str, str, str]]:
    """Id of the cell, and kind and content of everything that it shows."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                yield cell.id, output.name, output.text
            else:
                yield from ((cell.id, kind, content) for kind, content in sorted(output.data.items()))


def texts(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    return [(cell, kind, text) for cell, kind, text in shown(notebook) if kind != "image/png"]


def pictures(notebook: NotebookNode, folder: Path) -> dict[str, Path]:
    folder.mkdir()
    found = {}
    for cell, kind, content in shown(notebook):
        if kind == "image/png":
            found[cell] = folder / f"{cell}.png"
            found[cell].write_bytes(base64.b64decode(content))
    return found


@pytest.fixture(scope="module")
def stored() -> NotebookNode:
    notebook: NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # half typed
    return notebook


@pytest.fixture(scope="module")
def executed(stored: NotebookNode, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """What comes of running it; a cell that fails fails here, with its traceback."""
    folder = tmp_path_factory.mktemp("notebook")
    where = {"metadata": {"path": str(folder)}}
    return NotebookClient(deepcopy(stored), timeout=None, startup_timeout=240, resources=where).execute()


def test_tables_and_numbers_are_those_that_are_stored(stored: NotebookNode, executed: NotebookNode) -> None:
    assert texts(executed) == texts(stored)


def test_pictures_are_those_that_are_stored(stored: NotebookNode, executed: NotebookNode, tmp_path: Path) -> None:
    before, after = pictures(stored, tmp_path / "stored"), pictures(executed, tmp_path / "executed")

    assert len(before) >= 3
    assert before.keys() == after.keys()
    for cell, picture in after.items():
        assert compare_images(str(before[cell]), str(picture), TOLERANCE) is None


def test_every_code_cell_was_run_in_order(stored: NotebookNode) -> None:
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]

    assert counts == list(range(1, len(counts) + 1))
    assert not re.search(r"/tmp/|/home/|/root/", str(texts(stored)))
