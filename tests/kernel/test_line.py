"""What `%aura` and its subcommands do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kernel.kernels import Kernel, Message

GATE = """
import asyncio
gate = asyncio.Event()

async def hold():
    await gate.wait()
    return "held"
"""


@pytest.fixture
def held(kernel: Kernel) -> Kernel:
    """A kernel in which the task `held` runs until `gate` is set."""
    kernel.ok("%aura cancel --all")
    kernel.ok(GATE)
    kernel.ok("%%aura held\nmeta: {title: Held back}\nsteps: [{action: hold}]")
    return kernel


def test_alone_it_lists_the_tasks_by_the_variable_that_holds_them(held: Kernel) -> None:
    lines = held.ok("%aura").stdout.splitlines()
    assert any(line.startswith("held  ") and "Held back: running, 0 of 1 step" in line for line in lines)
    held.ok("gate.set()\nawait held")
    assert "Held back: completed" in held.ok("%aura").stdout


def test_without_tasks_it_says_how_to_start_one(own_kernel: Kernel) -> None:
    assert own_kernel.ok("%aura").stdout == "There are no tasks. A %%aura cell starts one.\n"


def test_wait_ends_when_the_named_task_does(held: Kernel) -> None:
    held.ok("asyncio.get_running_loop().call_soon(gate.set)\n%aura wait held")
    assert held.get("held.status.value") == "'COMPLETED'"


def test_wait_lets_the_loop_go_on(kernel: Kernel) -> None:
    kernel.ok(GATE + "async def open_gate():\n    gate.set()")
    kernel.ok("%%aura held\nsteps: [{action: hold}]")
    kernel.ok("%%aura opener\nsteps: [{action: open_gate}]")
    kernel.ok("%aura wait")
    assert kernel.get("held.status.value") == "'COMPLETED'"


def test_wait_fails_the_cell_of_a_task_that_failed(kernel: Kernel) -> None:
    kernel.ok("def fail():\n    raise KeyError('x')")
    kernel.ok("%%aura broken\nsteps: [{action: fail}]")
    reply = kernel.fails("%aura wait broken")
    assert reply.ename == "KeyError"
    assert "aura_jupyter" not in reply.traceback


def test_an_interrupt_ends_the_wait_and_not_the_task(held: Kernel) -> None:
    cell = held.start("print('waiting')\n%aura wait held")
    held.wait_for_text("waiting")
    held.interrupt()
    reply = held.finish(cell)
    assert (reply.status, reply.ename) == ("error", "KeyboardInterrupt")
    assert len(reply.traceback.splitlines()) == 1
    assert held.get("held.status.value") == "'RUNNING'"


def test_wait_works_in_a_function_and_without_autoawait(own_kernel: Kernel) -> None:
    own_kernel.ok(GATE + "async def open_gate():\n    gate.set()")
    own_kernel.ok("%%aura held\nsteps: [{action: hold}]")
    own_kernel.ok("%%aura opener\nsteps: [{action: open_gate}]")
    own_kernel.ok("def f():\n    %aura wait held\nf()")
    assert own_kernel.get("held.status.value") == "'COMPLETED'"


def test_run_takes_a_file_and_the_options_of_a_cell(kernel: Kernel, tmp_path: Path) -> None:
    spec = tmp_path / "daily.yaml"
    spec.write_text("inputs: [n]\nsteps: [{action: twice, params: {n: '{{ inputs.n }}'}}]\n")
    kernel.ok("def twice(n):\n    return 2 * n")
    assert kernel.ok(f"%aura run {spec} task -i n=21 --wait").value == "42"
    assert kernel.get("task.title") in ("'daily'", "'task'")


def test_a_mistake_in_a_file_is_shown_with_its_name_and_line(kernel: Kernel, tmp_path: Path) -> None:
    spec = tmp_path / "daily.yaml"
    spec.write_text("steps:\n  - action: core.log\n    parms: {}\n")
    assert "daily.yaml, line 3" in kernel.fails(f"%aura run {spec}").traceback


def test_a_value_that_does_not_fit_a_file_is_shown_under_its_option(kernel: Kernel, tmp_path: Path) -> None:
    spec = tmp_path / "daily.yaml"
    spec.write_text("inputs: [{name: n, type: integer}]\nsteps: [{action: core.log, params: {message: x}}]\n")
    reply = kernel.fails(f"%aura run {spec} -i n=1.5")
    assert reply.traceback.startswith("Line 1: input 'n' must be ")
    assert reply.traceback.splitlines()[2].rstrip().endswith("^^^^^")
    assert "traceback" not in reply.traceback.lower()


def test_a_file_that_is_not_there_names_the_nearest_one(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "daily.yaml").write_text("steps: []")
    reply = kernel.fails(f"%aura run {tmp_path}/dialy.yaml")
    assert "daily.yaml?" in reply.traceback
    assert "^" in reply.traceback


def test_show_displays_the_card_by_variable_and_by_id(held: Kernel) -> None:
    for name in ("held", held.get("held.task_id").strip("'")):
        (bundle,) = held.ok(f"%aura show {name}").displays
        assert "Held back" in bundle["text/html"]


def test_logs_prints_what_the_task_wrote(kernel: Kernel) -> None:
    kernel.ok("%%aura task -w\nsteps: [{action: core.log, params: {message: a word}}]")
    assert "a word" in kernel.ok("%aura logs task").stdout


def test_cancel_stops_a_task_and_all_of_them(held: Kernel) -> None:
    held.ok("%%aura other\nsteps: [{action: hold}]")
    held.ok("%aura cancel held\nawait held.wait()")
    assert held.get("held.status.value, other.status.value") == "('CANCELLED', 'RUNNING')"
    held.ok("%aura cancel --all\nawait other.wait()")
    assert held.get("other.status.value") == "'CANCELLED'"


def test_actions_lists_what_a_step_can_do_and_describes_one(kernel: Kernel) -> None:
    kernel.ok('def clean(frame, deep=False):\n    """Drop what is broken."""')
    listed = kernel.ok("%aura actions").stdout
    assert "core.log" in listed
    assert "Drop what is broken." in listed
    described = kernel.ok("%aura actions clean").stdout
    assert described == "clean(frame, deep=False)\nDrop what is broken.\n"


def test_schema_is_printed_or_written(kernel: Kernel, tmp_path: Path) -> None:
    assert "$schema" in json.loads(kernel.ok("%aura schema").stdout)
    path = tmp_path / "aura.json"
    kernel.ok(f"%aura schema {path}")
    assert "$schema" in json.loads(path.read_text())


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("shwo x", "%aura has no 'shwo'", "Did you mean %aura show?"),
        ("zzz", "%aura has no 'zzz'", "actions, cancel"),
        ("show hled", "there is no task 'hled'", "Did you mean 'held'?"),
        ("logs", "%aura logs needs the name of a task", "Write %aura logs NAME."),
        ("show a b", "'b' stands where nothing is expected", "Leave it out."),
        ("run", "%aura run needs a file", "Write %aura run FILE."),
        ("wait held --al", "%aura wait has no option '--al'", "%aura wait --help tells what it takes."),
        ("cancel --al", "%aura cancel has no option '--al'", "Write --all."),
        ("save held", "%aura save needs the name of a file", "Write %aura save NAME FILE."),
        ("rerun hled", "there is no task 'hled'", "Did you mean 'held'?"),
        ("graph hled", "there is no task 'hled'", "Did you mean 'held'?"),
        ("actions core.lgo", "no action is called 'core.lgo'", "Did you mean 'core.log'?"),
    ],
)
def test_a_mistake_is_one_message_a_caret_and_one_hint(held: Kernel, line: str, message: str, hint: str) -> None:
    reply = held.fails(f"# first\n%aura {line}")
    assert reply.traceback.startswith(f"Line 2: {message}")
    assert hint in reply.traceback.splitlines()[-1]
    assert "^" in reply.traceback


SPEC = """%%aura daily -i n=4 -o out
inputs: [n]
steps:
  - {name: first, action: tell, params: {n: "{{ inputs.n }}"}}
  - {name: second, action: core.log, params: {message: hi}, depends_on: []}
