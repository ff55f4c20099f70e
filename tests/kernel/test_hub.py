"""The hub: what a page hears of the cards of its notebook, on a comm that it has opened."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from aura_jupyter.notebook.door.hub import KEPT, KEPT_BYTES, PAGES, Ends
from aura_jupyter.notebook.mime import MIME, VIEW
from aura_jupyter.protocol import PROTOCOL, TARGET
from tests.kernel.doors import Program, program
from tests.kernel.kernels import Kernel

SETUP = """\
import asyncio, threading, time
import aura_jupyter as aura
gates = {}
async def gated(name): await gates.setdefault(name, asyncio.Event()).wait()
"""
HELLO = "steps: [{action: core.log, params: {message: hello}}]\nreturns: 42"
HELD = "print('held', flush=True)\ntime.sleep(1000)"
_fresh = itertools.count()


@pytest.fixture(scope="module")
def hub(shared_kernel: Kernel) -> Kernel:
    """A kernel with Aura loaded."""
    shared_kernel.ok(SETUP)
    return shared_kernel


@pytest.fixture
def page(hub: Kernel) -> Iterator[Program]:
    """A page of its notebook."""
    with program(hub) as made:
        yield made
        hub.ok("for gate in gates.values(): gate.set()")


def begin(kernel: Kernel) -> tuple[str, str]:
    """Begin a task in a cell; its id and the name of its gate."""
    name = f"t{next(_fresh)}"
    kernel.ok(f"%%aura {name}\nsteps: [{{action: gated, params: {{name: {name}}}}}]")
    return kernel.get(f"{name}.task_id").strip("'"), name


def finish(kernel: Kernel, name: str) -> None:
    """Let a task end."""
    kernel.ok(f"gates[{name!r}].set()\nawait {name}")


def new_comm() -> str:
    return f"page-{next(_fresh)}"


def ids(bundles: Any) -> list[str]:
    return [bundle[MIME]["task_id"] for bundle in bundles or ()]


def test_loading_says_hello_to_the_pages(bare_kernel: Kernel) -> None:
    reply = bare_kernel.ok("%load_ext aura_jupyter")
    opened = [each["content"] for each in reply.messages if each["msg_type"] == "comm_open"]
    assert [each["data"]["protocol"] for each in opened if each["target_name"] == TARGET] == [PROTOCOL]


def test_loading_with_nobody_watching_says_no_hello(bare_kernel: Kernel) -> None:
    reply = bare_kernel.ok("%load_ext aura_jupyter", allow_stdin=False)
    assert not [each for each in reply.messages if each["msg_type"] == "comm_open"]


def test_a_page_hears_of_what_lives_has_ended_and_is_unknown(page: Program, hub: Kernel) -> None:
    ended, name = begin(hub)
    finish(hub, name)
    living, _ = begin(hub)
    comm = new_comm()
    page.open(comm, watch=[ended, living, "nothing"])
    said = page.heard(comm, lambda data: "final" in data)
    assert said["protocol"] == PROTOCOL
    assert ids(said["final"]) == [ended]
    assert said["gone"] == ["nothing"]
    final = said["final"][0]
    assert {MIME, "text/html", "text/plain"} == final.keys()
    assert final[MIME]["final"]
    live = page.heard(comm, lambda data: "live" in data)["live"][0]
    assert live[MIME]["task_id"] == living
    assert live[VIEW]["model_id"] in hub.get("list(__import__('ipywidgets').widgets.widget._instances)")


def test_every_end_goes_to_every_page(page: Program, hub: Kernel) -> None:
    comms = [new_comm(), new_comm()]
    task_id, name = begin(hub)
    with program(hub) as other:
        page.open(comms[0], watch=["nothing"])
        page.heard(comms[0], lambda data: "gone" in data)
        other.open(comms[1], watch=[task_id])
        other.heard(comms[1], lambda data: "live" in data)
        finish(hub, name)
        for each, comm in ((page, comms[0]), (other, comms[1])):
            said = each.heard(comm, lambda data: task_id in ids(data.get("final")))
            assert said["final"][0][MIME]["status"] == "COMPLETED"


def test_what_ended_while_no_page_was_there_is_told_to_one_that_comes(page: Program, hub: Kernel) -> None:
    task_id, name = begin(hub)
    finish(hub, name)
    hub.ok(f"del {name}\nimport gc; gc.collect()")
    comm = new_comm()
    page.open(comm, watch=[task_id])
    assert ids(page.heard(comm, lambda data: "final" in data)["final"]) == [task_id]


def test_a_task_that_was_shown_as_a_value_is_told_to_have_ended(page: Program, hub: Kernel) -> None:
    task_id, name = begin(hub)
    hub.ok(f"quiet = aura.submit('steps: [{{action: gated, params: {{name: {name}}}}}]')")
    quiet = hub.get("quiet.task_id").strip("'")
    comm = new_comm()
    page.open(comm)
    page.say(comm, watch=[quiet])
    page.heard(comm, lambda data: quiet in ids(data.get("live")))
    finish(hub, name)
    hub.ok("await quiet")
    assert page.heard(comm, lambda data: quiet in ids(data.get("final")))
    assert page.heard(comm, lambda data: task_id in ids(data.get("final")))


def test_a_panel_hears_of_each_task_and_then_of_what_changes(page: Program, hub: Kernel) -> None:
    task_id, name = begin(hub)
    comm = new_comm()
    page.open(comm, panel=True)
    first = page.heard(comm, lambda data: "events" in data)["events"]
    assert task_id in [event["task"]["task_id"] for event in first]
    finish(hub, name)

    def tells_the_end(data: dict[str, Any]) -> bool:
        told = [event["task"] for event in data.get("events", ())]
        return any(task["task_id"] == task_id and task["status"] == "COMPLETED" for task in told)

    page.heard(comm, tells_the_end)
    page.say(comm, panel=False)
    page.say(comm, watch=["nothing"])
    page.heard(comm, lambda data: "gone" in data)
    _, name = begin(hub)
    finish(hub, name)
    hub.ok("for thread in __import__('threading').enumerate():\n    if thread.name == 'aura-events': thread.join()")


def test_a_page_on_a_subshell_is_answered_while_a_cell_holds_the_loop(page: Program, hub: Kernel) -> None:
    ended, name = begin(hub)
    finish(hub, name)
    comm = new_comm()
    page.open(comm)
    page.say(comm, watch=["before"])
    page.heard(comm, lambda data: data.get("gone") == ["before"])
    request = page.client.session.msg("create_subshell_request", {})
    page.client.control_channel.send(request)
    reply = page.client.get_control_msg(timeout=30)
    subshell = reply["content"]["subshell_id"]
    start = len(hub.messages)
    cell = hub.start(HELD)
    hub.wait_for_text("held", start)
    message = page.client.session.msg("comm_msg", {"comm_id": comm, "data": {"protocol": 1, "watch": [ended]}})
    message["header"]["subshell_id"] = subshell
    page.client.shell_channel.send(message)
    assert ids(page.heard(comm, lambda data: "final" in data)["final"]) == [ended]
    hub.interrupt()
    hub.finish(cell)


@pytest.mark.parametrize("said", [{"protocol": 99}, {"protocol": None, "watch": ["x"]}])
def test_a_page_of_another_protocol_is_told_ours(page: Program, said: dict[str, Any]) -> None:
    comm = new_comm()
    page.open(comm, **said)
    assert page.heard(comm, lambda data: True) == {"protocol": PROTOCOL}


def test_what_makes_no_sense_is_passed_over(page: Program) -> None:
    comm = new_comm()
    page.open(comm, watch="all", panel="yes")
    page.say(comm, watch=[1, None, {"x": 2}, "nothing"])
    assert page.heard(comm, lambda data: "gone" in data)["gone"] == ["nothing"]


def test_a_comm_that_is_opened_without_a_word_is_told_our_protocol(page: Program) -> None:
    comm = new_comm()
    content = {"comm_id": comm, "target_name": TARGET}
    page.client.shell_channel.send(page.client.session.msg("comm_open", content))
    assert page.heard(comm, lambda data: True) == {"protocol": PROTOCOL}


def test_comms_of_reloaded_pages_are_bounded(page: Program, hub: Kernel) -> None:
    comms = [new_comm() for _ in range(40)]
    for comm in comms:
        page.open(comm)
    page.wait_for(lambda message: message["msg_type"] == "comm_close" and message["content"]["comm_id"] == comms[7])
    task_id, name = begin(hub)
    finish(hub, name)
    page.heard(comms[-1], lambda data: task_id in ids(data.get("final")))
    told = {each["content"]["comm_id"] for each in page.iopub if each["msg_type"] == "comm_msg"}
    assert len(told & set(comms)) <= 32


def test_a_reloaded_page_that_had_a_panel_keeps_no_events_going(page: Program, hub: Kernel) -> None:
    old = new_comm()
    page.open(old, panel=True)
    page.heard(old, lambda data: True)
    for comm in [new_comm() for _ in range(PAGES)]:
        page.open(comm)
    page.wait_for(lambda message: message["msg_type"] == "comm_close" and message["content"]["comm_id"] == old)
    hub.ok("for thread in threading.enumerate():\n    if thread.name == 'aura-events': thread.join(30)")
    assert "aura-events" not in hub.get("[thread.name for thread in threading.enumerate()]")


def test_ends_are_kept_by_number_and_by_size() -> None:
    ends = Ends()
    for number in range(KEPT + 1):
        ends.keep(str(number), {"text/plain": "x"})
    assert ends.get("0") is None
    assert ends.get("1") == {"text/plain": "x"}
    ends.keep("large", {"text/plain": "x" * (KEPT_BYTES - 100)})
    assert ends.get("100") is None
    ends.keep("larger", {"text/plain": "x" * KEPT_BYTES})
    assert ends.get("large") is None
    assert ends.get("larger") is not None  # the last one in any case


def test_unloading_closes_the_comms_and_refuses_new_ones(own_kernel: Kernel) -> None:
    own_kernel.ok(SETUP)
    with program(own_kernel) as page:
        comm = new_comm()
        page.open(comm, watch=["nothing"])
        page.heard(comm, lambda data: "gone" in data)
        own_kernel.ok("%unload_ext aura_jupyter")
        page.wait_for(lambda message: message["msg_type"] == "comm_close" and message["content"]["comm_id"] == comm)
        late = new_comm()
        page.open(late, watch=["nothing"])
        page.wait_for(lambda message: message["msg_type"] == "comm_close" and message["content"]["comm_id"] == late)
