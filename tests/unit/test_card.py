"""The live card: what it sends, when, and what its buttons do."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

import aura_jupyter as aura
from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import Tasklet
from aura_jupyter.notebook.card.board import KEPT, board_of, card_of, final_bundle, when_quick
from aura_jupyter.notebook.card.budget import IN_ALL, PER_CARD
from aura_jupyter.notebook.card.card import Card, asset
from aura_jupyter.notebook.mime import MIME, VIEW
from aura_jupyter.view import picture


class Names(dict[str, Any]):
    """The variables of a notebook."""

    def find(self, name: str) -> Any:
        return self.get(name)

    def names(self) -> list[str]:
        return list(self)


class Wire:
    """In the place of a comm to a page: keeps what is sent, with the loop's time."""

    comm_id = "wire"

    def __init__(self) -> None:
        self.sent: list[tuple[float, dict[str, Any]]] = []

    def send(self, data: dict[str, Any], buffers: Any = None, metadata: Any = None) -> None:
        at = asyncio.get_running_loop().time() if threading.current_thread() is threading.main_thread() else 0.0
        self.sent.append((at, json.loads(json.dumps(data))))

    def close(self, *_: Any, **__: Any) -> None:
        self.sent.append((0.0, {"method": "close"}))

    def on_msg(self, callback: Any) -> None: ...

    def messages(self, kind: str) -> list[dict[str, Any]]:
        return [data["content"] for _, data in self.sent if data.get("content", {}).get("kind") == kind]

    def wholes(self) -> list[dict[str, Any]]:
        return [data["state"]["picture"] for _, data in self.sent if "picture" in data.get("state", {})]


@pytest.fixture
def names() -> Names:
    gate = asyncio.Event()
    reached = asyncio.Event()

    async def holds() -> str:
        reached.set()
        await gate.wait()
        return "held"

    async def chatty(context: aura.ActionContext) -> None:
        for number in range(3000):
            context.progress(number + 1, 3000)
            if number % 10 == 0:
                await asyncio.sleep(0.001)

    async def asks(context: aura.ActionContext) -> str:
        return await context.ask("Go on?")

    return Names(holds=holds, chatty=chatty, asks=asks, gate=gate, reached=reached)


@pytest.fixture
async def scheduler(names: Names) -> Any:
    async with Scheduler(namespace=names, max_concurrency=60) as scheduler:
        scheduler.manager.person = lambda tasklet, step: True
        yield scheduler
        board_of(scheduler).close()


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    yield
    ipywidgets.Widget.close_all()


def wired(tasklet: Tasklet) -> tuple[Card, Wire]:
    card = card_of(tasklet)
    wire = Wire()
    card.comm = wire  # type: ignore[assignment]
    return card, wire


def press(card: Card, **message: Any) -> None:
    """What arrives when the page sends a message."""
    card._handle_custom_msg(message, [])  # noqa: SLF001 - where ipywidgets hands a message over


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


HOLD = (
    "meta: {title: Slow}\nsteps: [{name: wait, action: holds}, {name: then, action: core.log, params: {message: hi}}]"
)
CHATTY = "steps: [{name: work, action: chatty}]"


async def test_a_task_has_one_card_and_the_cards_share_a_layout(scheduler: Scheduler, names: Names) -> None:
    first, second = (scheduler.run_ad_hoc_task(HOLD, {}) for _ in range(2))
    assert card_of(first) is card_of(first)
    assert card_of(first).layout is card_of(second).layout
    names["gate"].set()
    await asyncio.gather(first.wait(), second.wait())


async def test_what_happens_is_sent_as_small_changes_and_the_end_as_a_whole(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD, {})
    card, wire = wired(tasklet)
    await names["reached"].wait()
    await until(lambda: wire.messages("change"))
    change = wire.messages("change")[0]
    assert [row["name"] for row in change["rows"]] == ["wait"]
    assert change["rev"] == 1
    assert len(json.dumps(change)) < 1000
    names["gate"].set()
    await tasklet.wait()
    await until(wire.wholes)
    assert wire.wholes()[-1]["status"] == "COMPLETED"
    assert card.get_state("picture")["picture"]["final"] is True


async def test_a_card_sends_ten_messages_a_second_at_most(scheduler: Scheduler) -> None:
    tasklet = scheduler.run_ad_hoc_task(CHATTY, {})
    _, wire = wired(tasklet)
    await tasklet.wait()
    await until(wire.wholes)
    times = [at for at, _ in wire.sent]
    assert len(times) > 3
    assert all(later - at >= 0.99 for at, later in zip(times, times[PER_CARD:], strict=False))
    assert wire.wholes()[-1]["final"] is True


