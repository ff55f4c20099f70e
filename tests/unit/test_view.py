"""The picture of a task, its words and numbers, and its text forms."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
from typing import Any

import pandas as pd
import pytest

import aura_jupyter as aura
from aura_jupyter.engine.logs import Log, LogRecord
from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import StepStatus, Tasklet
from aura_jupyter.view import lines, reports, trace, values, words
from aura_jupyter.view.json_value import NoJson, json_value
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


def test_a_value_that_cannot_say_what_it_is_is_shown_by_its_class() -> None:
    class Closed:
        @property
        def shape(self) -> tuple[int]:
            raise ValueError("the file is closed")

    class Unsaid(int):
        def __repr__(self) -> str:
            raise ValueError("not now")

    class Uncounted(list[int]):
        def __len__(self) -> int:
            raise ValueError("not now")

    assert values.preview(Closed()) == "Closed"
    assert values.preview(Unsaid()) == "Unsaid"
    assert values.preview(Uncounted()) == "Uncounted"
    assert values.full([Unsaid()], str) == "list of 1"


async def test_a_number_that_python_does_not_write_out_is_shown_by_its_size(scheduler: Scheduler) -> None:
    spec = "steps: [{name: big, action: python.run, params: {code: '10 ** 5000'}}]"
    tasklet = scheduler.run_ad_hoc_task(spec)
    await tasklet
    assert "int of about 5,001 digits" in json.dumps(stored(tasklet), ensure_ascii=False)
    assert "int of about 5,001 digits" in text_final(tasklet)
    result = reports.detail(tasklet).result
    assert result is not None
    assert (result.is_json, result.preview) == (False, "int of about 5,001 digits")
    with pytest.raises(NoJson, match="it is a number of about 5,001 digits"):
        json_value(tasklet.result)


async def test_a_name_that_is_no_utf_8_is_stored_with_a_question_mark(scheduler: Scheduler, names: Names) -> None:
    def fails(name: str) -> None:
        print(f"looking at {name}")
        raise FileNotFoundError(f"there is no {name}")

    names["fails"] = fails
    name = os.fsdecode(b"caf\xe9.csv")  # as a folder's listing gives it
    spec = "inputs: [name]\nsteps: [{action: fails, params: {name: '{{ inputs.name }}'}}]"
    tasklet = await ended(scheduler, f"meta: {{title: 'Of {{{{ inputs.name }}}}'}}\n{spec}", name=name)
    text = json.dumps(stored(tasklet), ensure_ascii=False).encode().decode()
    assert text.count("caf?.csv") >= 3  # title, error, log
    assert "looking at caf?.csv" in str(tasklet.logs)
    assert "there is no caf?.csv" in text_now(tasklet)


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


async def test_the_lines_of_the_spec_end_with_its_last(scheduler: Scheduler, names: Names) -> None:
    names["fails"] = lambda: {}["tailnumber"]
    tasklet = await ended(scheduler, "steps:\n  - name: join\n    action: fails\n")
    (spec,) = [block for block in rows(stored(tasklet))["join"]["blocks"] if block["label"].startswith("Spec")]
    assert trace.plain(spec["code"]) == [
        "  2 │   - name: join", "  3 │     action: fails", "    │             ^^^^^",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("params:\n      message: '{{ ctx.gone }}'", "  5 │       message: '{{ ctx.gone }}'"),
        ("params: {message: hi}\n    when: ctx.gone", "  5 │     when: ctx.gone"),
        (
            "params: {message: hi}\n    loop: {for_each: '{{ ctx.gone }}'}",
            "  5 │     loop: {for_each: '{{ ctx.gone }}'}",
        ),
    ],
)
async def test_what_a_template_failed_is_shown_where_the_template_stands(
    scheduler: Scheduler, where: str, line: str
) -> None:
    tasklet = await ended(scheduler, f"steps:\n  - name: say\n    action: core.log\n    {where}\n")
    (spec,) = [block for block in rows(stored(tasklet))["say"]["blocks"] if block["label"].startswith("Spec")]
    assert spec["label"] == "Spec, line 5"
    assert line in trace.plain(spec["code"])
    assert "ctx.gone" in "".join(text for spans in spec["code"] for style, text in spans if style == "mark")


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
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
async def test_colours_are_for_terminals_only(scheduler: Scheduler, environ: dict[str, str], coloured: bool) -> None:
    with Terminal(io.BytesIO(), encoding="utf-8", write_through=True) as stream:
        listener = TerminalLines(stream, environ=environ)
        scheduler.hooks.add(listener)
        await ended(scheduler, FAILING)
        scheduler.hooks.remove(listener)
        assert ("\x1b[" in stream.buffer.getvalue().decode()) is coloured


async def test_a_pipe_gets_colours_where_they_are_forced(scheduler: Scheduler) -> None:
    stream = io.StringIO()
    scheduler.hooks.add(TerminalLines(stream, environ={"FORCE_COLOR": "1"}))
    await ended(scheduler, FAILING)
    assert "\x1b[31m✗" in stream.getvalue()


async def test_a_terminal_gets_the_log_where_it_is_asked_for(scheduler: Scheduler) -> None:
    stream = io.StringIO()
    scheduler.hooks.add(TerminalLines(stream, environ={}, log=True))
    await ended(scheduler, "steps: [{name: say, action: core.log, params: {message: hello, level: warning}}]")
    assert [line[11:] for line in stream.getvalue().splitlines()][1] == "  say                warning: hello"


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


async def test_the_colours_of_a_message_are_not_shown_as_codes(scheduler: Scheduler, names: Names) -> None:
    def coloured() -> None:
        raise ValueError("\x1b[0;31mNameError\x1b[0m: name 'rate' is not defined")

    names["coloured"] = coloured
    tasklet = await ended(scheduler, "steps: [{name: join, action: coloured, retry: 2}]")
    assert tasklet.status == "FAILED"
    (row,) = (row for row in stored(tasklet)["rows"] if row["name"] == "join")
    said = "ValueError: NameError: name 'rate' is not defined"
    assert row["detail"][0][1] == said
    assert trace.plain(row["blocks"][0]["code"])[0] == said


class Drawing:
    """Says itself how it looks."""

    def _repr_png_(self) -> bytes:
        return b"\x89PNG drawn"


def labels(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {block.get("label", ""): block for block in blocks}


async def test_what_a_cut_leaves_of_a_long_secret_is_not_shown_either(scheduler: Scheduler, names: Names) -> None:
    names["echo"] = lambda value: value
    spec = """
    inputs: [{name: key, type: secret}]
    steps:
      - {name: send, action: echo, params: {value: "Bearer {{ inputs.key }}"}}
      - {name: deep, action: echo, params: {value: [[[[[[["Bearer {{ inputs.key }}"]]]]]]]}}
      - {name: two, action: echo, params: {value: {first: "{{ inputs.key }}", second: "key={{ inputs.key }}"}}}
    returns: "Bearer {{ inputs.key }}"
    """
    key = "eyJ" + "0123456789abcdef" * 20  # longer than what is shown of a value
    tasklet = await ended(scheduler, spec, key=key)
    told = [text_now(tasklet), text_final(tasklet), repr(state(tasklet)), reports.detail(tasklet).model_dump_json()]
    opens = [json.dumps(opened(tasklet, row)) for row in ("0", "1", "2", "result")]
    assert [text for text in [*told, *opens] if key[:8] in text] == []
    assert "Bearer ***…" in told[0]


async def test_an_opened_row_shows_what_the_action_was_given_with_secrets_hidden(
    scheduler: Scheduler, names: Names
) -> None:
    names["takes"] = lambda frame, by, token: by
    spec = """
    inputs: [{name: token, type: secret}]
    steps:
      - {name: frame, action: frame}
      - name: takes
        action: takes
        params: {frame: "{{ steps.frame.output }}", by: [UA, AA], token: "key {{ inputs.token }}"}
    """
    tasklet = await ended(scheduler, spec, token="hunter2-hunter2")
    shown = labels(opened(tasklet, "1"))["Parameters"]["pairs"]
    assert shown == [
        ["frame", ["c", "DataFrame 1 × 1"], ""],
        ["by", ["c", "['UA', 'AA']"], ""],
        ["token", ["c", "'key ***'"], ""],
    ]


async def test_an_output_is_shown_as_a_table_a_picture_or_text(scheduler: Scheduler, names: Names) -> None:
    names.update(draws=Drawing, long=lambda: [{"n": number} for number in range(100_000)], odd_one=BadRepr)
    spec = "steps: [{action: frame}, {action: draws}, {action: long}, {action: odd_one}]"
    tasklet = await ended(scheduler, spec)
    table, drawing, text, odd = (opened(tasklet, str(row))[-1] for row in range(4))
    assert (table["label"], table["table"]["columns"]) == ("Output, DataFrame 1 × 1", ["index", "a"])
    assert drawing["png"] == base64.b64encode(b"\x89PNG drawn").decode()
    assert text["text"].startswith("[{'n': 0}, {'n': 1}")
    assert len(text["text"]) < 5_000
    assert odd["text"] == "its repr failed: ValueError: no"


class BadRepr:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize("value", [[], [1], (1,), (), {"a": [1, (2,)]}, {1, 2}, set(), [["x"] * 3] * 3, "text", 1.5])
def test_a_bounded_repr_of_something_small_is_its_repr(value: Any) -> None:
    assert values.bounded_repr(value) == repr(value)


def test_a_bounded_repr_says_how_much_there_is_more() -> None:
    text = values.bounded_repr(dict.fromkeys(range(10_000), "x" * 50))
    assert re.search(r"… 9,\d\d\d more\}$", text)


async def test_a_row_that_is_opened_has_its_own_lines_of_the_log(scheduler: Scheduler, names: Names) -> None:
    async def talks(context: aura.ActionContext) -> None:
        for number in range(70):
            context.log(f"line {number}", "warning" if number == 69 else "info")

    names["talks"] = talks
    tasklet = await ended(scheduler, "steps: [{name: quiet, action: frame}, {name: loud, action: talks}]")
    block = opened(tasklet, "1")[-1]
    assert block["label"] == "Log, last 50 of 70 lines"
    assert block["all"] == "loud"
    assert block["log"][-1][1:] == ["", "warning", "line 69"]
    assert "log" not in opened(tasklet, "0")[-1]


async def test_the_log_is_given_in_pieces_after_the_line_that_is_known(scheduler: Scheduler) -> None:
    log = Log(lines=2000)
    for number in range(1, 5001):
        log.append(LogRecord("a", "info", str(number), 0.0))
    found: list[list[Any]] = []
    last, more = 0, True
    while more:
        last, new, more = lines.after(log, last, str)
        assert len(new) <= lines.AT_ONCE
        found += new
    assert last == 5000
    assert [line[3] for line in found][:200] == [str(number) for number in range(1, 201)]
    assert found[200][3] == "… 3,000 lines left out …"
    assert found[201][3] == "3201"
    log.append(LogRecord("a", "error", "new", 0.0))
    assert lines.after(log, 5000, str) == (5001, [[0, "a", "error", "new"]], False)


BESIDE = """
steps:
  - {name: start, action: frame, depends_on: []}
  - {name: a, action: frame, depends_on: [start]}
  - {name: b, action: frame, depends_on: [start]}
  - {name: c, action: frame, depends_on: [a, b]}
  - {name: d, action: frame, depends_on: [a, b]}
  - {name: end, action: frame}
