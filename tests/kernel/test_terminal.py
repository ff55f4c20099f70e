"""IPython in a terminal, where no kernel and no loop runs between two cells."""

from __future__ import annotations

import subprocess
import sys

SHELL = """
import sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance(simple_prompt=True, colors="nocolor")
def cell(text):
    result = shell.run_cell(text)
    error = result.error_before_exec or result.error_in_exec
    print("=>", type(error).__name__ if error else repr(result.result), flush=True)
cell("%load_ext aura_jupyter")
"""


def run(*cells: str) -> str:
    code = SHELL + "".join(f"cell({each!r})\n" for each in cells)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


ADD = "def add(a, b=1):\n    return a + b"


def test_a_cell_waits_for_its_task_and_prints_a_line_for_each_change() -> None:
    out = run(ADD, "%%aura task\nsteps: [{action: add, params: {a: 1}}]", "task.result")
    begin, step, end = (line.split() for line in out.splitlines() if " s  " in line)
    assert begin[2:] == ["◐", "task:", "1", "step"]
    assert step[2:4] == ["✓", "add"]
    assert end[2:] == ["✓", "task:", "completed,", "1", "step"]
    assert out.rstrip().endswith("=> 2")


def test_a_result_is_the_cells_value_only_with_wait() -> None:
    spec = "steps: [{action: add, params: {a: 1}}]"
    out = run(ADD, f"%%aura\n{spec}", f"%%aura -w\n{spec}")
    assert [line for line in out.splitlines() if line.startswith("=>")] == ["=> None", "=> None", "=> None", "=> 2"]


def test_a_mistake_is_shown_as_text() -> None:
    out = run("%%aura\nsteps:\n  - action: core.lgo\n")
    assert "Line 3: step 'lgo': no action is called 'core.lgo'  [unknown-action]" in out
    assert "=> SpecError" in out
    assert "Traceback" not in out


def test_an_interrupt_cancels_the_task() -> None:
    hold = """
import asyncio, os, signal
async def hold():
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()
"""
    out = run(hold, "%%aura task\nsteps: [{action: hold}]", "task.status.value")
    assert "=> TaskCancelled" in out
    assert out.rstrip().endswith("=> 'CANCELLED'")


def test_commands_work() -> None:
    out = run(ADD, "%%aura task -q\nsteps: [{action: add, params: {a: 1}}]", "%aura", "%aura show task", "%aura wait")
    assert "task  task: completed, 1 step" in out
    assert "=> KeyboardInterrupt" not in out