async def test_all_cards_together_keep_to_their_budget_and_each_end_is_sent(scheduler: Scheduler) -> None:
    tasklets = [scheduler.run_ad_hoc_task(CHATTY, {}) for _ in range(30)]
    wires = [wired(tasklet)[1] for tasklet in tasklets]
    await asyncio.gather(*(tasklet.wait() for tasklet in tasklets))
    await until(lambda: all(wire.wholes() for wire in wires))
    times = sorted(at for wire in wires for at, _ in wire.sent)
    assert len(times) > IN_ALL
    assert all(later - at >= 0.99 for at, later in zip(times, times[IN_ALL:], strict=False))


async def test_a_limit_that_is_changed_holds_for_cards_that_wait_to_send(scheduler: Scheduler) -> None:
    tasklet = scheduler.run_ad_hoc_task(CHATTY, {})
    _, wire = wired(tasklet)
    board_of(scheduler).budget.limit(2)
    await tasklet.wait()
    await until(wire.wholes)
    times = [at for at, _ in wire.sent]
    assert len(times) >= 2
    assert all(later - at >= 0.49 for at, later in itertools.pairwise(times))


async def test_a_view_that_missed_something_gets_the_whole_picture(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD, {})
    card, wire = wired(tasklet)
    await names["reached"].wait()
    await until(lambda: wire.messages("change"))
    press(card, kind="hello", rev=1)
    press(card, kind="hello", rev=0)
    await until(lambda: wire.messages("state"))
    await asyncio.sleep(0)
    (answer,) = wire.messages("state")
    assert answer["state"]["rev"] == 1
    assert [row["icon"] for row in answer["state"]["rows"] if row.get("icon")] == ["running", "pending"]
    names["gate"].set()
    await tasklet.wait()


async def test_a_card_that_cannot_be_sent_holds_up_no_other(scheduler: Scheduler, names: Names) -> None:
    class Broken(Wire):
        def send(self, data: dict[str, Any], buffers: Any = None, metadata: Any = None) -> None:
            raise OSError("the page is gone")

    tasklets = [scheduler.run_ad_hoc_task(HOLD, {}) for _ in range(2)]
    broken, (_, wire) = card_of(tasklets[0]), wired(tasklets[1])
    broken.comm = Broken()  # type: ignore[assignment]
    await names["reached"].wait()
    names["gate"].set()  # both end in one turn of the loop
    await asyncio.gather(*(tasklet.wait() for tasklet in tasklets))
    await until(wire.wholes)


async def test_cancel_comes_from_any_thread_and_counts_once(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD + "\nfinally: [{name: close, action: holds}]", {})
    card, _ = wired(tasklet)
    await names["reached"].wait()
    names["reached"].clear()
    message = {"kind": "cancel", "press": "p1"}
    threads = [threading.Thread(target=press, args=(card,), kwargs=message) for _ in range(2)]
    for thread in threads:
        thread.start()
    await names["reached"].wait()  # the clean-up runs: a second cancel would have stopped it
    for thread in threads:
        thread.join()
    await asyncio.sleep(0.01)
    assert not tasklet.status.is_final
    names["gate"].set()
    await tasklet.wait()
    assert tasklet.status == "CANCELLED"
    assert tasklet.steps["close"].status == "COMPLETED"


def hold_until(condition: Any) -> None:
    """Hold the loop, as a cell does, until other threads have brought something about."""
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "nothing was said while the loop was held"
        time.sleep(0.01)


def phrases(wire: Wire) -> list[str]:
    heads = [message.get("head", {}).get("phrase") for message in wire.messages("change")]
    return ["".join(text for _, text in phrase) for phrase in heads if phrase]


PLAIN = "steps: [{name: work, action: works}]\nfinally: [{name: close, action: core.log, params: {message: bye}}]"