"""


async def test_groups_of_side_by_side_steps_have_brackets_of_their_own(scheduler: Scheduler) -> None:
    picture = state(await ended(scheduler, BESIDE))
    places = {row["name"]: row.get("par") for row in picture["rows"]}
    assert (places["a"], places["b"], places["c"], places["d"]) == ("first", "last", "first", "last")
    assert (places["start"], places["end"]) == (None, None)


async def test_a_step_that_runs_beside_all_keeps_them_in_one_bracket(scheduler: Scheduler) -> None:
    spec = "steps: [{name: a, action: frame}, {name: b, action: frame}, {name: c, action: frame, depends_on: []}]"
    picture = state(await ended(scheduler, spec))
    assert [row.get("par") for row in picture["rows"] if "icon" in row] == ["first", "mid", "last"]


async def test_what_is_kept_up_to_date_is_what_a_new_look_finds(scheduler: Scheduler, names: Names) -> None:
    """Whatever happens to the steps, in whatever order the page hears of it."""

    async def maybe(number: int) -> int:
        await asyncio.sleep(0)
        if number % 7 == 3:
            raise ValueError("odd")
        return number

    names["maybe"] = maybe
    spec = "steps:\n" + "".join(
        f"  - {{name: s{at}, action: maybe, params: {{number: {at}}}, on_error: [{{name: h{at}, action: frame}}]"
        + (", depends_on: []" if at % 5 else "")
        + (", when: 'false'" if at % 11 == 0 else "")
        + "}\n"
        for at in range(120)
    )
    tasklet = scheduler.run_ad_hoc_task(f"{spec}finally: [{{name: close, action: frame}}]", {})
    live = LivePicture(tasklet)
    live.steps()
    page, marks = live.whole(), list(live.steps()["marks"])
    touched: set[Any] = set()
    scheduler.hooks.add(lambda event: touched.add(getattr(event, "step", None)))
    now = {"now": 0, "rev": 0}
    compared = 0
    while not tasklet.status.is_final or touched:
        await asyncio.sleep(0)
        message = live.changes(touched - {None})
        touched.clear()
        if message is not None:
            page = merged(page, message)
            for at, mark in message.get("marks", []):
                marks[at] = mark
        assert {**page, **now} == {**state(tasklet), **now}
        assert "".join(marks) == LivePicture(tasklet).steps()["marks"]
        compared += message is not None
    assert compared > 5
    assert page["final"]


async def test_an_update_of_a_large_task_holds_what_has_changed(scheduler: Scheduler, names: Names) -> None:
    steps = "\n".join(f"  - {{name: s{at:05}, action: frame, depends_on: []}}" for at in range(10_000))
    tasklet = scheduler.run_ad_hoc_task(f"steps:\n{steps}", {})
    live = LivePicture(tasklet)
    some = list(tasklet.steps.values())
    live.steps()
    for at in range(0, 5000, 2):
        some[at].status = StepStatus.COMPLETED
        some[at].started_at, some[at].duration = 1.0, 1.0
    live.changes(some[:5000])
    for at in range(1, 101, 2):
        some[at].status = StepStatus.COMPLETED
        message = live.changes([some[at]])
        assert message is not None
        assert message["marks"] == [[at, "c"]]
    tasklet.cancel()
    await tasklet.wait()
