"""What a cell shows of its task, to a person who watches and to programs that run notebooks."""

from __future__ import annotations

from tests.kernel.kernels import Kernel

TASK = "application/vnd.aura.task+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
GATE = """
import asyncio
gate = asyncio.Event()

async def hold():
    await gate.wait()
    return "held"
"""
SAID = 'Aura task "task" with 1 step. Its card shows how it goes; `await task` gives its result.'


def test_a_person_who_watches_sees_a_widget_that_becomes_the_finished_picture(kernel: Kernel) -> None:
    kernel.ok(GATE)
    cell = kernel.ok("%%aura task\nsteps: [{action: hold}]")
    (bundle,) = cell.displays
    assert set(bundle) == {TASK, WIDGET, "text/html", "text/plain"}
    assert bundle["text/plain"] == SAID
    kernel.ok("gate.set()\nawait task")
    end = kernel.wait_for(lambda message: message["msg_type"] == "update_display_data")
    shown = next(each for each in cell.messages if each["msg_type"] == "display_data")
    assert end["content"]["transient"] == shown["content"]["transient"]
    data = end["content"]["data"]
    assert set(data) == {TASK, "text/html", "text/plain"}
    assert (data["text/plain"], data[TASK]["status"]) == (SAID, "COMPLETED")


def test_the_text_of_a_cell_that_waits_tells_how_it_ended(kernel: Kernel) -> None:
    kernel.ok("def f():\n    return 1")
    cell = kernel.ok("%%aura task --wait\nsteps: [{action: f}]")
    updates = [each for each in cell.messages if each["msg_type"] == "update_display_data"]
    assert [each["content"]["data"]["text/plain"] for each in updates] == [
        "task: completed, 1 step\n  completed  f\nResult: 1"
    ]


def test_with_nobody_watching_a_cell_that_waits_shows_the_finished_picture_alone(kernel: Kernel) -> None:
    kernel.ok("def f():\n    return 1")
    cell = kernel.ok("%%aura task --wait\nsteps: [{action: f}]", allow_stdin=False)
    (bundle,) = cell.displays
    assert set(bundle) == {TASK, "text/html", "text/plain"}
    assert bundle["text/plain"] == "task: completed, 1 step\n  completed  f\nResult: 1"
    assert bundle[TASK]["status"] == "COMPLETED"
    assert "update_display_data" not in {each["msg_type"] for each in cell.messages}


def test_with_nobody_watching_a_failing_cell_shows_its_picture_before_its_error(kernel: Kernel) -> None:
    kernel.ok("def f():\n    raise KeyError('x')")
    reply = kernel.fails("%%aura task --wait\nsteps: [{action: f}]", allow_stdin=False)
    kinds = [each["msg_type"] for each in reply.messages if each["msg_type"] in ("display_data", "error")]
    assert kinds == ["display_data", "error"]
    assert reply.displays[0]["text/plain"].startswith("task: failed in f\n")


def test_with_nobody_watching_the_end_is_a_message_of_the_cell_that_runs_then(kernel: Kernel) -> None:
    kernel.ok(GATE)
    cell = kernel.ok("%%aura task\nsteps: [{action: hold}]", allow_stdin=False)
    (bundle,) = cell.displays
    assert set(bundle) == {TASK, "text/html", "text/plain"}
    assert bundle["text/plain"] == SAID
    later = kernel.ok("gate.set()\nawait task", allow_stdin=False)
    ends = [each for each in later.messages if each["msg_type"] == "update_display_data"]
    assert [each["content"]["data"][TASK]["status"] for each in ends] == ["COMPLETED"]


def test_a_file_s_name_that_is_no_utf_8_keeps_no_card_from_its_end(kernel: Kernel) -> None:
    name = "os.fsdecode(b'caf\\xe9')"
    kernel.ok(f"import os\ndef f():\n    print({name})\n    raise ValueError({name})")
    kernel.fails("%%aura task --wait\nsteps: [{action: f}]")
    end = kernel.wait_for(lambda message: message["msg_type"] == "update_display_data")
    picture = end["content"]["data"][TASK]
    assert (picture["status"], picture["lines"][0][3]) == ("FAILED", "caf?")
    assert "ValueError: caf?" in end["content"]["data"]["text/plain"]


