"""What `docs/explanation/logs.md` says of a task's log: what goes there, and what cannot."""

from __future__ import annotations

import pytest

from tests.kernel.kernels import Kernel

CAUGHT = {
    "print('a')": [("info", "a")],
    "print('a', file=sys.stderr)": [("warning", "a")],
    "logging.getLogger('x').error('a')": [("error", "a")],
    "display(Markdown('a'))": [("info", "<IPython.core.display.Markdown object>")],
    "context.log('a', 'debug')": [("debug", "a")],
    "threading.Thread(target=contextvars.copy_context().run, args=(print, 'a')).start()": [("info", "a")],
    "print(subprocess.run(['echo', 'a'], capture_output=True, text=True).stdout, end='')": [("info", "a")],
    "with redirect_stdout(io.StringIO()) as found:\n        print('b')\n    print('got', found.getvalue())": [
        ("info", "got b")
    ],
}
ELSEWHERE = (  # Python's own streams, which go to the cell that runs
    "threading.Thread(target=print, args=('a',)).start()",
    "with ThreadPoolExecutor() as pool:\n        pool.submit(print, 'a').result()",
    "print('a', file=kept)",
)
BELOW = (  # what goes to the kernel's own output, which ipykernel shows in a cell, but not under pytest
    "os.write(1, b'a\\n')",
    "ctypes.CDLL(None).puts(b'a')\n    ctypes.CDLL(None).fflush(None)",
    "subprocess.run(['echo', 'a'], check=True)",
    "print('a', file=sys.__stdout__, flush=True)",
)
IMPORTS = """
import contextvars, ctypes, io, logging, os, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from IPython.display import Markdown, display
import aura_jupyter as aura
kept = getattr(sys.stdout, "_aura_stream", sys.stdout)
"""
ACTION = """
def act(context: aura.ActionContext):
    {0}
"""


@pytest.fixture
def prepared(kernel: Kernel) -> Kernel:
    kernel.ok(IMPORTS)
    return kernel


@pytest.mark.parametrize("code", CAUGHT)
def test_this_goes_into_the_log(prepared: Kernel, code: str) -> None:
    prepared.ok(ACTION.format(code))
    reply = prepared.ok("%%aura task -w -q\nsteps: [{action: act}]")
    assert (reply.stdout, reply.stderr) == ("", "")
    if "Thread(" in code:
        prepared.ok("while not len(task.logs): pass")
    assert prepared.get("[(line.level, line.text) for line in task.logs if line.text.strip()]") == str(CAUGHT[code])


@pytest.mark.parametrize("code", ELSEWHERE)
def test_this_goes_to_the_cell_that_runs(prepared: Kernel, code: str) -> None:
    prepared.ok(ACTION.format(code))
    start = len(prepared.messages)
    prepared.ok("%%aura task -w -q\nsteps: [{action: act}]")
    shown = prepared.wait_for(lambda message: message["msg_type"] == "stream", start)
    assert shown["content"]["text"] == "a\n"
    assert prepared.get("len(task.logs)") == "0"


@pytest.mark.parametrize("code", BELOW)
def test_this_is_not_in_the_log(prepared: Kernel, code: str) -> None:
    prepared.ok(ACTION.format(code))
    prepared.ok("%%aura task -w -q\nsteps: [{action: act}]")
    assert prepared.get("task.status.value, len(task.logs)") == "('COMPLETED', 0)"


@pytest.mark.parametrize("above", ["with redirect_stdout(io.StringIO()) as found:", "%%capture found"])
def test_what_is_printed_while_a_cell_redirects_the_output_goes_there(prepared: Kernel, above: str) -> None:
    prepared.ok("gate, over = threading.Event(), threading.Event()")
    prepared.ok(ACTION.format("gate.wait()\n    print('a')\n    context.log('b')\n    over.set()"))
    prepared.ok("%%aura task -q\nsteps: [{action: act}]")
    indent = "    " if above.startswith("with") else ""
    prepared.ok(f"{above}\n{indent}gate.set()\n{indent}assert over.wait(30)")
    prepared.ok("await task")
    assert prepared.get("found.getvalue() if hasattr(found, 'getvalue') else found.stdout") == "'a\\n'"
    assert prepared.get("[line.text for line in task.logs]") == "['b']"


def test_a_logger_that_keeps_to_itself_is_left_alone(prepared: Kernel) -> None:
    prepared.ok("import logging.handlers, queue\nown, found = logging.getLogger('own'), queue.Queue()")
    prepared.ok("own.propagate = False\nown.addHandler(logging.handlers.QueueHandler(found))")
    prepared.ok(ACTION.format("own.warning('a')"))
    prepared.ok("%%aura task -w -q\nsteps: [{action: act}]")
    assert prepared.get("found.get_nowait().msg, len(task.logs)") == "('a', 0)"
