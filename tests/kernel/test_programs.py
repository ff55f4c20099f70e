"""Programs that run notebooks: nbclient, papermill, nbconvert, and nbval with our plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

TASK = "application/vnd.aura.task+json"
LOAD = """\
%load_ext aura_jupyter
import asyncio
def add(a, b=1):
    return a + b
async def later():
    await asyncio.sleep(0.1)
"""
WAIT = "%%aura first --wait\nsteps: [{action: add, params: {a: 1}}]"
START = "%%aura second -o out\nsteps: [{action: later}, {action: add, params: {a: 1}}]"


def run(*cells: str) -> nbformat.NotebookNode:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook


def test_nbclient_stores_the_end_of_each_task() -> None:
    notebook = run(LOAD, WAIT, START, "await second\nout")
    first, second = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert [each.output_type for each in first] == ["display_data", "execute_result"]
    assert first[0].data[TASK]["status"] == second[0].data[TASK]["status"] == "COMPLETED"
    assert len(second) == 1
    assert "Completed" in second[0].data["text/html"]
    assert "widgets" not in notebook.metadata
    assert notebook.cells[3].outputs[0].data["text/plain"] == "2"


def test_nbclient_stops_at_a_failed_task() -> None:
    with pytest.raises(CellExecutionError) as failure:
        run(LOAD, "def fail():\n    raise KeyError('x')", "%%aura --wait\nsteps: [{action: fail}]")
    assert (failure.value.ename, failure.value.evalue) == ("KeyError", "'x'")


def test_nbclient_stops_at_a_bad_spec_and_names_what_is_wrong() -> None:
    with pytest.raises(CellExecutionError) as failure:
        run(LOAD, "%%aura\nsteps:\n  - action: add\n    parms: {a: 1}")
    assert failure.value.ename == "SpecError"
    assert failure.value.evalue == "line 4: step 'add' has no key 'parms'. Write 'params'."


def test_papermill_gives_its_parameters_to_a_task_and_stores_the_finished_card(tmp_path: Path) -> None:
    start = "%%aura third\ninputs: [n]\nsteps: [{action: add, params: {a: '{{ inputs.n }}'}}]"
    parameters = new_code_cell("n = 1", metadata={"tags": ["parameters"]})
    cells = [new_code_cell(LOAD), parameters, *map(new_code_cell, (start, "await third"))]
    nbformat.write(new_notebook(cells=cells), tmp_path / "given.ipynb")
    folder = {"input_path": str(tmp_path / "given.ipynb"), "output_path": str(tmp_path / "run.ipynb")}
    papermill.execute_notebook(
        **folder, parameters={"n": 41}, kernel_name="python3", language="python", progress_bar=False
    )
    stored = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    (card,) = stored.cells[3].outputs
    assert card.data[TASK]["status"] == "COMPLETED"
    assert "n <span" in card.data["text/html"]
    assert stored.cells[4].outputs[0].data["text/plain"] == "42"


def test_papermill_stores_the_failed_card_and_stops_there(tmp_path: Path) -> None:
    cells = [LOAD, "%%aura -w\nsteps: [{action: core.fail, params: {message: not today}}]", "1 / 1"]
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), tmp_path / "given.ipynb")
    folder = {"input_path": str(tmp_path / "given.ipynb"), "output_path": str(tmp_path / "run.ipynb")}
    with pytest.raises(papermill.PapermillExecutionError, match="not today"):
        papermill.execute_notebook(**folder, kernel_name="python3", language="python", progress_bar=False)
    stored = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    failed = next(cell for cell in stored.cells if cell.source.startswith("%%aura"))
    assert failed.outputs[0].data[TASK]["status"] == "FAILED"
    assert "Failed" in failed.outputs[0].data["text/html"]
    assert not stored.cells[-1].get("outputs")


def test_nbconvert_runs_a_notebook_into_a_page_with_the_finished_cards(tmp_path: Path) -> None:
    cells = [new_code_cell(cell) for cell in (LOAD, WAIT, START, "await second")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "some.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", str(tmp_path / "some.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "some.html").read_text("utf-8")
    assert page.count('<div class="aura">') == 2
    assert page.count("Completed, 1 step<") == page.count("Completed, 2 steps<") == 1
    assert "application/vnd.jupyter.widget" not in page


def validate(
    notebook: nbformat.NotebookNode, folder: Path, option: str = "--nbval"
) -> subprocess.CompletedProcess[str]:
    path = folder / "some.ipynb"
    nbformat.write(notebook, path)
    plugin = [] if _is_installed() else ["-p", "aura_jupyter.notebook.nbval_plugin"]
    command = [sys.executable, "-m", "pytest", option, "-q", "-p", "no:cacheprovider", *plugin, str(path)]
    return subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False, timeout=120)


def _is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(each.value == "aura_jupyter.notebook.nbval_plugin" for each in entry_points(group="pytest11"))


def test_nbval_passes_on_a_notebook_that_nbclient_stored(tmp_path: Path) -> None:
    notebook = run(LOAD, WAIT, START, "await second", "from IPython.display import HTML\nHTML('<b>1</b>')")
    done = validate(notebook, tmp_path)
    assert done.returncode == 0, done.stdout


def test_nbval_lax_compares_no_card_and_still_fails_where_a_task_does(tmp_path: Path) -> None:
    notebook = run(LOAD, WAIT, START)
    notebook.cells[1].outputs[0].data["text/plain"] = "something else"
    done = validate(notebook, tmp_path, "--nbval-lax")
    assert done.returncode == 0, done.stdout
    notebook.cells[1].source = WAIT.replace("a: 1", "a: x")  # 'x' + 1
    done = validate(notebook, tmp_path, "--nbval-lax")
    assert done.returncode == 1, done.stdout
    assert "TypeError" in done.stdout


@pytest.mark.parametrize("changed", ["status", "other HTML"])
def test_nbval_fails_when_what_is_stored_is_changed(tmp_path: Path, changed: str) -> None:
    notebook = run(LOAD, WAIT, "from IPython.display import HTML\nHTML('<b>1</b>')")
    if changed == "status":
        data = notebook.cells[1].outputs[0].data
        data["text/plain"] = data["text/plain"].replace("completed  add", "failed     add")
    else:
        notebook.cells[2].outputs[0].data["text/html"] = "<b>2</b>"
    done = validate(notebook, tmp_path)
    assert done.returncode == 1, done.stdout
    assert "mismatch" in done.stdout