def test_what_ended_between_two_cells_is_published_again_by_the_next_one(kernel: Kernel) -> None:
    kernel.ok(
        """
import asyncio
async def later():
    await asyncio.sleep(0.2)
"""
    )
    kernel.ok("%%aura task\nsteps: [{action: later}]", allow_stdin=False)
    kernel.wait_for(lambda message: message["msg_type"] == "update_display_data")  # sent between the cells
    following = kernel.ok("1")
    ends = [each for each in following.messages if each["msg_type"] == "update_display_data"]
    assert [each["content"]["data"][TASK]["status"] for each in ends] == ["COMPLETED"]
    assert "update_display_data" not in {each["msg_type"] for each in kernel.ok("2").messages}


def test_a_tasklet_that_is_a_cells_value_is_its_card_and_the_same_sentence_always(kernel: Kernel) -> None:
    kernel.ok(GATE)
    kernel.ok("%%aura task\nsteps: [{action: hold}]")
    before = kernel.ok("task")
    kernel.ok("gate.set()\nawait task")
    after = kernel.ok("task")
    assert before.value == after.value == SAID
    results = [each for each in (*before.messages, *after.messages) if each["msg_type"] == "execute_result"]
    assert [set(each["content"]["data"]) for each in results] == [
        {TASK, WIDGET, "text/html", "text/plain"},
        {TASK, "text/html", "text/plain"},
    ]


def test_a_question_is_for_a_person_who_watches_only(kernel: Kernel) -> None:
    spec = "steps: [{action: human.approve, params: {message: ok?, default: Approve}}]"
    assert kernel.ok(f"%%aura task --wait\n{spec}", allow_stdin=False).value == "'Approve'"
    kernel.ok(f"%%aura asked\n{spec}")
    kernel.ok("import asyncio\nwhile asked.steps['approve'].question is None:\n    await asyncio.sleep(0)")
    kernel.ok("asked.answer('approve', 'Approve')")
    assert kernel.get("await asked") == "'Approve'"


def test_a_long_spec_is_read_without_holding_the_loop(own_kernel: Kernel) -> None:
    own_kernel.ok(
        """
import asyncio
turns = 0
async def count():
    global turns
    while True:
        turns += 1
        await asyncio.sleep(0)
def note():
    pass
"""
    )
    steps = "".join(f"  - name: s{n}\n    action: note\n    when: true\n" for n in range(1000))
    own_kernel.ok("%%aura warm -w\nsteps: [{action: note}]")
    own_kernel.ok(
        "import aura_jupyter\nseen = []\ncounting = asyncio.ensure_future(count())\n"
        "aura_jupyter.hook('task_queued')(lambda event: seen.append(turns))\n"
        "get_ipython().events.register('pre_run_cell', lambda info: seen.append(turns))"
    )
    own_kernel.ok(f"%%aura task\nsteps:\n{steps}")
    begun, queued, *_ = map(int, own_kernel.get("*seen,").strip("()").split(","))
    assert queued - begun > 3  # read in one go: 1 at most


def test_with_nobody_watching_the_failed_line_of_a_long_spec_is_found_without_holding_the_loop(
    own_kernel: Kernel,
) -> None:
    own_kernel.ok(
        """
import asyncio
import aura_jupyter as aura
turns, seen = 0, []
async def count():
    global turns
    while True:
        turns += 1
        await asyncio.sleep(0)
def note():
    pass
def bad():
    raise KeyError("x")
aura.hook("after_task_run")(lambda event: seen.append(turns))
publisher = get_ipython().display_pub
publish = publisher.publish
def count_publish(*args, **kwargs):
    seen.append(turns)
    return publish(*args, **kwargs)
publisher.publish = count_publish
"""
    )
    own_kernel.ok("%%aura warm -w\nsteps: [{action: note}]", allow_stdin=False)
    steps = "".join(f"  - name: s{n}\n    action: note\n    when: true\n" for n in range(1000))
    own_kernel.ok("seen.clear()\ncounting = asyncio.ensure_future(count())")
    shown = own_kernel.fails(f"%%aura task -w\nsteps:\n{steps}  - action: bad\n", allow_stdin=False)
    assert "(line 3003 of the cell)" in shown.displays[0]["text/plain"]
    ended, displayed, *_ = map(int, own_kernel.get("*seen,").strip("()").split(","))
    assert displayed - ended > 3  # found in one go: 1 or 2
