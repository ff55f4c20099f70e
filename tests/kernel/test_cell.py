"""What a `%%aura` cell does."""

from __future__ import annotations

import pytest

from tests.kernel.kernels import Kernel

GATE = """
import asyncio
gate = asyncio.Event()

async def hold():
    await gate.wait()
    return "held"
"""
TELL = """
import aura_jupyter as aura

@aura.hook("before_step_run")
def tell(event):
    print("step", event.step.name)
"""
HOLD = "%%aura task\nsteps: [{action: hold}]"
ADD = """
def add(a, b=1):
    return a + b
"""


def test_a_cell_returns_at_once_and_the_next_cell_answers_while_the_task_runs(kernel: Kernel) -> None:
    kernel.ok(GATE)
    kernel.ok(HOLD)
    assert kernel.get("task.status.value") == "'RUNNING'"
    kernel.ok("gate.set()")
    assert kernel.get("await task") == "'held'"
    assert kernel.get("task.status.value") == "'COMPLETED'"


def test_the_result_is_bound_when_the_task_is_done(kernel: Kernel) -> None:
    kernel.ok(GATE)
    kernel.ok("%%aura task -o result\nsteps: [{action: hold}]")
    assert kernel.get("'result' in globals()") == "False"
    assert kernel.get("gate.set()\n(await task) is result, result") == "(True, 'held')"


def test_a_failed_task_leaves_the_variable_of_its_result_alone(kernel: Kernel) -> None:
    kernel.ok("result = 1")
    kernel.ok("%%aura task -o result\nsteps: [{action: core.fail, params: {message: no}}]")
    kernel.ok("await task.wait()")
    assert kernel.get("result") == "1"


def test_inputs_and_results_are_the_very_objects(kernel: Kernel) -> None:
    kernel.ok("frame = object()\ndef same(x):\n    return x")
    kernel.ok(
        "%%aura -w -o out\ninputs: [frame]\nsteps: [{action: same, params: {x: '{{ inputs.frame }}'}}]",
    )
    assert kernel.get("out is frame") == "True"


def test_actions_are_functions_of_the_notebook_dots_allowed(kernel: Kernel) -> None:
    kernel.ok(ADD + "\nimport math\nclass Model:\n    def fit(self, n):\n        return n * 2\nmodel = Model()")
    spec = """steps:
  - {name: a, action: add, params: {a: 1}}
  - {name: b, action: math.sqrt, args: [16]}
  - {name: c, action: model.fit, params: {n: 4}}
returns: ["{{ steps.a.output }}", "{{ steps.b.output }}", "{{ steps.c.output }}"]
"""
    assert kernel.ok(f"%%aura -w\n{spec}").value == "[2, 4.0, 8]"


def test_a_function_that_is_defined_again_is_the_one_that_runs(kernel: Kernel) -> None:
    cell = "%%aura -w\nsteps: [{action: f}]"
    kernel.ok("def f():\n    return 1")
    assert kernel.ok(cell).value == "1"
    kernel.ok("def f():\n    return 2")
    assert kernel.ok(cell).value == "2"


def test_with_wait_the_result_is_the_cells_value(kernel: Kernel) -> None:
    kernel.ok(ADD)
    assert kernel.ok("%%aura --wait\nsteps: [{action: add, params: {a: 41}}]").value == "42"
    assert kernel.get("Out[max(Out)]") == "42"


def test_the_result_is_not_shown_where_a_variable_gets_it(kernel: Kernel) -> None:
    kernel.ok(ADD)
    assert kernel.ok("%%aura --wait -o out\nsteps: [{action: add, params: {a: 41}}]").value is None
    assert kernel.get("out") == "42"


def test_a_quiet_cell_that_waits_shows_the_result_alone(kernel: Kernel) -> None:
    kernel.ok(ADD)
    reply = kernel.ok("%%aura --wait -q\nsteps: [{action: add, params: {a: 41}}]")
    assert (reply.displays, reply.value) == ([], "42")


