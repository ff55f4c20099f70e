"""The picture of a task, its words and numbers, and its text forms."""

from __future__ import annotations

import asyncio
import io
import json
import re
from typing import Any

import pandas as pd
import pytest

import aura_jupyter as aura
from aura_jupyter.engine.logs import LogRecord
from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import Tasklet
from aura_jupyter.view import lines, trace, values, words
from aura_jupyter.view.opened import opened
from aura_jupyter.view.picture import LivePicture, state, stored
from aura_jupyter.view.text import TerminalLines, sentence, text_final, text_now


class Names(dict[str, Any]):
    """The variables of a notebook."""

    def find(self, name: str) -> Any:
        return self.get(name)

    def names(self) -> list[str]:
        return list(self)


class Hold:
    """An action that waits until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, context: aura.ActionContext) -> str:
        context.progress(42, 100)
        self.reached.set()
        await self.open.wait()
        return "held"


@pytest.fixture
def names() -> Names:
    def fails() -> None:
        raise KeyError("tailnumber")

    async def no_answer() -> None:
        raise ConnectionError("no answer from <weather.example>")

    async def odd(number: int) -> int:
        if number % 4 == 3:
            raise ValueError("odd")
        return number

    hold = Hold()

    async def holds(context: aura.ActionContext) -> str:
        return await hold(context)

    return Names(
        fails=fails, no_answer=no_answer, odd=odd, holds=holds, hold=hold, frame=lambda: pd.DataFrame({"a": [1]})
    )


@pytest.fixture
async def scheduler(names: Names) -> Any:
    async with Scheduler(namespace=names) as scheduler:
        yield scheduler


async def ended(scheduler: Scheduler, spec: str, **inputs: Any) -> Tasklet:
    return await scheduler.run_ad_hoc_task(spec, inputs).wait()


def rows(picture: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row.get("name", row.get("sec")): row for row in picture["rows"]}


def merged(picture: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    """What the page makes of a message of changes."""
    by_id = {row["id"]: row for row in [*picture["rows"], *message.get("rows", [])]}
    shown = [by_id[key] for key in message.get("order", by_id)]
    return {**picture, **message.get("head", {}), "rev": message["rev"], "now": message["now"], "rows": shown}


def said(row: dict[str, Any]) -> str:
    return "".join(text for _, text in row["detail"])


def phrase(picture: dict[str, Any]) -> str:
    return "".join(text for _, text in picture["phrase"])


FAILING = """
meta: {title: Flights of New York 2013}
steps:
  - {name: fetch, action: frame}
  - name: join
    action: fails
  - {name: report, action: core.log, params: {message: done}}
"""
HANDLED = """
meta: {title: Nightly report}
steps:
  - name: load
    action: core.run_task
    params: {task: {steps: [{name: fetch, action: frame}]}}
  - name: weather
    action: no_answer
    on_error:
      - {name: use_cache, action: frame}
finally:
  - {name: close, action: core.log, params: {message: closed}}
returns: "{{ steps.load.output }}"
"""
HELD = """
meta: {title: Slow}
steps:
  - {name: clean, action: holds}
  - {name: report, action: core.log, params: {message: done}}
finally:
  - {name: close, action: core.log, params: {message: closed}}