returns: "{{ steps.first.output }}"
"""


@pytest.fixture
def daily(kernel: Kernel) -> Kernel:
    """A kernel in which the task `daily` has ended."""
    kernel.ok("runs = []\ndef tell(n):\n    print('told', n)\n    runs.append(n)\n    return n")
    kernel.ok(SPEC)
    kernel.ok("first = daily\nawait daily")
    return kernel


def test_rerun_starts_the_spec_again_with_what_it_was_given(daily: Kernel) -> None:
    assert daily.ok("%aura rerun daily").displays
    assert daily.get("(await daily, daily is first, runs, out)") == "(4, False, [4, 4], 4)"


def test_rerun_of_a_task_from_python(kernel: Kernel) -> None:
    kernel.ok("%aura cancel --all\nimport aura_jupyter as aura\nn = []\ndef tell(x):\n    n.append(x)")
    kernel.ok("t = aura.submit('steps: [{action: tell, params: {x: 1}}]')\nawait t")
    kernel.ok("%aura rerun t\n%aura wait")
    assert kernel.get("n") == "[1, 1]"


def test_rerun_of_a_spec_that_was_a_mapping(kernel: Kernel) -> None:
    kernel.ok("%aura cancel --all\nimport aura_jupyter as aura\nn = []\ndef tell(x):\n    n.append(x)")
    kernel.ok(
        "spec = {'inputs': ['x'], 'steps': [{'action': 'tell', 'params': {'x': '{{ inputs.x }}'}}]}\n"
        "t = aura.submit(spec, inputs={'x': 7})\nawait t\nspec['steps'].clear()"
    )
    kernel.ok("def tell(x):\n    n.append(-x)")
    kernel.ok("%aura rerun t\n%aura wait")
    assert kernel.get("n") == "[7, -7]"
    kernel.ok("del tell")
    assert "no action is called 'tell'" in kernel.fails("%aura rerun t").traceback


def test_graph_tells_what_runs_after_what_and_runs_nothing(daily: Kernel, tmp_path: Path) -> None:
    (shown,) = daily.ok("%aura graph daily").displays
    assert "✓ second  core.log  (at once)" in shown["text/plain"]
    assert shown["image/svg+xml"].startswith("<svg")
    path = tmp_path / "other.yaml"
    path.write_text("steps: [{name: only, action: tell, params: {n: 1}}]", "utf-8")
    text = daily.ok(f"%aura graph {path}").displays[0]["text/plain"]
    assert text.startswith("other: 1 step\n  only  tell")
    assert daily.get("runs") == "[4]"


def test_the_graph_of_a_running_task_follows_it_to_its_end(held: Kernel) -> None:
    held.ok("%%aura two\nsteps: [{action: hold, name: first}, {action: hold, name: second, depends_on: []}]")
    start = len(held.messages)
    shown = held.ok("%aura graph two")
    (bundle,) = shown.displays
    assert "◐ first" in bundle["text/plain"]
    (first,) = (each["content"]["transient"] for each in shown.messages if each["msg_type"] == "display_data")
    held.ok("gate.set()\nawait two")

    def followed(text: str, message: Message) -> bool:
        ours = message["msg_type"] == "update_display_data" and message["content"]["transient"] == first
        return ours and text in message["content"]["data"]["text/plain"]

    end = held.wait_for(lambda message: followed("✓ second", message), start)
    assert "✓ first" in end["content"]["data"]["text/plain"]
    assert end["content"]["data"]["image/svg+xml"] != bundle["image/svg+xml"]
    followers = "[each for each in asyncio.all_tasks() if 'LiveGraph' in repr(each)]"
    held.ok(f"import asyncio\nawait asyncio.gather(*{followers})")
    assert held.get("len([each for each in two.scheduler.hooks._own if 'LiveGraph' in repr(each)])") == "0"


def test_with_nobody_watching_the_graph_is_a_still_picture(held: Kernel) -> None:
    shown = held.ok("%aura graph held", allow_stdin=False)
    (first,) = (each["content"]["transient"] for each in shown.messages if each["msg_type"] == "display_data")
    start = len(held.messages)
    held.ok("gate.set()\nawait held", allow_stdin=False)
    held.ok("%aura wait", allow_stdin=False)
    assert not any(each["content"].get("transient") == first for each in held.messages[start:])


def test_save_writes_the_spec_and_leaves_a_file_alone_that_is_there(daily: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "daily.yaml"
    daily.ok(f"%aura save daily {path}")
    assert path.read_text("utf-8") == SPEC.partition("\n")[2]
    assert "is there already" in daily.fails(f"%aura save daily {path}").traceback


def test_logs_can_be_followed_until_the_task_has_ended(held: Kernel) -> None:
    held.ok("async def tell():\n    print('before')\n    await gate.wait()\n    print('after')")
    held.ok("%%aura told\nsteps: [{action: tell}]")
    start = len(held.messages)
    cell = held.start("%aura logs told -f")
    held.wait_for_text("before", start)
    held.interrupt()
    assert held.finish(cell).ename == "KeyboardInterrupt"
    assert held.get("told.status.value") == "'RUNNING'"
    reply = held.ok("asyncio.get_running_loop().call_soon(gate.set)\n%aura logs told -f")
    assert [line.split("  ")[-1] for line in reply.stdout.splitlines()] == ["before", "after"]


def test_each_subcommand_has_its_help(kernel: Kernel) -> None:
    names = [line.split()[1] for line in kernel.ok("%aura help").stdout.splitlines()[1:]]
    assert {"run", "wait", "logs", "rerun", "doctor"} <= set(names)
    for name in names:
        assert kernel.ok(f"%aura {name} --help").stdout.startswith(f"%aura {name}")


def test_doctor_gives_a_verdict_on_versions_and_settings(kernel: Kernel) -> None:
    lines = kernel.ok("%aura doctor").stdout.splitlines()
    assert any(line.startswith("✓ ipykernel") and line.endswith("ok") for line in lines)
    assert any("cards are live" in line for line in lines)
    assert lines[-1] == "Nothing stands in the way."
    assert "nobody can be asked" in kernel.ok("%aura doctor", allow_stdin=False).stdout


@pytest.mark.parametrize(
    "body",
    [
        "steps: [{action: core.log, params: {message: hi}}]",
        "\n# why\nmeta: {}\nsteps: []",
        "- action: core.log\n",
        "  - {name: a}",
    ],
    ids=["steps", "comment between", "list", "indented"],
)
def test_a_spec_under_a_single_percent_sign_is_explained(kernel: Kernel, body: str) -> None:
    reply = kernel.fails(f"# note\n%aura daily -w\n{body}")
    assert reply.traceback.startswith("Line 2: a spec stands under %aura")
    assert "Write %%aura" in reply.traceback