def test_a_quiet_cell_shows_no_card(kernel: Kernel) -> None:
    kernel.ok(ADD)
    assert kernel.ok("%%aura task -q\nsteps: [{action: add, params: {a: 1}}]").displays == []
    assert kernel.get("await task") == "2"


def test_other_tasks_go_on_while_a_cell_waits(kernel: Kernel) -> None:
    kernel.ok(GATE + "async def open_gate():\n    gate.set()")
    kernel.ok(HOLD)
    kernel.ok("%%aura -w\nsteps: [{action: open_gate}, {name: both, action: task.wait}]")
    assert kernel.get("task.status.value") == "'COMPLETED'"


def test_an_interrupt_cancels_the_task_and_the_cell_fails_with_one_line(kernel: Kernel) -> None:
    kernel.ok(GATE + "cleaned = []\ndef clean():\n    cleaned.append(1)")
    kernel.ok(TELL)
    cell = kernel.start("%%aura task --wait\nsteps: [{action: hold}]\nfinally: [{action: clean}]")
    kernel.wait_for_text("hold")
    kernel.interrupt()
    reply = kernel.finish(cell)
    assert (reply.status, reply.ename) == ("error", "TaskCancelled")
    assert reply.traceback == "TaskCancelled: task was cancelled"
    assert kernel.get("task.status.value, cleaned") == "('CANCELLED', [1])"


def test_a_second_interrupt_cancels_finally_too(own_kernel: Kernel) -> None:
    kernel = own_kernel
    kernel.ok(GATE + TELL)
    cell = kernel.start(
        "%%aura task --wait\nsteps: [{name: first, action: hold}]\nfinally: [{name: last, action: hold}]"
    )
    kernel.wait_for_text("first")
    kernel.interrupt()
    kernel.wait_for_text("last")
    kernel.interrupt()
    assert kernel.finish(cell).ename == "TaskCancelled"
    assert kernel.get("task.steps['last'].status.value") == "'CANCELLED'"
    assert kernel.get("1 + 1") == "2"


def test_a_failed_task_fails_the_cell_with_the_steps_own_exception_and_the_persons_frames(kernel: Kernel) -> None:
    kernel.ok("def look(table):\n    return table['tailnumber']")
    reply = kernel.fails("%%aura --wait\nsteps:\n  - name: join\n    action: look\n    params: {table: {}}")
    assert (reply.ename, reply.evalue) == ("KeyError", "'tailnumber'")
    assert "return table['tailnumber']" in reply.traceback
    assert "join" in reply.traceback
    assert "line 4" in reply.traceback or "line 3" in reply.traceback
    for frame in ("aura_jupyter", "asyncio", "run_cell_magic", "threading.py"):
        assert frame not in reply.traceback


def test_a_failure_that_was_shown_before_is_shown_the_same_way(kernel: Kernel) -> None:
    kernel.ok("def fail():\n    raise KeyError('x')")
    kernel.ok("%%aura task\nsteps: [{action: fail}]")
    kernel.fails("await task")
    first, second = kernel.fails("%aura wait task"), kernel.fails("%aura wait task")
    assert first.traceback == second.traceback
    assert "await task" not in first.traceback


def test_an_exception_that_cannot_be_changed_is_shown_all_the_same(kernel: Kernel) -> None:
    kernel.ok(
        """
from dataclasses import dataclass
@dataclass(frozen=True)
class Refused(Exception):
    reason: str
def fail():
    raise Refused("no")
"""
    )
    reply = kernel.fails("%%aura --wait\nsteps: [{action: fail}]")
    assert reply.ename == "Refused"
    assert "aura_jupyter" not in reply.traceback


def test_a_task_that_is_cancelled_otherwise_fails_the_cell_that_waits_for_it(kernel: Kernel) -> None:
    kernel.ok("import asyncio\nasync def stop():\n    task.cancel()\n    await asyncio.Event().wait()")
    reply = kernel.fails("%%aura task --wait\nsteps: [{action: stop}]")
    assert reply.traceback == "TaskCancelled: task was cancelled"


