"""Tasks on a loop in a thread of its own: they go on while a cell holds the kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.kernel.kernels import LIMIT, Kernel, Message

TASK = "application/vnd.aura.task+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
THREAD = "%config AuraMagics.loop = 'thread'"
SETUP = f"""
import asyncio, pathlib, threading, time
import aura_jupyter as aura

begun, gate = threading.Event(), threading.Event()

def until(event):
    assert event.wait({LIMIT}), "nothing goes on while this cell holds the kernel"

async def wait(path=""):
    begun.set()
    while not gate.is_set() and not (path and pathlib.Path(path).exists()):
        await asyncio.sleep(0.01)
    return threading.current_thread().name

def over(*tasks):
    for task in tasks:
        ended = threading.Event()
        task.when_ended(ended.set)
        until(ended)

def hold(path):
    print("holds", flush=True)
    while not pathlib.Path(path).exists():
        time.sleep(0.01)
"""
WAIT = "%%aura task\nsteps: [{action: wait}]"


@pytest.fixture(scope="module")
def threaded(shared_kernel: Kernel) -> Kernel:
    shared_kernel.ok(THREAD)
    return shared_kernel


@pytest.fixture
def kernel(threaded: Kernel) -> Kernel:
    """A kernel whose tasks run on a loop in a thread, without tasks and variables."""
    threaded.ok("%aura cancel --all")
    threaded.run("%aura wait")
    threaded.messages.clear()
    threaded.ok("%reset -f")
    threaded.ok(SETUP)
    return threaded


@contextlib.contextmanager
def held(kernel: Kernel, tmp_path: Path) -> Iterator[str]:
    """A cell that holds the kernel until the end of the block."""
    release, start = tmp_path / "release", len(kernel.messages)
    cell = kernel.start(f"hold({str(release)!r})")
    kernel.wait_for_text("holds", start)
    try:
        yield cell
    finally:
        release.touch()
        reply = kernel.finish(cell)
    assert reply.status == "ok"


def press(kernel: Kernel, card: str, **content: object) -> None:
    """What a button of a card does."""
    message = {"comm_id": card, "data": {"method": "custom", "content": content}}
    session = kernel.client.session
    kernel.client.shell_channel.send(session.msg("comm_msg", message))


def told(message: Message) -> object:
    """What a message tells the widget of a card."""
    data = message["content"].get("data", {}) if message["msg_type"] == "comm_msg" else {}
    return data.get("content") or data.get("state", {}).get("picture")


# --- while a cell holds the kernel ------------------------------------------------------------------------------------


def test_an_async_task_runs_from_its_first_to_its_last_step(kernel: Kernel) -> None:
    kernel.ok("%%aura task\nsteps: [{action: wait}, {action: wait}]")
    kernel.ok("until(begun)\ngate.set()\nover(task)")
    assert kernel.get("task.status.value, await task") == "('COMPLETED', 'aura-loop')"


def test_a_task_that_is_submitted_by_the_cell_runs_too(kernel: Kernel) -> None:
    kernel.ok("task = aura.submit('steps: [{action: wait}]')\nuntil(begun)\ngate.set()\nover(task)")
    assert kernel.get("task.result") == "'aura-loop'"


def test_the_card_tells_what_happens_and_its_output_becomes_the_end(kernel: Kernel, tmp_path: Path) -> None:
    go = tmp_path / "go"
    (bundle,) = kernel.ok(f"%%aura task\nsteps: [{{action: wait, params: {{path: {go}}}}}]").displays
    kernel.ok("until(begun)")
    with held(kernel, tmp_path):
        start = len(kernel.messages)
        go.touch()
        ended = kernel.wait_for(lambda message: "COMPLETED" in str(told(message)), start)
        output = kernel.wait_for(lambda message: message["msg_type"] == "update_display_data", start)
    assert ended["content"]["comm_id"] == bundle[WIDGET]["model_id"]
    assert output["content"]["data"][TASK]["status"] == "COMPLETED"


def test_with_nobody_watching_the_end_is_a_message_of_the_cell_that_holds_the_kernel(
    kernel: Kernel, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    kernel.ok(f"%%aura task\nsteps: [{{action: wait, params: {{path: {go}}}}}]", allow_stdin=False)
    with held(kernel, tmp_path) as cell:
        go.touch()
        output = kernel.wait_for(lambda message: message["msg_type"] == "update_display_data")
    assert output["parent_header"]["msg_id"] == cell
    later = kernel.ok("1", allow_stdin=False)
    assert "update_display_data" not in {each["msg_type"] for each in later.messages}


def test_what_it_writes_and_displays_is_in_its_log_and_the_cells_output_is_the_cells(kernel: Kernel) -> None:
    kernel.ok(
        "import logging\nfrom IPython.display import display, HTML\n"
        "async def talk(who):\n    print('print', who)\n    display(HTML('shown'))\n"
        "    logging.getLogger('x').warning('logged %s', who)\n    await asyncio.to_thread(print, 'helper', who)\n"
        "def talk_in_thread(who):\n    print('print', who)"
    )
    spec = "steps: [{{action: talk, params: {{who: {0}}}}}, {{action: talk_in_thread, params: {{who: {0}2}}}}]"
    for name in ("one", "two"):
        kernel.ok(f"%%aura {name}\n{spec.format(name)}")
    assert kernel.ok("print('mine')\nover(one, two)").stdout == "mine\n"
    for name in ("one", "two"):
        found = kernel.get(f"'|'.join(line.text for line in {name}.logs)")
        shown = "<IPython.core.display.HTML object>"
        assert found == f"'print {name}|{shown}|logged {name}|helper {name}|print {name}2'"


def test_it_can_be_cancelled_and_its_finally_runs(kernel: Kernel) -> None:
    kernel.ok(WAIT + "\nfinally: [{action: core.log, params: {message: cleaned}}]")
    kernel.ok("until(begun)\ntask.cancel()\nover(task)")
    assert kernel.get("task.status.value") == "'CANCELLED'"
    assert "cleaned" in kernel.ok("%aura logs task").stdout


def test_a_result_is_bound_while_the_cell_runs(kernel: Kernel) -> None:
    kernel.ok("%%aura task -o out\nsteps: [{action: wait}]")
    kernel.ok("gate.set()\nover(task)\nassert out == 'aura-loop'")


def test_an_interrupt_of_the_cell_leaves_the_task_alone(kernel: Kernel) -> None:
    kernel.ok(WAIT)
    start = len(kernel.messages)
    cell = kernel.start("print('waits', flush=True)\ntime.sleep(600)")
    kernel.wait_for_text("waits", start)
    kernel.interrupt()
    assert kernel.finish(cell).ename == "KeyboardInterrupt"
    kernel.ok("gate.set()\nover(task)")
    assert kernel.get("task.status.value") == "'COMPLETED'"


# --- everything else is as ever ---------------------------------------------------------------------------------------


def test_inputs_and_results_are_the_very_objects(kernel: Kernel) -> None:
    kernel.ok("thing = object()\nasync def give(x):\n    return x")
    kernel.ok(
        "%%aura task -i thing -o out\ninputs: [thing]\nsteps: [{action: give, params: {x: '{{ inputs.thing }}'}}]"
    )
    assert kernel.get("await task is thing is out") == "True"


def test_a_cell_waits_and_shows_the_result(kernel: Kernel) -> None:
    kernel.ok("gate.set()")
    assert kernel.ok("%%aura task --wait\nsteps: [{action: wait}]").value == "'aura-loop'"
    assert kernel.ok("%%time\n%%aura task --wait\nsteps: [{action: wait}]").value == "'aura-loop'"


@pytest.mark.parametrize(
    "call", ["%%aura task -w\nsteps: [{action: bad}]", "await aura.submit(spec)", "aura.run(spec)"]
)
def test_a_failure_is_the_steps_own_with_the_persons_frames(kernel: Kernel, call: str) -> None:
    kernel.ok("spec = 'steps: [{action: bad}]'\nasync def bad():\n    1 / 0")
    reply = kernel.fails(call)
    assert reply.ename == "ZeroDivisionError"
    assert "in bad()" in reply.traceback
    assert "aura_jupyter" not in reply.traceback


def test_an_interrupt_of_a_cell_that_waits_cancels_its_task_alone(kernel: Kernel) -> None:
    kernel.ok("%%aura other\nsteps: [{action: wait}]")
    kernel.ok("until(begun)\nbegun.clear()")
    start = len(kernel.messages)
    cell = kernel.start("%%aura task --wait\nsteps: [{action: wait}]")
    kernel.wait_for(lambda message: message["msg_type"] == "display_data", start)
    kernel.interrupt()
    reply = kernel.finish(cell)
    assert (reply.ename, len(reply.traceback.splitlines())) == ("TaskCancelled", 1)
    assert kernel.get("task.status.value, other.status.value") == "('CANCELLED', 'RUNNING')"


def test_the_line_commands_work(kernel: Kernel) -> None:
    kernel.ok("async def told():\n    print('before')\n    await wait()\n    print('after')")
    kernel.ok("%%aura task\nsteps: [{action: told}]")
    kernel.ok("until(begun)")
    assert "task: running, 0 of 1 step" in kernel.ok("%aura").stdout
    assert WIDGET in kernel.ok("%aura show task").displays[0]
    start = len(kernel.messages)
    cell = kernel.start("%aura logs task -f")
    kernel.wait_for_text("before", start)
    kernel.interrupt()
    assert kernel.finish(cell).ename == "KeyboardInterrupt"
    kernel.ok("gate.set()\n%aura wait task")
    assert [line.split("  ")[-1] for line in kernel.ok("%aura logs task -f").stdout.splitlines()] == ["before", "after"]
    kernel.ok("first = task\n%aura rerun task\n%aura wait task")
    assert kernel.get("task is first, task.status.value") == "(False, 'COMPLETED')"
    assert "in a thread" in kernel.ok("%aura doctor").stdout


def test_run_again_of_the_card_starts_it_anew_in_the_thread(kernel: Kernel) -> None:
    card = kernel.ok(WAIT).displays[0][WIDGET]["model_id"]
    kernel.ok("gate.set()\nfirst = task\nover(task)")
    start = len(kernel.messages)
    press(kernel, card, kind="rerun", press="1")
    kernel.wait_for(lambda message: "'status': 'COMPLETED'" in str(told(message)), start)
    assert kernel.get("task is first, await task") == "(False, 'aura-loop')"


def test_cancel_of_the_card_stops_it(kernel: Kernel) -> None:
    card = kernel.ok(WAIT).displays[0][WIDGET]["model_id"]
    kernel.ok("until(begun)")
    press(kernel, card, kind="cancel", press="2")
    assert kernel.get("(await task.wait()).status.value") == "'CANCELLED'"


def test_a_question_is_answered_from_a_cell(kernel: Kernel) -> None:
    kernel.ok("asked = threading.Event()\n@aura.hook('step_asks')\ndef note(event):\n    asked.set()")
    kernel.ok("%%aura task\nsteps: [{action: human.approve, params: {message: 'On?'}}]")
    kernel.ok("until(asked)\ntask.answer('approve', task.steps['approve'].question.choices[0])\nover(task)")
    kernel.ok("from aura_jupyter.engine.hooks import every_scheduler\nevery_scheduler.remove(note)")
    assert kernel.get("task.status.value") == "'COMPLETED'"


def test_child_processes_of_either_kind_work(kernel: Kernel) -> None:
    kernel.ok("def twice(n):\n    print('said', n)\n    return 2 * n")
    kernel.ok("%%aura shell\nsteps: [{action: shell.run, params: {command: echo said}}]")
    kernel.ok("%%aura process\nsteps: [{action: twice, params: {n: 21}, executor: process}]")
    kernel.ok("over(shell, process)")
    assert kernel.get("process.result") == "42"
    for name in ("shell", "process"):
        assert "said" in kernel.ok(f"%aura logs {name}").stdout


def test_a_step_that_blocks_is_said_to_hold_the_other_tasks(kernel: Kernel) -> None:
    kernel.ok("async def block():\n    time.sleep(1)")
    kernel.ok("%%aura task -q\nsteps: [{action: block}]")
    kernel.ok("over(task)")
    assert kernel.get("[row['note'][0][1] for row in aura.card(task).whole()['rows'] if 'note' in row]").startswith(
        "['block held the other tasks for "
    )


# --- the setting ------------------------------------------------------------------------------------------------------


def test_a_change_holds_from_the_next_task_on_and_says_so(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP)
    own_kernel.ok("%%aura here\nsteps: [{action: wait}]")
    said = own_kernel.ok(THREAD).stdout
    assert said == (
        "From the next task on, tasks run on an event loop in a thread of its own."
        " What is under way, 1 task, stays where it is.\n"
    )
    own_kernel.ok("%%aura there\nsteps: [{action: wait}]")
    assert own_kernel.ok("%config AuraMagics.loop = 'kernel'").stdout.startswith(
        "From the next task on, tasks run on the kernel's event loop. What is under way, 2 tasks"
    )
    own_kernel.ok("%%aura again\nsteps: [{action: wait}]")
    own_kernel.ok("gate.set()")
    assert own_kernel.get("await here, await there, await again") == "('MainThread', 'aura-loop', 'MainThread')"
    assert own_kernel.ok("%config AuraMagics.loop = 'kernel'").stdout == ""


def test_run_again_goes_where_tasks_go_by_then(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP)
    own_kernel.ok(THREAD)
    card = own_kernel.ok(WAIT).displays[0][WIDGET]["model_id"]
    own_kernel.ok("gate.set()\nover(task)\nfirst = task")
    own_kernel.ok("%config AuraMagics.loop = 'kernel'")
    start = len(own_kernel.messages)
    press(own_kernel, card, kind="rerun", press="3")
    own_kernel.wait_for(lambda message: WIDGET in message["content"].get("data", {}), start)
    assert own_kernel.get("task is first, await task") == "(False, 'MainThread')"


def test_configure_sets_it_too_and_refuses_what_is_none(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP + "gate.set()")
    assert "in a thread" in own_kernel.ok("aura.configure(loop='thread')").stdout
    assert own_kernel.get("await aura.submit('steps: [{action: wait}]')") == "'aura-loop'"
    assert own_kernel.get("aura.run('steps: [{action: wait}]')") == "'aura-loop'"
    reply = own_kernel.fails("aura.configure(loop='process')")
    assert reply.evalue == "loop is 'kernel' or 'thread', and this is 'process'"
    own_kernel.run("%config AuraMagics.loop = 'process'")
    assert own_kernel.get("get_ipython().magics_manager.registry['AuraMagics'].loop") == "'thread'"


def test_a_profile_may_set_it(profile_kernel: Kernel) -> None:
    profile_kernel.ok(SETUP + "gate.set()")
    profile_kernel.ok(WAIT)
    assert (
        profile_kernel.get("await task, await aura.submit('steps: [{action: wait}]')") == "('aura-loop', 'aura-loop')"
    )
    assert profile_kernel.get("get_ipython().magics_manager.registry['AuraMagics'].message_rate") == "5"


# --- the end ----------------------------------------------------------------------------------------------------------

CLEANING = """
def clean(path):
    pathlib.Path(path).write_text("clean")
