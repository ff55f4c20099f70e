"""What loading, unloading and the end of the kernel do."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.kernel.kernels import LIMIT, Kernel

STATE = """
import sys
ip = get_ipython()
def state():
    import logging, threading
    publish = {"publish", "clear_output"} & set(ip.display_pub.__dict__)
    return {
        "cleanup": len(ip.input_transformers_cleanup),
        "post": len(ip.input_transformers_post),
        "events": {name: len(found) for name, found in ip.events.callbacks.items()},
        "magics": [name for kind in ip.magics_manager.magics.values() for name in kind if "aura" in name],
        "shutdown": "do_shutdown" in ip.kernel.__dict__,
        "publish": publish,
        "formatters": len(ip.display_formatter.mimebundle_formatter.type_printers),
        "stdout": type(sys.stdout).__module__,
        "stderr": type(sys.stderr).__module__,
        "configurables": [type(each).__name__ for each in ip.configurables if "Aura" in type(each).__name__],
    }
"""


def test_unloading_gives_everything_back(bare_kernel: Kernel) -> None:
    bare_kernel.ok(STATE)
    bare_kernel.ok("before = state()")
    bare_kernel.ok("%load_ext aura_jupyter")
    bare_kernel.ok("%%aura -w\nsteps: [{action: core.log, params: {message: x}}]")
    assert bare_kernel.get("state() == before") == "False"
    bare_kernel.ok("%unload_ext aura_jupyter")
    bare_kernel.ok("after = state()")
    assert bare_kernel.get("{key: (before[key], after[key]) for key in before if before[key] != after[key]}") == "{}"
    assert "not found" in bare_kernel.run("%%aura\nsteps: []").stderr


def test_reloading_takes_everything_once(own_kernel: Kernel) -> None:
    own_kernel.ok(STATE)
    own_kernel.ok("before = state()")
    own_kernel.ok("%reload_ext aura_jupyter")
    own_kernel.ok("%reload_ext aura_jupyter")
    own_kernel.ok("after = state()")
    assert own_kernel.get("{key: (before[key], after[key]) for key in before if before[key] != after[key]}") == "{}"
    assert own_kernel.ok("%%aura -w\nsteps: [{action: core.set_context, params: {a: 1}}]").value == "{'a': 1}"


def test_it_may_be_loaded_by_the_settings_of_a_profile(configured_kernel: Kernel) -> None:
    configured_kernel.ok("import aura_jupyter as aura\nspec = 'steps: [{action: core.set_context, params: {a: 1}}]'")
    assert configured_kernel.get("await aura.submit(spec)") == "{'a': 1}"
    assert configured_kernel.ok("%%aura -w\nsteps: [{action: core.set_context, params: {a: 1}}]").value == "{'a': 1}"


def test_loading_twice_is_harmless(own_kernel: Kernel) -> None:
    own_kernel.ok("%load_ext aura_jupyter")
    assert own_kernel.ok("%%aura -w\nsteps: [{action: core.set_context, params: {a: 1}}]").value == "{'a': 1}"


def test_tasks_go_on_when_the_extension_is_unloaded_and_loaded_again(own_kernel: Kernel) -> None:
    own_kernel.ok("import asyncio\ngate = asyncio.Event()\nasync def hold():\n    await gate.wait()\n    return 'held'")
    own_kernel.ok("%%aura task\nsteps: [{action: hold}]")
    own_kernel.ok("%reload_ext aura_jupyter")
    own_kernel.ok("gate.set()")
    assert own_kernel.get("await task") == "'held'"


CHILDREN = {
    "shell": """
steps:
  - action: shell.run
    params: {{command: "echo $$ > {pid}; echo begun; sleep 600"}}
""",
    "process": """
steps:
  - action: stay
    executor: process
    params: {{path: {pid}}}
""",
}
CLEANING = """
import aura_jupyter as aura, pathlib

@aura.hook("step_log")
def tell(event):
    print("log", event.text)

def stay(path):
    import os, time
    pathlib.Path(path).write_text(str(os.getpid()))
    print("begun")
    time.sleep(600)

def clean(path):
    pathlib.Path(path).write_text("clean")
"""


@pytest.mark.parametrize("child", CHILDREN)
@pytest.mark.parametrize("restart", [False, True])
def test_the_end_of_the_kernel_runs_finally_and_ends_child_processes(
    own_kernel: Kernel, tmp_path: Path, *, restart: bool, child: str
) -> None:
    kernel, mark, pid = own_kernel, tmp_path / "mark", tmp_path / "pid"
    kernel.ok(CLEANING)
    last = f"finally:\n  - action: clean\n    params: {{path: {mark}}}\n"
    kernel.ok("%%aura task" + CHILDREN[child].format(pid=pid) + last)
    kernel.wait_for_text("begun")
    process = psutil.Process(int(pid.read_text()))
    if restart:
        kernel.manager.restart_kernel(now=False)
        kernel.client.wait_for_ready(timeout=LIMIT)
    else:
        kernel.manager.shutdown_kernel(now=False)
    assert mark.read_text() == "clean"
    psutil.wait_procs([process], timeout=LIMIT)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_end_of_a_kernel_that_a_cell_holds_runs_finally_too(own_kernel: Kernel, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    own_kernel.ok(CLEANING + "import asyncio\nasync def hold():\n    await asyncio.Event().wait()")
    own_kernel.ok(f"%%aura\nsteps: [{{action: hold}}]\nfinally: [{{action: clean, params: {{path: {mark}}}}}]")
    own_kernel.start("import time\nprint('holding', flush=True)\ntime.sleep(600)")
    own_kernel.wait_for_text("holding")
    own_kernel.manager.shutdown_kernel(now=False)
    assert mark.read_text() == "clean"


def test_a_finally_that_does_not_end_does_not_keep_the_kernel(own_kernel: Kernel) -> None:
    own_kernel.ok("import asyncio\nasync def hold():\n    await asyncio.Event().wait()")
    own_kernel.ok("%%aura task\nsteps: [{action: hold}]\nfinally: [{action: hold}]")
    own_kernel.manager.shutdown_wait_time = 60  # seconds; after half of them a client sends SIGTERM
    process = own_kernel.manager.provisioner.process
    own_kernel.manager.shutdown_kernel(now=False)
    assert process.returncode == 0