"""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "<0.1 s"), (0.3, "0.3 s"), (12.44, "12.4 s"), (59.94, "59.9 s"), (59.96, "1 m 00 s"), (185, "3 m 05 s"),
        (3720, "1 h 02 m"), (187_200, "2 d 04 h"),
    ],
)  # fmt: skip
def test_a_duration_is_worded_by_its_size(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


def test_a_percentage_is_100_only_when_all_is_done() -> None:
    assert [words.percent(done, 1000) for done in (0, 999, 1000)] == ["0 %", "99 %", "100 %"]


def test_places_have_their_english_endings() -> None:
    assert [words.place(number) for number in (1, 2, 3, 4, 11, 12, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th",
    ]  # fmt: skip


class Lazy:
    """Knows its size only by computing it."""

    def __len__(self) -> int:
        raise AssertionError("computed")

    def __repr__(self) -> str:
        raise AssertionError("computed")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "DataFrame 2 × 2"), (pd.Series([1, 2]), "Series 2"),
        ([1, 2, 3, 4], "list of 4"), ({"a": 1}, "dict of 1"), ("text", "'text'"), (3.5, "3.5"), (None, "None"),
        ("x" * 100, "'" + "x" * 60 + "…"), (pd.Series([1.0]).to_numpy(), "array float64 (1,)"), (Lazy(), "Lazy"),
    ],
)  # fmt: skip
def test_a_value_is_previewed_without_running_its_code(value: Any, shown: str) -> None:
    assert values.preview(value) == shown


async def test_a_failed_task_names_the_step_its_error_and_the_line_of_the_spec(scheduler: Scheduler) -> None:
    tasklet = await ended(scheduler, FAILING)
    picture = state(tasklet)
    assert phrase(picture) == "Failed in join, 1 of 3 steps"
    join = rows(picture)["join"]
    assert (join["icon"], said(join), join["open"]) == ("failed", "KeyError: 'tailnumber'", True)
    assert "blocks" not in join  # it travels when the row opens, and with what is stored
    error, spec = rows(stored(tasklet))["join"]["blocks"]
    assert opened(tasklet, join["id"]) == [error, spec]
    assert trace.plain(error["code"])[0] == "KeyError: 'tailnumber'"
    assert any(
        line.startswith("---> ") and 'raise KeyError("tailnumber")' in line for line in trace.plain(error["code"])
    )
    assert spec["label"] == "Spec, line 6"
    assert trace.plain(spec["code"])[1:3] == ["  6 │     action: fails", "    │             ^^^^^"]
    assert said(rows(picture)["report"]) == "Skipped, a step before it failed"
    assert picture["bar"] == [["off", 33.3], ["bad", 33.3]]


async def test_frames_of_packages_are_counted_and_not_shown(scheduler: Scheduler, names: Names) -> None:
    names["joins"] = lambda: pd.DataFrame({"a": [1]}).merge(pd.DataFrame({"b": [1]}), on="a")
    tasklet = await ended(scheduler, "steps: [{name: join, action: joins}]")
    lines = trace.plain(opened(tasklet, "0")[0]["code"])
    assert re.fullmatch(r"\d+ frames of pandas not shown", lines[-1])
    assert not any("site-packages" in line or "aura_jupyter" in line for line in lines)


async def test_handled_failures_on_error_finally_and_sub_tasks_have_their_places(scheduler: Scheduler) -> None:
    picture = state(await ended(scheduler, HANDLED))
    assert phrase(picture) == "Completed, 4 steps, 1 failure handled"
    shown = [(row.get("sec") or row["name"], row.get("depth", 0), row.get("icon", "")) for row in picture["rows"]]
    assert shown == [
        ("load", 0, "completed"),
        ("fetch", 1, "completed"),
        ("weather", 0, "handled"),
        ("On error of weather", 1, ""),
        ("use_cache", 1, "completed"),
        ("Finally", 0, ""),
        ("close", 0, "completed"),
        ("Result", 0, ""),
    ]


async def test_a_running_task_counts_its_steps_and_shows_progress(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HELD, {})
    await names["hold"].reached.wait()
    picture = state(tasklet)
    assert phrase(picture) == "Running, 0 of 3 steps"
    assert picture["button"] == {"kind": "cancel", "label": "Cancel", "busy": "Cancelling…"}
    clean = rows(picture)["clean"]
    assert (clean["bar"]["percent"], said(clean)) == ("42 %", "42 of 100")
    assert "time" not in clean
    tasklet.cancel()
    assert phrase(state(tasklet)) == "Cancelling… waiting for clean to stop"
    await tasklet.wait()
    picture = state(tasklet)
    assert said(rows(picture)["clean"]) == "Cancelled at 42 %"
    assert said(rows(picture)["report"]) == "Skipped, the task was cancelled"
    assert rows(picture)["close"]["icon"] == "completed"


async def test_a_loop_is_one_row_with_its_turns_and_failures(scheduler: Scheduler) -> None:
    spec = "steps: [{name: boot, action: odd, params: {number: '{{ item }}'}, loop: {times: 8, on_error: continue}}]"
    tasklet = await ended(scheduler, spec)
    assert said(rows(state(tasklet))["boot"]) == "8 turns, 2 failed"
    blocks = opened(tasklet, rows(state(tasklet))["boot"]["id"])
    assert any(block.get("label") == "2 failed turns" and "3: ValueError: odd" in block["text"] for block in blocks)


async def test_inputs_say_where_they_came_from_and_a_secret_is_not_shown(scheduler: Scheduler) -> None:
    spec = """
    inputs: [{name: rate, default: 0.5}, {name: token, type: secret}, frame]
    steps: [{name: a, action: core.log, params: {message: "{{ inputs.token }}"}}]
    """
    tasklet = await ended(scheduler, spec, token="hunter2-hunter2", frame=pd.DataFrame({"a": [1]}))
    picture = stored(tasklet)
    pairs = rows(picture)["Inputs"]["blocks"][0]["pairs"]
    assert ["rate", ["c", "0.5"], "default"] in pairs
    assert ["token", ["", "secret, not shown"], "given"] in pairs
    logged = lines.after(tasklet.logs, 0, tasklet.secrets.mask)
    assert "hunter2" not in json.dumps([picture, opened(tasklet, "0"), logged])


async def test_long_runs_of_one_status_fold_and_failures_do_not(scheduler: Scheduler) -> None:
    steps = "\n".join(
        f"  - {{name: s{number:03}, action: odd, params: {{number: {3 if number == 50 else 0}}}, on_error: continue}}"
        for number in range(100)
    )
    tasklet = await ended(scheduler, f"steps:\n{steps}")
    picture = state(tasklet)
    assert [row["name"] for row in picture["rows"] if row["id"] != "result"] == ["50 steps", "s050", "49 steps"]
    fold = picture["rows"][0]
    assert said(fold) == "s000 to s049"
    assert [pair[0] for pair in opened(tasklet, fold["id"])[0]["pairs"]][:2] == ["s000", "s001"]


async def test_the_stored_picture_is_bounded_and_says_what_is_missing(scheduler: Scheduler) -> None:
    steps = "\n".join(
        f"  - {{name: {'x' * 150}_{number}, action: {'no_answer' if number % 2 else 'frame'}, on_error: continue}}"
        for number in range(600)
    )
    tasklet = await ended(scheduler, f"steps:\n{steps}\n  - {{name: last, action: core.log, params: {{message: hi}}}}")
    for number in range(200):
        tasklet.logs.append(LogRecord(None, "info", "y" * 400 + str(number), 0.0))
    picture = stored(tasklet)
    assert len(json.dumps(picture, ensure_ascii=False).encode()) <= 100_000
    assert len(picture["rows"]) <= 204
    assert picture["rows"][-1]["sec"].startswith("Not stored: 151 log lines")


async def test_changes_hold_only_what_changed_and_lead_to_the_same_picture(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HELD, {})
    live = LivePicture(tasklet)
    page = live.whole()
    touched: set[Any] = set()
    scheduler.hooks.add(lambda event: touched.add(getattr(event, "step", None)))
    await names["hold"].reached.wait()
    message = live.changes(touched - {None})
    assert message is not None
    assert [row["name"] for row in message["rows"]] == ["clean"]
    assert "title" not in message["head"]
    page = merged(page, message)
    assert live.changes([]) is None
    touched.clear()
    names["hold"].open.set()
    await tasklet.wait()
    message = live.changes(touched - {None})
    assert message is not None
    page = merged(page, message)
    now = {"now": 0, "rev": 0}
    assert {**page, **now} == {**state(tasklet), **now}


async def test_the_sentence_never_changes(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HELD, {}, name="delays")
    before = sentence(tasklet)
    await names["hold"].reached.wait()
    names["hold"].open.set()
    await tasklet.wait()
    assert sentence(tasklet) == before
    assert before == 'Aura task "Slow" with 2 steps. Its card shows how it goes; `await delays` gives its result.'


async def test_the_final_text_of_a_failed_task(scheduler: Scheduler) -> None:
    assert text_final(await ended(scheduler, FAILING)) == (
        "Flights of New York 2013: failed in join\n"
        "  completed  fetch\n"
        "  failed     join    KeyError: 'tailnumber' (line 6)\n"
        "  skipped    report  a step before it failed"
    )


async def test_the_final_text_of_a_task_with_everything(scheduler: Scheduler) -> None:
    assert text_final(await ended(scheduler, HANDLED)) == (
        "Nightly report: completed, 4 steps, 1 failure handled\n"
        "  completed  load\n"
        "    completed  fetch\n"
        "  failed     weather    ConnectionError: no answer from <weather.example>\n"
        "    completed  use_cache  on error of weather\n"
        "  finally\n"
        "  completed  close\n"
        "Result: DataFrame 1 × 1"
    )


async def test_an_address_in_a_message_is_the_same_in_two_runs(scheduler: Scheduler, names: Names) -> None:
    def unlucky() -> None:
        raise ValueError(f"cannot take {object()}")

    names["unlucky"] = unlucky
    text = text_final(await ended(scheduler, "steps: [{name: a, action: unlucky}]"))
    assert "<object object at 0x…>" in text


async def test_print_says_how_it_stands_now(scheduler: Scheduler, names: Names) -> None:
    tasklet = scheduler.run_ad_hoc_task(HELD, {})
    await names["hold"].reached.wait()
    lines = text_now(tasklet).splitlines()
    assert lines[0] == "Slow: running, 0 of 3 steps, 0 s"
    assert re.fullmatch(r"  running    clean   42 %, 42 of 100 +0 s", lines[1])
    assert lines[2:] == ["  pending    report", "  finally", "  pending    close"]
    tasklet.cancel()
    await tasklet.wait()


async def test_a_terminal_gets_a_line_for_each_change(scheduler: Scheduler) -> None:
    stream = io.StringIO()
    scheduler.hooks.add(TerminalLines(stream, environ={}))
    await ended(scheduler, FAILING)
    lines = [re.sub(r"\d\.\d s|<0\.1 s", "T", line) for line in stream.getvalue().splitlines()]
    assert lines == [
        "    T  ◐ Flights of New York 2013: 3 steps",
        "    T  ✓ fetch      T  DataFrame 1 × 1",
        "    T  ✗ join       T  KeyError: 'tailnumber'",
        "    T  – report             skipped, a step before it failed",
        "    T  ✗ Flights of New York 2013: failed in join",
    ]


class Terminal(io.TextIOWrapper):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
async def test_colours_are_for_terminals_only(scheduler: Scheduler, environ: dict[str, str], coloured: bool) -> None:
    with Terminal(io.BytesIO(), encoding="utf-8", write_through=True) as stream:
        listener = TerminalLines(stream, environ=environ)
        scheduler.hooks.add(listener)
        await ended(scheduler, FAILING)
        scheduler.hooks.remove(listener)
        assert ("\x1b[" in stream.buffer.getvalue().decode()) is coloured


async def test_a_stream_without_the_glyphs_gets_ascii(scheduler: Scheduler) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True) as stream:
        scheduler.hooks.add(TerminalLines(stream, environ={}))
        await ended(scheduler, FAILING)
        text = stream.buffer.getvalue().decode("ascii")
    assert "+ fetch" in text
    assert "x join" in text
    assert "DataFrame 1 x 1" in text


async def test_what_a_spec_says_cannot_steer_the_terminal(scheduler: Scheduler) -> None:
    with Terminal(io.BytesIO(), encoding="utf-8", write_through=True) as stream:
        listener = TerminalLines(stream, environ={})
        scheduler.hooks.add(listener)
        await ended(
            scheduler,
            'meta: {title: "a\\e[31mb"}\nsteps: [{name: "c\\e]0;d", action: core.log, params: {message: hi}}]',
        )
        scheduler.hooks.remove(listener)
        text = stream.buffer.getvalue().decode()
    assert "\x1b[31mb" not in text
    assert "\x1b]" not in text