"""


def test_tasks_go_on_when_the_extension_is_unloaded_and_loaded_again(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP)
    own_kernel.ok(THREAD)
    own_kernel.ok(WAIT)
    own_kernel.ok("until(begun)")
    own_kernel.ok("%unload_ext aura_jupyter")
    own_kernel.ok("%load_ext aura_jupyter")
    own_kernel.ok("gate.set()\nover(task)")
    assert own_kernel.get("task.result") == "'aura-loop'"
    assert "thread" in own_kernel.ok("%aura config").stdout


@pytest.mark.parametrize("restart", [False, True])
def test_the_end_of_the_kernel_runs_finally_and_ends_child_processes_though_a_cell_holds_it(
    own_kernel: Kernel, tmp_path: Path, *, restart: bool
) -> None:
    mark, pid = tmp_path / "mark", tmp_path / "pid"
    own_kernel.ok(SETUP + CLEANING)
    own_kernel.ok(THREAD)
    own_kernel.ok(
        f"""%%aura task
steps:
  - {{action: shell.run, params: {{command: "echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 600"}}}}
finally:
  - {{action: clean, params: {{path: {mark}}}}}
"""
    )
    start = len(own_kernel.messages)
    own_kernel.start(f"hold({str(pid)!r})\nprint('begun', flush=True)\ntime.sleep(600)")
    own_kernel.wait_for_text("begun", start)
    process = psutil.Process(int(pid.read_text()))
    if restart:
        own_kernel.manager.restart_kernel(now=False)
        own_kernel.client.wait_for_ready(timeout=LIMIT)
    else:
        own_kernel.manager.shutdown_kernel(now=False)
    assert mark.read_text() == "clean"
    psutil.wait_procs([process], timeout=LIMIT)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_finally_that_does_not_end_does_not_keep_the_kernel(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP)
    own_kernel.ok(THREAD)
    own_kernel.ok(WAIT + "\nfinally: [{action: wait}]")
    own_kernel.ok("until(begun)")
    own_kernel.manager.shutdown_wait_time = 60  # seconds; after half of them a client sends SIGTERM
    process = own_kernel.manager.provisioner.process
    own_kernel.manager.shutdown_kernel(now=False)
    assert process.returncode == 0