def test_a_failing_built_in_action_shows_no_frames_at_all(kernel: Kernel) -> None:
    reply = kernel.fails("%%aura --wait\nsteps: [{action: file.read, params: {path: /nothing/here}}]")
    assert reply.ename == "FileNotFoundError"
    assert reply.traceback.startswith("FileNotFoundError: ")
    assert "site-packages" not in reply.traceback
    assert ".py" not in reply.traceback


@pytest.mark.parametrize(
    "statement",
    [
        "from IPython.core.error import UsageError; raise UsageError('no')",
        "raise SystemExit(3)",
        "raise SyntaxError('no')",
        "raise ExceptionGroup('two', [ValueError('no')])",
        "raise KeyboardInterrupt",
    ],
)
def test_what_ipython_shows_in_ways_of_its_own_fails_the_cell_so_that_nbval_sees_it(
    kernel: Kernel, statement: str
) -> None:
    kernel.ok(f"def fail():\n    {statement}")
    reply = kernel.fails("%%aura --wait\nsteps: [{action: fail}]")
    assert reply.ename == "TaskError"
    assert "aura_jupyter" not in reply.traceback


def test_a_failed_task_of_a_cell_that_does_not_wait_fails_the_cell_that_awaits_it(kernel: Kernel) -> None:
    kernel.ok("def fail():\n    raise KeyError('x')")
    kernel.ok("%%aura task\nsteps: [{action: fail}]")
    assert kernel.fails("await task").ename == "KeyError"


@pytest.mark.parametrize("above", ["%%time", "%%timeit -n1 -r1", "%%capture out", "%%time\n%%capture out"])
def test_other_cell_magics_may_stand_above(own_kernel: Kernel, above: str) -> None:
    own_kernel.ok(ADD)
    own_kernel.ok(f"{above}\n%%aura task --wait\nsteps: [{{action: add, params: {{a: 1}}}}]")
    if "timeit" not in above:
        assert own_kernel.get("task.result") == "2"


def test_the_other_tasks_go_on_while_a_cell_waits_under_another_magic(own_kernel: Kernel) -> None:
    own_kernel.ok(GATE + "async def open_gate():\n    gate.set()")
    own_kernel.ok(HOLD)
    own_kernel.ok("%%time\n%%aura -w\nsteps: [{action: open_gate}, {action: task.wait}]")
    assert own_kernel.get("task.status.value") == "'COMPLETED'"


def test_an_interrupt_cancels_the_task_under_another_magic_too(own_kernel: Kernel) -> None:
    kernel = own_kernel
    kernel.ok(GATE + TELL)
    cell = kernel.start("%%time\n%%aura task --wait\nsteps: [{action: hold}]")
    kernel.wait_for_text("hold")
    kernel.interrupt()
    assert kernel.finish(cell).ename == "TaskCancelled"
    assert kernel.get("task.status.value") == "'CANCELLED'"


def test_a_cell_waits_without_autoawait(own_kernel: Kernel) -> None:
    own_kernel.ok("%autoawait off")
    own_kernel.ok(ADD)
    assert own_kernel.ok("%%aura --wait\nsteps: [{action: add, params: {a: 1}}]").value == "2"


def test_the_loop_is_made_nestable_only_where_it_is_needed(own_kernel: Kernel) -> None:
    own_kernel.ok(ADD)
    cell = "%%aura --wait -q\nsteps: [{action: add, params: {a: 1}}]"
    own_kernel.ok(cell)
    assert own_kernel.get("import sys\n'nest_asyncio2' in sys.modules") == "False"
    own_kernel.ok(f"%%time\n{cell}")
    assert own_kernel.get("'nest_asyncio2' in sys.modules") == "True"


def test_comments_and_line_magics_may_stand_above_and_count_as_lines(kernel: Kernel) -> None:
    reply = kernel.fails("\n# why\n%matplotlib --list\n\n%%aura --wait\nsteps:\n  - action: lgo\n")
    assert reply.ename == "SpecError"
    assert reply.traceback.startswith("Line 7: ")
    assert "   5 | %%aura --wait" in reply.traceback