async def test_while_the_loop_is_held_a_card_says_so_and_threads_still_move(scheduler: Scheduler, names: Names) -> None:
    go_on, started = threading.Event(), threading.Event()

    def works(context: aura.ActionContext) -> None:
        started.set()
        done = 0
        while not go_on.wait(0.02):
            done += 1
            context.progress(done, 1_000_000)
            print("line", done)

    names["works"] = works
    tasklet = scheduler.run_ad_hoc_task(PLAIN, {})
    _, wire = wired(tasklet)
    assert await asyncio.to_thread(started.wait, 60)
    await until(lambda: wire.messages("change"))

    def progress() -> list[Any]:
        told = [row["detail"][0][1] for each in wire.messages("change") for row in each.get("rows", ())]
        return [text for text in told if "of 1,000,000" in text]

    before = len(progress())
    hold_until(lambda: any("the kernel is busy" in each for each in phrases(wire)) and len(progress()) > before + 3)
    assert phrases(wire)[-1] == "Running, 0 of 2 steps, the kernel is busy"
    await until(lambda: phrases(wire)[-1] == "Running, 0 of 2 steps")
    times = [at for at, data in wire.sent if at == 0.0 and data.get("content", {}).get("kind") == "change"]
    assert len(times) > 3, "while the loop was held another thread spoke"
    logs = [message["head"]["log"] for message in wire.messages("change") if "log" in message.get("head", {})]
    assert logs == sorted(logs)
    assert [message["rev"] for message in wire.messages("change")] == [*range(1, len(wire.messages("change")) + 1)]
    go_on.set()
    await tasklet.wait()
    await until(wire.wholes)
    await until(lambda: "aura-watchdog" not in [thread.name for thread in threading.enumerate()])


async def test_a_cancel_pressed_while_the_loop_is_held_is_told_and_reaches_the_thread_at_once(
    scheduler: Scheduler, names: Names
) -> None:
    stopped, started = threading.Event(), threading.Event()

    def works(context: aura.ActionContext) -> None:
        started.set()
        while not context.cancelled:
            time.sleep(0.01)
        stopped.set()

    names["works"] = works
    tasklet = scheduler.run_ad_hoc_task(PLAIN, {})
    card, wire = wired(tasklet)
    assert await asyncio.to_thread(started.wait, 60)
    threading.Thread(target=press, args=(card,), kwargs={"kind": "cancel", "press": "1"}).start()
    hold_until(lambda: stopped.is_set() and any(each.startswith("Cancelling…") for each in phrases(wire)))
    button = [message["head"]["button"] for message in wire.messages("change") if "button" in message.get("head", {})]
    assert button[-1] == {"kind": "cancel", "label": "Cancelling…", "off": True}
    await tasklet.wait()
    assert tasklet.status == "CANCELLED"
    await until(wire.wholes)


async def test_a_task_that_code_cancels_says_so_while_a_step_goes_on(scheduler: Scheduler, names: Names) -> None:
    async def stubborn() -> None:
        names["reached"].set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await names["gate"].wait()
            raise

    names["stubborn"] = stubborn
    tasklet = scheduler.run_ad_hoc_task("steps: [{name: work, action: stubborn}]", {})
    _, wire = wired(tasklet)
    await names["reached"].wait()
    await until(lambda: wire.messages("change"))
    tasklet.cancel()
    await until(lambda: "Cancelling… waiting for work to stop" in phrases(wire))
    names["gate"].set()
    await tasklet.wait()


async def test_a_board_that_retires_keeps_a_card_until_its_task_ends(scheduler: Scheduler, names: Names) -> None:
    board = board_of(scheduler)
    ended = await scheduler.run_ad_hoc_task(CHATTY, {}).wait()
    running = scheduler.run_ad_hoc_task(HOLD, {})
    (old, _), (live, wire) = wired(ended), wired(running)
    await names["reached"].wait()
    board.retire()
    assert (old.comm is None, live.comm is None) == (True, False)
    names["gate"].set()
    await running.wait()
    await until(lambda: live.comm is None)
    assert wire.wholes()[-1]["final"] is True
    assert board.open_card(running) is None


async def test_at_the_end_of_a_kernel_cards_say_their_last_without_waiting(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD, {})
    _, wire = wired(tasklet)
    await names["reached"].wait()
    tasklet.cancel()
    await tasklet.wait()
    board_of(scheduler).rest()
    assert wire.wholes()[-1]["status"] == "CANCELLED"


async def test_an_answer_reaches_the_step_that_asks(scheduler: Scheduler) -> None:
    tasklet = scheduler.run_ad_hoc_task("steps: [{name: ask, action: asks}]", {})
    card, wire = wired(tasklet)
    await until(lambda: tasklet.steps["ask"].question)
    await until(lambda: wire.messages("change"))
    row = next(row for change in wire.messages("change") for row in change["rows"] if row["icon"] == "asks")
    assert row["blocks"] == [{"ask": "Go on?", "choices": ["Approve", "Reject"]}]
    press(card, kind="answer", row=row["id"], choice="Nonsense", press="1")
    press(card, kind="answer", row=row["id"], choice="Reject", press="2")
    await tasklet.wait()
    assert tasklet.steps["ask"].output == "Reject"


