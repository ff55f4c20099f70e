"""How the cell and the Python API behave: interrupts, errors, line ends, questions."""

from __future__ import annotations

import pytest

from tests.kernel.kernels import Kernel

HOLD = "import asyncio\ngate = asyncio.Event()\nasync def hold():\n    await gate.wait()\n    return 'held'"
HELD = "%%aura held\nsteps: [{action: hold}]"
BAD = "import aura_jupyter as aura\n\ndef bad():\n    1 / 0"


@pytest.mark.parametrize("loaded", ["own_kernel", "configured_kernel"])
def test_an_interrupt_ends_a_plain_await_at_once_and_leaves_the_task_alone(
    loaded: str, request: pytest.FixtureRequest
) -> None:
    kernel: Kernel = request.getfixturevalue(loaded)
    kernel.ok(HOLD)
    kernel.ok(HELD)
    for _ in range(2):
        start = len(kernel.messages)
        cell = kernel.start("print('waits')\nawait held")
        kernel.wait_for_text("waits", start)
        kernel.interrupt()
        assert kernel.finish(cell).ename == "CancelledError"
        assert kernel.get("held.status.value") == "'RUNNING'"
    kernel.ok("gate.set()")
    assert kernel.get("await held") == "'held'"


def test_an_interrupt_of_another_cell_leaves_background_tasks_alone(own_kernel: Kernel) -> None:
    own_kernel.ok(HOLD + "\nimport time")
    own_kernel.ok(HELD)
    start = len(own_kernel.messages)
    cell = own_kernel.start("print('sleeps')\ntime.sleep(30)")
    own_kernel.wait_for_text("sleeps", start)
    own_kernel.interrupt()
    assert own_kernel.finish(cell).ename == "KeyboardInterrupt"
    assert own_kernel.get("held.status.value") == "'RUNNING'"


def test_unloading_leaves_interrupts_as_they_were(own_kernel: Kernel) -> None:
    own_kernel.ok("import signal\n%unload_ext aura_jupyter")
    assert own_kernel.get("signal.set_wakeup_fd(-1)") == "-1"


@pytest.mark.parametrize(
    "call", ["await aura.submit(spec)", "aura.run(spec)", "t = aura.submit(spec)\nawait t.wait()\nt.value()"]
)
def test_a_step_s_error_shows_the_person_s_frames_alone(kernel: Kernel, call: str) -> None:
    kernel.ok(BAD + "\nspec = 'steps: [{action: bad}]'")
    reply = kernel.fails(call)
    assert reply.ename == "ZeroDivisionError"
    assert "in bad()" in reply.traceback
    assert "aura_jupyter" not in reply.traceback
    assert "in step 'bad'" in reply.traceback


def test_an_error_after_an_await_shows_the_persons_frames_alone(kernel: Kernel) -> None:
    kernel.ok("import asyncio\nasync def bad():\n    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n    1 / 0")
    shown = kernel.fails("%%aura -w\nsteps: [{action: bad}]").traceback
    assert [line for line in shown.splitlines() if line.startswith(("File", "Cell"))] == [
        line for line in shown.splitlines() if line.startswith("Cell")
    ]
    assert "in bad()" in shown


@pytest.mark.parametrize("call", ["aura.submit", "aura.run"])
def test_a_bad_spec_from_python_is_shown_like_that_of_a_cell(kernel: Kernel, call: str) -> None:
    kernel.ok(BAD)
    reply = kernel.fails(f"# first\n{call}('steps: [{{action: bda}}]')")
    assert reply.ename == "SpecError"
    lines = reply.traceback.splitlines()
    assert lines[0].endswith("line 2:")
    assert lines[1].startswith("Line 1: step 'bda'")
    assert "^^^" in reply.traceback
    assert "'bad'" in lines[-1]


@pytest.mark.parametrize("allow_stdin", [True, False], ids=["watched", "unseen"])
@pytest.mark.parametrize("call", ["input('name? ')", "__import__('getpass').getpass()"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_input_in_an_action_is_refused(kernel: Kernel, call: str, kind: str, allow_stdin: bool) -> None:
    kernel.ok(f"{kind} ask():\n    return {call}")
    reply = kernel.fails("%%aura -w\nsteps: [{action: ask}]", allow_stdin=allow_stdin)
    assert "an action cannot ask with" in reply.evalue
    assert "human.approve" in reply.evalue


def test_input_in_a_cell_asks_as_ever_while_a_task_runs(own_kernel: Kernel) -> None:
    own_kernel.ok(HOLD)
    own_kernel.ok(HELD)
    cell = own_kernel.start("print(input('name? '))")
    assert own_kernel.client.get_stdin_msg(timeout=10)["content"]["prompt"] == "name? "
    own_kernel.client.input("Ada")
    assert own_kernel.finish(cell).stdout == "Ada\n"


@pytest.mark.parametrize(
    "cell",
    [
        "%%aura -w\r\nsteps:\r\n  - action: core.log\r\n    params: {message: hi}\r\n",
        "%%aura -w\nsteps:\n  - action: core.log\n    params: {message: hi}\n\n  \n",
        "\n\n%%aura -w  \nsteps: [{action: core.log, params: {message: hi}}]",
        "# why\r\n%pdb off\r\n%%aura -w\r\nsteps: [{action: core.log, params: {message: hi}}]\r\n\r\n",
        "  %%aura -w\n  steps:\n    - action: core.log\n      params: {message: hi}",
        "# why\n  %%aura -w\nsteps: [{action: core.log, params: {message: hi}}]",
    ],
    ids=["Windows line ends", "blank lines below", "blank lines above", "all of these", "indented", "indented alone"],
)
def test_line_ends_and_blank_lines_do_not_matter(kernel: Kernel, cell: str) -> None:
    assert kernel.ok(cell).value == "'hi'"


def test_a_tab_is_shown_with_what_to_write(kernel: Kernel) -> None:
    reply = kernel.fails("%%aura\nsteps:\n\t- action: core.log")
    assert "a tab stands where YAML needs spaces" in reply.traceback
