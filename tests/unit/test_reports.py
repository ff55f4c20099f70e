"""A task as other programs are told of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter.view import reports
from aura_jupyter.view.shown import Shown, Standing


def plain(text: str) -> str:
    return text


class Odd(dict[str, Any]):
    """A mapping whose looking into runs code."""

    def items(self) -> Any:
        raise RuntimeError("looked into")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        ({"a": [1, 2.5, True, "x", None]}, {"a": [1, 2.5, True, "x", None]}),
        ((1, 2), [1, 2]),
        (2**62, 2**62),
    ],
)
def test_what_json_can_hold_is_told_as_it_is(value: Any, told: Any) -> None:
    info = reports.value_info(value, plain)
    assert (info.type, info.is_json, info.value) == (type(value).__name__, True, told)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        2**64,
        {1: "a number as a key"},
        {"set": {1}},
        Odd(a=1),
        [Odd(a=1)],
        "x" * (reports.MOST_OF_A_VALUE + 1),
        list(range(reports.MOST_OF_A_VALUE)),
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_more_than_json_or_too_long_is_told_by_type_and_preview(value: Any) -> None:
    info = reports.value_info(value, plain)
    assert (info.type, info.is_json, info.value) == (type(value).__name__, False, None)
    assert info.preview
    assert len(info.preview) < 100


def test_a_value_that_holds_itself_is_no_json() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert not reports.value_info(endless, plain).is_json


async def done(spec: str, **inputs: Any) -> aura.Tasklet:
    return await aura.submit(spec, inputs).wait()


def test_secrets_in_values_and_keys_are_masked() -> None:
    spec = "inputs: [{name: key, type: secret}]\nsteps: []\nreturns: {'{{ 1 }}': ['{{ inputs.key }}']}"
    spec = spec.replace("steps: []", "steps: [{action: core.log, params: {message: '{{ inputs.key }}'}}]")
    tasklet = asyncio.run(done(spec, key="hunter2"))
    told = reports.detail(tasklet).model_dump_json() + reports.log_page(tasklet).model_dump_json()
    assert "hunter2" not in told
    assert "***" in told


def test_half_a_character_pair_does_not_stand_in_the_way() -> None:
    @aura.action(name="test.half")
    def half(context: aura.ActionContext) -> str:
        context.log("broken \ud800")
        return "broken \udfff"

    async def run() -> aura.Tasklet:
        spec = "steps: [{action: test.half}]\nreturns: '{{ steps.half.output }}'"
        return await aura.submit(spec, title="title \ud800").wait()

    tasklet = asyncio.run(run())
    told = [reports.detail(tasklet), reports.log_page(tasklet), reports.summary(tasklet)]
    for each in told:
        assert json.loads(each.model_dump_json()) == each.model_dump(mode="json")


def test_a_quick_look_counts_as_a_whole_look_does() -> None:
    spec = """\
steps:
  - {name: one, action: core.log, params: {message: x}}
  - name: two
    action: core.fail
    params: {message: x}
    on_error: [{name: help, action: core.log, params: {message: y}}]
  - {name: off, action: core.log, params: {message: x}, when: false}
  - {name: bad, action: core.fail, params: {message: x}}
  - {name: left, action: core.log, params: {message: x}}
finally: [{name: tidy, action: core.log, params: {message: x}}]
"""
    tasklet = asyncio.run(done(spec))
    assert Standing(tasklet).counts == Shown(tasklet).counts
    summary = reports.summary(tasklet)
    assert (summary.steps_failed, summary.phrase) == (1, "Failed in bad, 5 of 7 steps, 1 failure handled")
    assert summary.told is not None
    assert summary.told.startswith("task failed in bad after ")


def test_a_log_is_told_page_by_page_and_of_one_step() -> None:
    spec = "steps:\n" + "".join(
        f"  - {{name: s{n}, action: core.log, params: {{message: line {n}}}}}\n" for n in range(5)
    )
    tasklet = asyncio.run(done(spec))
    first = reports.log_page(tasklet, limit=3)
    assert ([line.number for line in first.lines], first.last, first.more) == ([1, 2, 3], 3, True)
    rest = reports.log_page(tasklet, after=first.last)
    assert ([line.text for line in rest.lines], rest.last, rest.more) == (["line 3", "line 4"], 5, False)
    assert [line.number for line in reports.log_page(tasklet, step="s2").lines] == [3]


def test_lines_that_a_log_has_dropped_keep_their_numbers() -> None:
    async def run() -> aura.Tasklet:
        scheduler = aura.Scheduler()
        scheduler.log_lines = 20
        lines = ", ".join(f"line {number}" for number in range(100))
        said = "action: core.log, params: {message: '{{ item }}'}"
        spec = f"steps: [{{name: s, {said}, loop: {{for_each: [{lines}]}}}}]"
        async with scheduler:
            return await scheduler.run_ad_hoc_task(spec).wait()

    page = reports.log_page(asyncio.run(run()))
    assert page.dropped == 80
    last = page.lines[-1]
    assert (last.number, last.text, page.last) == (100, "line 99", 100)
    assert [line.text for line in page.lines if line.number == 82] == ["… 80 lines left out …"]