def test_a_mistake_in_the_spec_is_shown_without_a_traceback_and_nothing_runs(kernel: Kernel) -> None:
    kernel.ok("ran = []\ndef note():\n    ran.append(1)")
    reply = kernel.fails("%%aura task\nsteps:\n  - action: note\n  - name: last\n    action: note\n    parms: {}\n")
    assert reply.ename == "SpecError"
    assert reply.traceback.startswith("Line 6: step 'last' has no key 'parms'  [unknown-key]")
    assert reply.traceback.endswith("Write 'params'.")
    assert reply.evalue == "line 6: step 'last' has no key 'parms'. Write 'params'."
    assert kernel.get("ran, 'task' in globals()") == "([], False)"


def test_a_mistake_in_the_options_is_shown_under_its_word(kernel: Kernel) -> None:
    reply = kernel.fails("%%aura delays --wiat\nsteps: [{action: core.log}]")
    assert reply.traceback.splitlines()[1:3] == ["   1 | %%aura delays --wiat", "     |               ^^^^^^"]
    assert reply.ename == "SpecError"


def test_a_value_that_does_not_fit_is_shown_under_its_option_with_the_limit(kernel: Kernel) -> None:
    spec = "inputs:\n  - {name: rate, type: number, min: 0, max: 1}\nsteps: [{action: core.log, params: {message: x}}]"
    reply = kernel.fails(f"%%aura delays -i rate=1.5\n{spec}")
    assert reply.traceback.splitlines()[:3] == [
        "Line 1: input 'rate' is 1.5, and the largest value is 1  [input-value]",
        "   1 | %%aura delays -i rate=1.5",
        "     |                  ^^^^^^^^",
    ]
    assert "the limit" in reply.traceback


def test_a_missing_variable_names_the_nearest_one(kernel: Kernel) -> None:
    kernel.ok("flights = 1")
    reply = kernel.fails("%%aura -i flihgts\nsteps: [{action: core.log, params: {message: x}}]")
    assert "Did you mean 'flights'?" in reply.traceback


def test_a_spec_without_a_body_is_an_error_that_nbval_sees(kernel: Kernel) -> None:
    assert kernel.fails("%%aura").ename == "SpecError"


def test_a_cell_below_code_is_refused_before_the_code_runs(kernel: Kernel) -> None:
    reply = kernel.fails("ran = 1\n%%aura\nsteps: [{action: core.log}]")
    assert reply.ename == "SpecError"
    assert "Line 2: " in reply.traceback
    assert kernel.get("'ran' in globals()") == "False"


def test_a_declared_input_is_taken_from_the_variable_of_its_name_unless_it_has_a_default(kernel: Kernel) -> None:
    kernel.ok("a = 1\nb = 2\nc = 3\ndef three(x, y, z):\n    return x, y, z")
    spec = """inputs:
  - a
  - {name: b, default: 20}
  - {name: c, default: 30}
steps:
  - action: three
    params: {x: "{{ inputs.a }}", y: "{{ inputs.b }}", z: "{{ inputs.c }}"}
"""
    assert kernel.ok(f"%%aura task -w -i c\n{spec}").value == "(1, 20, 3)"
    assert kernel.get("dict(task.origins)") == "{'a': 'variable', 'b': 'default', 'c': 'given with -i'}"


def test_braces_and_dollars_of_the_line_reach_python_as_written(kernel: Kernel) -> None:
    kernel.ok("k = 3\ndef same(x):\n    return x")
    spec = "steps: [{action: same, params: {x: '{{ inputs.n }}'}}]"
    assert kernel.ok(f"%%aura -w -i n={{'a': k, 'b': '$k'}}\n{spec}").value == "{'a': 3, 'b': '$k'}"