async def test_opening_a_row_asks_for_what_is_under_it(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(CHATTY, {}).wait()
    card, wire = wired(tasklet)
    press(card, kind="open", row="0", key="k")
    press(card, kind="open", row="no such row", key="k")
    await until(lambda: len(wire.messages("opened")) == 2)
    first, second = wire.messages("opened")
    assert first["blocks"][0]["pairs"][0][:2] == ["action", ["c", "chatty"]]
    assert second["blocks"] == []


async def test_what_opens_under_rows_that_somebody_reads_is_stored_as_it_is_at_the_end(
    scheduler: Scheduler, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD, {})
    card, wire = wired(tasklet)
    await names["reached"].wait()
    press(card, kind="open", row="0", key="k")
    await until(lambda: len(wire.messages("opened")) == 1)
    assert all("blocks" not in row for row in final_bundle(tasklet)[MIME]["rows"])  # it goes on, and may change
    names["gate"].set()
    await tasklet.wait()
    drawn = asyncio.Event()
    when_quick(tasklet, drawn.set)
    await drawn.wait()
    wait, then = final_bundle(tasklet)[MIME]["rows"][:2]
    assert [block["label"] for block in wait["blocks"] if "text" in block] == ["Output"]
    assert "blocks" not in then
    monkeypatch.setattr(picture, "_OPENED_BYTES", 10)  # a large one is not
    assert "blocks" not in final_bundle(tasklet)[MIME]["rows"][0]


async def test_the_second_part_comes_when_it_is_asked_for(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(CHATTY, {}).wait()
    card, wire = wired(tasklet)
    assert asset("card_more.js") not in card.get_state().values()
    press(card, kind="more")
    await until(lambda: wire.messages("more"))
    assert wire.messages("more") == [{"kind": "more", "js": asset("card_more.js"), "css": asset("card_more.css")}]


async def test_names_and_marks_are_told_from_the_first_question_on(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HOLD, {})
    card, wire = wired(tasklet)
    await names["reached"].wait()
    press(card, kind="steps")
    press(card, kind="rows", steps=[1, 0, 99, "x"])
    await until(lambda: wire.messages("rows"))
    assert wire.messages("steps") == [{"kind": "steps", "names": ["wait", "then"], "marks": "rp"}]
    assert [row["name"] for row in wire.messages("rows")[0]["rows"]] == ["then", "wait"]
    names["gate"].set()
    await tasklet.wait()
    await until(wire.wholes)


async def test_the_log_is_sent_from_the_line_that_the_page_knows(scheduler: Scheduler) -> None:
    spec = "steps: [{name: a, action: core.log, params: {message: one}}, {action: core.log, params: {message: two}}]"
    tasklet = await scheduler.run_ad_hoc_task(spec, {}).wait()
    card, wire = wired(tasklet)
    press(card, kind="log", after=1)
    press(card, kind="log")
    await until(lambda: len(wire.messages("log")) == 2)
    later, whole = wire.messages("log")
    assert [(line[1], line[3]) for line in later["lines"]] == [("log", "two")]
    assert (later["after"], later["last"], len(whole["lines"]), whole["more"]) == (1, 2, 2, False)


async def test_the_graph_comes_when_it_is_asked_for(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(HOLD.replace("holds", "chatty"), {}).wait()
    card, wire = wired(tasklet)
    press(card, kind="graph")
    await until(lambda: wire.messages("graph"))
    (answer,) = wire.messages("graph")
    assert [node["name"] for node in answer["graph"]["nodes"]] == ["wait", "then"]
    assert answer["graph"]["marks"] == "cc"


async def test_a_card_says_that_the_next_attempt_has_begun(scheduler: Scheduler, names: Names) -> None:
    async def second(context: aura.ActionContext) -> None:
        if context.attempt == 1:
            raise ConnectionError("busy")
        await names["gate"].wait()

    names["second"] = second
    spec = "steps: [{name: a, action: second, retry: {attempts: 2, delay: 150ms}}]"
    tasklet = scheduler.run_ad_hoc_task(spec, {})
    _, wire = wired(tasklet)
    await until(
        lambda: [row["icon"] for each in wire.messages("change") for row in each.get("rows", [])][-1:] == ["retry"]
    )
    await until(lambda: wire.messages("change")[-1].get("rows", [{}])[0].get("icon") == "running")
    assert "".join(text for _, text in wire.messages("change")[-1]["rows"][0]["detail"]) == "second, attempt 2 of 2"
    names["gate"].set()
    await tasklet.wait()


async def test_the_spec_is_given_under_the_name_of_the_task(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(CHATTY, {}, name="delays").wait()
    card, wire = wired(tasklet)
    press(card, kind="spec", press="1")
    await until(lambda: wire.messages("spec"))
    assert wire.messages("spec") == [{"kind": "spec", "name": "delays.yaml", "text": CHATTY}]


async def test_run_again_shows_the_new_task_in_the_place_of_the_old(scheduler: Scheduler) -> None:
    board = board_of(scheduler)
    spec = "steps: [{name: a, action: core.log, params: {message: hi}}]"
    board.again = lambda card: card.show(scheduler.run_ad_hoc_task(spec, {}))
    old = await scheduler.run_ad_hoc_task(spec, {}).wait()
    card, wire = wired(old)
    assert card.whole()["button"] == {"kind": "rerun", "label": "Run again"}
    press(card, kind="rerun", press="1")
    press(card, kind="rerun", press="1")
    await until(lambda: card.tasklet is not old)
    await card.tasklet.wait()
    await until(lambda: wire.wholes()[-1]["final"])
    assert {picture["task_id"] for picture in wire.wholes()} == {card.tasklet.task_id}
    assert board.card(card.tasklet) is card


async def test_of_finished_cards_the_last_twenty_stay_open(scheduler: Scheduler) -> None:
    cards = []
    for _ in range(KEPT + 3):
        tasklet = scheduler.run_ad_hoc_task("steps: [{name: a, action: core.log, params: {message: hi}}]", {})
        cards.append(card_of(tasklet))
        await tasklet.wait()
        await until(lambda: cards[-1].whole()["final"])
    assert [card.comm is not None for card in cards] == [False] * 3 + [True] * KEPT
    assert cards[-1].layout.comm is not None


async def test_a_card_that_a_person_took_stays_open(scheduler: Scheduler) -> None:
    async def ended() -> Tasklet:
        task = "steps: [{name: a, action: core.log, params: {message: hi}}]"
        return await scheduler.run_ad_hoc_task(task, {}).wait()

    earlier = await ended()
    card_of(earlier)
    held = [aura.card(earlier), aura.card(await ended())]
    others = [card_of(await ended()) for _ in range(KEPT + 1)]
    assert [card.comm is not None for card in (*held, *others)] == [True, True, False] + [True] * KEPT


async def test_a_queued_card_moves_up(names: Names) -> None:
    async with Scheduler(namespace=names, max_concurrency=1) as scheduler:
        first, second, third = (scheduler.run_ad_hoc_task(HOLD, {}) for _ in range(3))
        await names["reached"].wait()
        card, wire = wired(third)
        assert card.whole()["phrase"][1] == ["", ", 2nd in the queue"]
        second.cancel()
        await until(lambda: wire.messages("change"))
        assert wire.messages("change")[-1]["head"]["phrase"][1] == ["", ", 1st in the queue"]
        names["gate"].set()
        await asyncio.gather(first.wait(), third.wait())
        board_of(scheduler).close()


async def test_the_bundle_holds_the_widget_the_picture_html_and_the_sentence(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(CHATTY, {}).wait()
    data, _ = card_of(tasklet)._repr_mimebundle_()
    assert set(data) == {VIEW, MIME, "text/html", "text/plain"}
    assert data[MIME]["version"] == 1
    assert data["text/plain"] == repr(card_of(tasklet)) == 'Aura task "task" with 1 step. Its card shows how it goes.'
    final = final_bundle(tasklet, awaited=True)
    assert set(final) == {MIME, "text/html", "text/plain"}
    assert final["text/plain"] == "task: completed, 1 step\n  completed  work"
    assert final_bundle(tasklet)["text/plain"] == data["text/plain"]


@pytest.mark.parametrize("steps", [1, 1000])
async def test_the_line_that_failed_is_found_before_the_end_is_drawn(
    scheduler: Scheduler, names: Names, steps: int
) -> None:
    def fails() -> None:
        raise KeyError("x")

    names["fails"] = fails
    text = "steps:\n" + "  - {action: core.log, params: {message: hi}}\n" * (steps - 1) + "  - {action: fails}"
    tasklet = await scheduler.run_ad_hoc_task(text, {}).wait()
    drawn = asyncio.Event()
    when_quick(tasklet, drawn.set)
    assert drawn.is_set() is (steps == 1)
    await drawn.wait()
    assert f"Spec, line {steps + 1}" in final_bundle(tasklet)["text/html"]


async def test_a_card_of_a_task_that_ended_has_a_snapshot(scheduler: Scheduler) -> None:
    tasklet = await scheduler.run_ad_hoc_task(CHATTY, {}).wait()
    assert "Completed, 1 step" in aura.card(tasklet).to_html()


def test_the_module_and_its_style_are_ours_whole() -> None:
    assert "innerHTML" not in asset("card.js")
    assert ".aura.a-ui" in asset("card.css")
