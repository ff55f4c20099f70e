"""IPython at a terminal, as a person has it: a prompt into which cells are pasted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pexpect = pytest.importorskip("pexpect", reason="there is no such terminal on Windows")

LIMIT = 60  # seconds
LOAD = """\
%load_ext aura_jupyter
import asyncio, pathlib

async def until(path):
    while not pathlib.Path(path).exists():
        await asyncio.sleep(0.02)
"""
TASK = """\
%%aura task
steps:
  - {{name: one, action: core.log, params: {{message: hello}}}}
  - {{name: two, action: until, params: {{path: {gate}}}}}
  - {{name: three, action: core.fail, params: {{message: not today}}}}
"""
CODES = r"(?:\x1b\[[0-9;]*m)*"


class Terminal:
    """IPython in a pseudo-terminal of 120 × 40."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        mine = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "IPYTHONDIR": str(folder)}
        plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
        arguments = ["-m", "IPython", "--no-banner", "--no-confirm-exit"]
        self.process = pexpect.spawn(
            sys.executable,
            arguments,
            env={**plain, **mine, **environment},
            encoding="utf-8",
            timeout=LIMIT,
            dimensions=(40, 120),
        )
        self._cells = 0

    def paste(self, cell: str) -> None:
        """Wait for the prompt, paste a cell and run it."""
        self._cells += 1
        self.wait_for(rf"In \[{CODES}{self._cells}{CODES}\]: ")
        self.process.send(f"\x1b[200~{cell.rstrip()}\x1b[201~\x1b\r")

    def wait_for(self, pattern: str) -> str:
        """Wait for something in what is written; gives it."""
        self.process.expect(pattern)
        return str(self.process.after)


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["with colours", "without colours"])
def test_a_line_comes_for_each_step_as_it_happens(tmp_path: Path, environment: dict[str, str]) -> None:
    gate = tmp_path / "gate"
    terminal = Terminal(tmp_path, environment)
    try:
        terminal.paste(LOAD)
        terminal.paste(TASK.format(gate=gate))
        first = terminal.wait_for(r"\n[^\n]*✓[^\n]*one [^\n]*\n")  # while the second one runs
        gate.touch()
        second = terminal.wait_for(r"[^\n]*✓[^\n]*two [^\n]*\n")
        third = terminal.wait_for(r"[^\n]*✗[^\n]*three [^\n]*TaskError: not today[^\n]*\n")
        end = terminal.wait_for(r"[^\n]*✗[^\n]*task: failed in three[^\n]*\n")
        terminal.wait_for("in step 'three' of task, line 5 of the cell")
        assert ["\x1b[3" in line or "\x1b[1;3" in line for line in (first, second, third, end)] == [not environment] * 4
        terminal.paste("task.steps['two'].status.value")
        terminal.wait_for("COMPLETED")
        terminal.paste("exit()")
        terminal.wait_for(pexpect.EOF)
    finally:
        terminal.process.close(force=True)


def test_what_goes_into_a_file_has_no_colours(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    notebook = tmp_path / "some.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(LOAD), new_code_cell(TASK.format(gate=gate))]), notebook)
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "IPython", "--colors=nocolor", str(notebook)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert "✗ task: failed in three" in done.stdout
    assert "\x1b[" not in done.stdout