def test_a_dry_run_shows_the_steps_and_runs_and_binds_nothing(kernel: Kernel) -> None:
    kernel.ok("ran = []\ndef note():\n    ran.append(1)")
    reply = kernel.ok(
        "%%aura task -o out --dry-run\nsteps:\n  - {name: one, action: note}\n  - {name: two, action: note}\n"
    )
    assert reply.stdout.index("one") < reply.stdout.index("two")
    assert kernel.get("ran, 'task' in globals(), 'out' in globals()") == "([], False, False)"
    assert kernel.fails("%%aura --dry-run -w\nsteps: [{action: nto}]").ename == "SpecError"


def test_a_timeout_of_the_cell_takes_the_place_of_the_specs(kernel: Kernel) -> None:
    kernel.ok(GATE)
    reply = kernel.fails("%%aura task -w --timeout 50ms\nmeta: {timeout: 1h}\nsteps: [{action: hold}]")
    assert reply.ename == "TimeoutError"
    assert kernel.get("task.status.value") == "'FAILED'"


def test_printed_output_goes_to_the_log_of_its_task_and_two_tasks_stay_apart(kernel: Kernel) -> None:
    kernel.ok("""
import threading
both = threading.Barrier(2, timeout=20)
def say(word):
    for n in range(3):
        both.wait()
        print(word, n)
""")
    first = kernel.ok("%%aura a\nsteps: [{action: say, params: {word: red}}]")
    second = kernel.ok("%%aura b\nsteps: [{action: say, params: {word: blue}}]")
    last = kernel.ok("await a\nawait b\nprint('here')")
    assert [reply.stdout for reply in (first, second, last)] == ["", "", "here\n"]
    assert kernel.get("[line.text for line in a.logs]") == "['red 0', 'red 1', 'red 2']"
    assert kernel.get("[line.text for line in b.logs]") == "['blue 0', 'blue 1', 'blue 2']"


def test_what_an_action_displays_goes_to_the_log(kernel: Kernel) -> None:
    kernel.ok(
        "from IPython.display import clear_output, display\ndef show():\n    display({'a': 1})\n    clear_output()"
    )
    reply = kernel.ok("%%aura task -w -q\nsteps: [{action: show}]")
    assert reply.displays == []
    assert "clear_output" not in {each["msg_type"] for each in reply.messages}
    assert kernel.get("[line.text for line in task.logs]") == "[\"{'a': 1}\"]"
    assert kernel.ok("display(1)").displays == [{"text/plain": "1"}]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_bars_of_tqdm_notebook_are_the_progress_of_their_step(kernel: Kernel, kind: str) -> None:
    kernel.ok(
        "import aura_jupyter as aura\nfrom tqdm.notebook import tqdm\ntold = []\n"
        "@aura.hook('step_progress')\ndef note(event):\n    told.append((event.done, event.total, event.text))\n"
        f"{kind} nested():\n"
        "    for _ in tqdm(range(3), desc='outer', mininterval=0):\n"
        "        for _ in tqdm(range(2), desc='inner', mininterval=0, leave=False):\n            pass\n"
        "    print('done')\n"
        f"{kind} counting():\n"
        "    for _ in tqdm(iter(range(3)), desc='rows', mininterval=0):\n        pass"
    )
    kernel.ok("%%aura task -w\nsteps: [{action: nested}, {action: counting}]")
    kernel.ok("from aura_jupyter.engine.hooks import every_scheduler\nevery_scheduler.remove(note)")
    assert kernel.get("task.steps['nested'].progress") == "Progress(done=3.0, total=3.0, text='outer')"
    assert kernel.get("set(told) <= {(n, 3.0, 'outer') for n in range(4)}") == "True"
    assert kernel.get("[line.text for line in task.logs]") == "['done']"


def test_the_documentation_is_that_of_the_options(kernel: Kernel) -> None:
    payload = kernel.ok("%%aura?").content["payload"][0]["data"]["text/plain"]
    for option in ("--wait", "--dry-run", "-i", "--timeout", "NAME"):
        assert option in payload
