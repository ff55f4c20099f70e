"""Runs a copy of a notebook without a browser and prints its cards as text: `run_headless.py NOTEBOOK`."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell

WATCH = """\
import aura_jupyter
_tasklets = []
aura_jupyter.hook("task_queued")(lambda event: _tasklets.append(event.tasklet))
"""
REPORT = """\
_children = {id(step.children) for tasklet in _tasklets for step in tasklet.steps.values()}
for _tasklet in _tasklets:
    if id(_tasklet) not in _children:
        print(_tasklet, end="\\n\\n")
"""


def main(path: Path) -> int:
    """Prints what `print(tasklet)` says of every task of the notebook. Returns 1 if a cell failed."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [new_code_cell(WATCH), *notebook.cells, new_code_cell(REPORT)]
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    failure = None
    with client.setup_kernel():
        try:
            for index, cell in enumerate(notebook.cells[:-1]):
                client.execute_cell(cell, index)
        except CellExecutionError as error:
            failure = error
        report = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    print("".join(output.get("text", "") for output in report.outputs).rstrip())
    if failure:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
