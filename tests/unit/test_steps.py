"""How a task walks through its steps: values, conditions, loops, retries, timeouts, errors, `finally`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aura_jupyter.engine.tasklet import TaskStatus
from aura_jupyter.errors import TaskCancelled, TaskError, TemplateError
from aura_jupyter.view.text import text_now
from tests.unit.running import Recorder, done, left_over, on_clock, on_loop, scheduler, statuses


async def echo(value: Any = None) -> Any:
    return value


async def pause(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


async def fail(message: str = "boom") -> None:
    raise ValueError(message)


def now() -> float:
    return asyncio.get_running_loop().time()


# --- values -----------------------------------------------------------------------------------------------------------


@on_loop
async def test_a_list_of_the_spec_that_an_action_changes_is_whole_again_in_the_next_turn_and_run() -> None:
    seen = []

    def change(items: list[Any], table: dict[str, Any]) -> None:
        seen.append((list(items), dict(table)))
        items.append("more")
        table["more"] = True

    spec = """
        steps:
          - {action: change, loop: {times: 2}, params: {items: [1], table: {a: [x]}}}
          - {action: change, args: [[1], {a: [x]}]}
    """
    async with scheduler(change) as made:
        await made.run_ad_hoc_task(spec)
        await made.run_ad_hoc_task(spec)
    assert seen == [([1], {"a": ["x"]})] * 6


@on_loop
async def test_a_list_that_returns_gives_belongs_to_the_task() -> None:
    spec = "steps: [{action: core.sleep, params: {seconds: 0}}]\nreturns: [1, {a: []}]"
    async with scheduler() as made:
        first = await made.run_ad_hoc_task(spec)
        first[1]["a"].append("changed")
        assert await made.run_ad_hoc_task(spec) == [1, {"a": []}]


@on_loop
async def test_items_of_a_written_loop_that_an_action_changes_are_whole_in_the_next_run() -> None:
    async def grow(item: list[int]) -> list[int]:
        item.append(0)
        return item

    spec = "steps: [{action: grow, loop: [[1], [2]], params: {item: '{{ item }}'}}]"
    async with scheduler(grow) as made:
        for _ in range(2):
            assert await made.run_ad_hoc_task(spec) == [[1, 0], [2, 0]]


@on_loop
async def test_steps_get_the_very_object_that_was_given() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    task = await done("steps: [{action: echo, params: {value: '{{ inputs.frame }}'}}]", echo, inputs={"frame": frame})
    assert task.result is frame


@on_clock
async def test_a_step_without_a_result_is_passed_over_for_the_result() -> None:
    task = await done(
        """
        steps:
          - {name: first, action: echo, params: {value: 1}}
          - {name: second, action: fail, on_error: continue}
          - {name: third, action: echo, when: false}
        """,
        echo,
        fail,
    )
    assert task.result == 1


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "holds"),
    [("yes", True), ("OFF", False), ("", False), ("1", True), (0, False), ([], False), ([0], True), (None, False)],
)
def test_core_assert_judges_as_when_does(given: Any, holds: bool) -> None:
    async def main() -> None:
        spec = """
            steps:
              - {name: when, action: echo, when: inputs.given}
              - {name: assert, action: core.assert, params: {that: "{{ inputs.given }}"}, on_error: continue}
        """
        task = await done(spec, echo, inputs={"given": given})
        assert statuses(task) == {
            "when": "COMPLETED" if holds else "SKIPPED",
            "assert": "COMPLETED" if holds else "FAILED",
        }

    on_clock(main)()


@on_clock
async def test_text_that_is_neither_true_nor_false_is_a_mistake_everywhere() -> None:
    for step in (
        {"action": "core.assert", "params": {"that": "{{ inputs.word }}"}},
        {"action": "echo", "when": "inputs.word"},
        {"action": "echo", "loop": {"while": "inputs.word"}},
        {"action": "echo", "retry": {"attempts": 2, "until": "inputs.word"}},
    ):
        task = await done({"steps": [step]}, echo, inputs={"word": "maybe"})
        assert type(task.error) is TemplateError
        assert "maybe" in str(task.error)
        assert task.steps[step["action"].rpartition(".")[2]].attempts <= 1


@on_clock
async def test_a_table_is_no_condition() -> None:
    task = await done("steps: [{action: echo, when: inputs.x}]", echo, inputs={"x": pd.DataFrame({"a": [1]})})
    assert type(task.error) is TemplateError
    assert "DataFrame" in str(task.error)


# --- loops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "items"),
    [
        ((i for i in (1, 2)), [1, 2]),
        ({"a": 1, "b": 2}, ["a", "b"]),
        (range(3), [0, 1, 2]),
        (np.array([1.5, 2.5]), [1.5, 2.5]),
        (pd.DataFrame({"a": [1], "b": [2]}), ["a", "b"]),
        (pd.DataFrame({"a": [7, 8]})["a"], [7, 8]),
        (frozenset({5}), [5]),
        ({"k": 1}.items(), [("k", 1)]),
        ((), []),
    ],
    ids=["generator", "mapping", "range", "array", "table", "column", "set", "items", "empty"],
)
def test_a_loop_goes_over_whatever_python_goes_over(over: Any, items: list[Any]) -> None:
    async def main() -> None:
        spec = "steps: [{action: echo, loop: inputs.over, params: {value: '{{ [item, loop.length] }}'}}]"
        spec = spec.replace("loop: inputs.over", "loop: {for_each: inputs.over}")
        task = await done(spec, echo, inputs={"over": over})
        assert task.result == [[item, len(items)] for item in items]

    on_loop(main)()


@pytest.mark.parametrize("over", ["text", b"bytes", 7, None, np.array(3)])
def test_a_loop_over_text_or_a_single_value_fails_its_step(over: Any) -> None:
    async def main() -> None:
        task = await done("steps: [{action: echo, loop: '{{ inputs.over }}'}]", echo, inputs={"over": over})
        assert type(task.error) is TemplateError
        assert "for_each" in str(task.error)
        assert statuses(task) == {"echo": "FAILED"}

    on_loop(main)()


class Grudging:
    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[int]:
        raise OSError("not today")


class Breaking:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> int:
        if index:
            raise OSError("not today")
        return index


def yields_and_breaks() -> Iterator[int]:
    yield 1
    raise OSError("not today")


@pytest.mark.parametrize("over", [Grudging(), Breaking(), yields_and_breaks()], ids=["iter", "item", "generator"])
def test_an_iterable_that_breaks_fails_its_step(over: Any) -> None:
    async def main() -> None:
        spec = "steps: [{action: echo, loop: '{{ inputs.over }}', on_error: continue}, {name: after, action: echo}]"
        task = await done(spec, echo, inputs={"over": over})
        assert type(task.steps["echo"].error) is OSError
        assert statuses(task) == {"echo": "FAILED", "after": "COMPLETED"}

    on_loop(main)()


class Pages:
    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[bool]:
        for _ in range(2):
            yield threading.current_thread() is threading.main_thread()


@on_loop
async def test_what_makes_its_items_as_it_goes_does_so_off_the_loop_even_if_it_knows_how_many() -> None:
    spec = "steps: [{action: echo, loop: inputs.over, params: {value: '{{ item }}'}}]"
    task = await done(spec, echo, inputs={"over": Pages()})
    assert task.result == [False, False]


@on_loop
async def test_a_loop_over_something_endless_can_be_cancelled() -> None:
    reading = asyncio.Event()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def endless() -> Iterator[int]:
        loop.call_soon_threadsafe(reading.set)
        try:
            while True:
                yield 1
        finally:
            loop.call_soon_threadsafe(ended.set)

    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task("steps: [{action: echo, loop: '{{ inputs.xs }}'}]", {"xs": endless()})
        await reading.wait()
        task.cancel()
        await task.wait()
        assert statuses(task) == {"echo": "CANCELLED"}
        del task
        await ended.wait()


@pytest.mark.parametrize("times", [0, "0", "{{ 0 }}", "{{ inputs.n }}"])
def test_no_times_is_an_empty_list(times: Any) -> None:
    async def main() -> None:
        spec = {"steps": [{"action": "echo", "loop": {"times": times, "parallelism": 3}}]}
        task = await done(spec, echo, inputs={"n": np.int64(0)})
        assert task.result == []
        assert statuses(task) == {"echo": "COMPLETED"}
        assert task.steps["echo"].attempts == 0

    on_clock(main)()


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("loop", [{"times": 10**12}, {"times": "{{ 10 ** 12 }}"}, {"for_each": "{{ inputs.over }}"}])
def test_a_loop_with_more_turns_than_there_is_room_for_begins_with_its_first(
    loop: dict[str, Any], parallelism: int
) -> None:
    async def main() -> None:
        seen = []

        async def third(n: int) -> None:
            seen.append(n)
            if n == 2:
                raise ValueError(n)

        step = {"action": "third", "loop": {**loop, "parallelism": parallelism}, "params": {"n": "{{ item }}"}}
        task = await done({"steps": [step]}, third, inputs={"over": range(10**12)})
        assert type(task.error) is ValueError
        assert seen == [0, 1, 2]

    on_clock(main)()


@pytest.mark.parametrize("times", [-1, 1.5, True, "three", None, 2**63])
def test_times_that_are_no_number_of_times_fail_the_step(times: Any) -> None:
    async def main() -> None:
        task = await done("steps: [{action: echo, loop: {times: inputs.n}}]", echo, inputs={"n": times})
        assert type(task.error) is TemplateError
        assert "times" in str(task.error)

    on_clock(main)()


@on_clock
async def test_a_while_goes_on_after_failed_turns_and_sees_their_outputs_as_null() -> None:
    async def odd(n: int) -> int:
        if n % 2 == 0:
            raise KeyError(n)
        return n

    spec = """
        steps:
          - name: s
            action: odd
            loop: {while: "steps.s.output | length < 4 and loop.index < 9", on_error: continue}
            params: {n: "{{ item }}"}
        returns: ["{{ steps.s.output }}", "{{ steps.s.errors | map(attribute='index') }}", "{{ steps.s.attempts }}"]
    """
    task = await done(spec, odd)
    assert task.result == [[None, 1, None, 3], [0, 2], 4]


@on_clock
async def test_a_list_that_a_while_read_of_itself_does_not_grow_under_its_hands() -> None:
    spec = """
        steps:
          - {name: s, action: echo, loop: {while: loop.index < 3}, params: {value: "{{ steps.s.output }}"}}
    """
    assert (await done(spec, echo)).result == [[], [[]], [[], [[]]]]


@on_clock
async def test_a_cancelled_while_has_no_output() -> None:
    spec = """
        steps: [{name: s, action: pause, loop: {while: "true"}, params: {seconds: 1}}]
        finally: [{action: echo, params: {value: "{{ steps.s.output }}"}}]
    """
    async with scheduler(pause, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(3.5)
        task.cancel()
        await task.wait()
    assert task.steps["s"].output is None
    assert task.steps["echo"].output is None
    assert task.steps["s"].turns.done == 3


@on_clock
async def test_failed_turns_are_listed_by_their_place_however_they_end() -> None:
    async def late(n: int) -> None:
        await asyncio.sleep(10 - n)
        raise ValueError(f"turn {n}")

    spec = """
        steps:
          - {name: s, action: late, loop: {times: 4, parallelism: 4, on_error: continue}, params: {n: "{{ item }}"}}
    """
    task = await done(spec, late)
    assert task.result == [None] * 4
    assert task.steps["s"].errors == [{"index": n, "type": "ValueError", "message": f"turn {n}"} for n in range(4)]
    assert task.status is TaskStatus.COMPLETED


@on_clock
async def test_a_loop_that_a_turn_has_failed_lists_that_turn_too() -> None:
    async def odd(n: int) -> None:
        if n == 1:
            raise ValueError("one")

    spec = """
        steps:
          - {name: s, action: odd, loop: [0, 1, 2], params: {n: "{{ item }}"}, on_error: continue}
          - {action: echo, params: {value: "{{ steps.s.errors }}"}}
    """
    task = await done(spec, odd, echo)
    assert task.result == [{"index": 1, "type": "ValueError", "message": "one"}]
    assert task.steps["s"].output is None


@on_clock
async def test_the_first_turn_that_fails_ends_those_beside_it() -> None:
    ended = []

    async def turn(n: int) -> None:
        try:
            await asyncio.sleep(n)
        except asyncio.CancelledError:
            ended.append(n)
            raise
        if n == 2:
            raise ValueError("two")

    spec = "steps: [{action: turn, loop: {for_each: [1, 2, 3, 4], parallelism: 3}, params: {n: '{{ item }}'}}]"
    async with scheduler(turn) as made:
        task = made.run_ad_hoc_task(spec)
        began = now()
        await task.wait()
        assert now() - began == 2
        assert left_over() == set()
    assert sorted(ended) == [3, 4]
    assert "in turn 1 of the loop" in task.error.__notes__


@on_clock
async def test_a_cancelled_loop_leaves_no_turn_behind() -> None:
    inside = 0

    async def turn() -> None:
        nonlocal inside
        inside += 1
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            inside -= 1

    async with scheduler(turn) as made:
        task = made.run_ad_hoc_task("steps: [{action: turn, loop: {times: 50, parallelism: 20}}]")
        await asyncio.sleep(5)
        assert inside == 20
        task.cancel()
        await task.wait()
        assert inside == 0
        assert left_over() == set()
    assert statuses(task) == {"turn": "CANCELLED"}


@on_clock
async def test_more_hands_than_turns_are_no_matter() -> None:
    spec = "steps: [{action: echo, loop: {times: 2, parallelism: 1000}, params: {value: '{{ item }}'}}]"
    assert (await done(spec, echo)).result == [0, 1]


@on_clock
async def test_a_turn_that_swallows_its_cancellation_is_the_last_one() -> None:
    turns = 0

    async def stubborn() -> str:
        nonlocal turns
        turns += 1
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "did not hear"
        return "slept"

    for loop in ({"times": 5}, {"times": 5, "parallelism": 2}, {"while": "true"}):
        turns = 0
        async with scheduler(stubborn) as made:
            task = made.run_ad_hoc_task({"steps": [{"action": "stubborn", "loop": loop}]})
            await asyncio.sleep(1)
            task.cancel()
            await task.wait()
        assert (task.status, statuses(task)) == (TaskStatus.CANCELLED, {"stubborn": "CANCELLED"})
        assert turns == loop.get("parallelism", 1)


# --- retries and timeouts ---------------------------------------------------------------------------------------------


@on_clock
async def test_delays_grow_by_the_factor_until_their_limit() -> None:
    calls: list[float] = []

    async def flaky() -> None:
        calls.append(now())
        raise OSError

    retry = {"attempts": 6, "delay": "1s", "backoff": 3, "max_delay": "10s"}
    task = await done({"steps": [{"action": "flaky", "retry": retry}]}, flaky)
    assert [b - a for a, b in itertools.pairwise(calls)] == [1, 3, 9, 10, 10]
    assert task.steps["flaky"].attempts == 6


@on_clock
async def test_jitter_adds_up_to_so_much() -> None:
    calls: list[float] = []

    async def flaky() -> None:
        calls.append(now())
        raise OSError

    await done({"steps": [{"action": "flaky", "retry": {"attempts": 30, "delay": 5, "jitter": 2}}]}, flaky)
    delays = [b - a for a, b in itertools.pairwise(calls)]
    assert all(5 <= delay <= 7 for delay in delays)
    assert len(set(delays)) > 20


@on_clock
async def test_jitter_alone_does_not_grow() -> None:
    calls: list[float] = []

    async def flaky() -> None:
        calls.append(now())
        raise OSError

    retry = {"attempts": 9, "backoff": 1e200, "jitter": "500ms"}
    await done({"steps": [{"action": "flaky", "retry": retry}]}, flaky)
    assert len(calls) == 9
    assert max(b - a for a, b in itertools.pairwise(calls)) <= 0.5


@pytest.mark.parametrize("retry", [{"delay": "10ms", "backoff": 1e299}, {"delay": 1e300}, {"jitter": 1e305}])
def test_a_delay_beyond_all_measure_still_has_an_end(retry: dict[str, Any]) -> None:
    async def main() -> None:
        async with scheduler(fail) as made:
            recorder = Recorder(made)
            task = made.run_ad_hoc_task({"steps": [{"action": "fail", "retry": {"attempts": 9, **retry}}]})
            await asyncio.sleep(60)
            assert "next in" in text_now(task)
            task.cancel()
            await task.wait()
        assert max(event.delay for event in recorder.named("attempt_failed")) == 1e9

    on_clock(main)()


@on_clock
async def test_a_retry_waits_where_the_step_can_be_cancelled() -> None:
    async with scheduler(fail) as made:
        task = made.run_ad_hoc_task({"steps": [{"action": "fail", "retry": {"attempts": 2, "delay": "1h"}}]})
        await asyncio.sleep(60)
        assert task.steps["fail"].retry_at is not None
        task.cancel()
        await task.wait()
    assert statuses(task) == {"fail": "CANCELLED"}
    assert task.steps["fail"].retry_at is None
    assert task.steps["fail"].error is None


class Custom(ConnectionError):
    pass


@pytest.mark.parametrize(
    ("on", "attempts"),
    [
        ("Custom", 3),
        (["KeyError", "OSError"], 3),
        ("builtins.ConnectionError", 3),
        (f"{Custom.__module__}.Custom", 3),
        ("Exception", 3),
        ("BaseException", 3),
        ("ValueError", 1),
        ("connectionerror", 1),
    ],
)
def test_a_retry_looks_at_the_class_and_its_bases(on: Any, attempts: int) -> None:
    async def main() -> None:
        async def flaky() -> None:
            raise Custom("x")

        task = await done({"steps": [{"action": "flaky", "retry": {"attempts": 3, "on": on}}]}, flaky)
        assert task.steps["flaky"].attempts == attempts
        assert type(task.error) is Custom

    on_clock(main)()


@pytest.mark.parametrize(
    ("on", "attempts"),
    [
        ("json.JSONDecodeError", 2),
        ("json.decoder.JSONDecodeError", 2),
        ("mine.JSONDecodeError", 2),
        ("builtins.ValueError", 2),
        ("json.JSONEncoder", 1),
        ("nowhere.at.all", 1),
    ],
)
def test_a_retry_knows_a_class_by_whatever_name_it_stands_under(on: str, attempts: int) -> None:
    async def main() -> None:
        async def parse() -> None:
            json.loads("{")

        async with scheduler(parse) as made:
            made.namespace["mine"] = json
            task = made.run_ad_hoc_task({"steps": [{"action": "parse", "retry": {"attempts": 2, "on": on}}]})
            await task.wait()
        assert task.steps["parse"].attempts == attempts
        assert type(task.error) is json.JSONDecodeError

    on_clock(main)()


@on_clock
async def test_parameters_are_rendered_once_for_all_attempts_of_a_turn() -> None:
    seen = []

    async def flaky(value: list[int]) -> None:
        seen.append(list(value))
        value.append(0)
        raise OSError

    spec = "steps: [{action: flaky, loop: [1], params: {value: ['{{ item }}']}, retry: 3}]"
    await done(spec, flaky)
    assert seen == [[1], [1, 0], [1, 0, 0]]


@on_clock
async def test_a_mistake_in_a_template_is_not_retried() -> None:
    spec = "steps: [{action: echo, params: {value: '{{ ctx.nope }}'}, retry: {attempts: 5, delay: 1h}}]"
    task = await done(spec, echo)
    assert type(task.error) is TemplateError
    assert task.steps["echo"].attempts == 0


@on_clock
async def test_until_sees_the_output_and_the_number_and_counts_errors_too() -> None:
    n = 0

    async def count() -> int:
        nonlocal n
        n += 1
        if n == 2:
            raise OSError
        return n

    spec = "steps: [{action: count, retry: {attempts: 9, until: output >= 4 and attempt == output}}]"
    task = await done(spec, count)
    assert task.result == 4
    assert task.steps["count"].attempts == 4


@on_clock
async def test_the_last_attempt_that_until_refuses_is_a_task_error_and_its_output_is_dropped() -> None:
    spec = "steps: [{name: s, action: echo, params: {value: 1}, retry: {attempts: 2, until: output > 1}}]"
    task = await done(spec, echo)
    assert type(task.error) is TaskError
    assert task.steps["s"].output is None


@on_clock
async def test_a_timeout_limits_each_attempt_and_each_turn() -> None:
    spec = """
        steps:
          - {action: pause, loop: [1, 9, 2], loop: {for_each: [1, 9, 2], on_error: continue}, timeout: 3s,
             retry: 2, params: {seconds: "{{ item }}", value: "{{ item }}"}}
    """.replace("loop: [1, 9, 2], ", "")
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task(spec)
        began = now()
        await task.wait()
        assert now() - began == 1 + 3 + 3 + 2
    assert task.result == [1, None, 2]
    assert task.steps["pause"].errors == [
        {"index": 1, "type": "TimeoutError", "message": "step 'pause' took longer than 3 s"}
    ]


@on_clock
async def test_an_action_that_swallows_a_timeout_has_timed_out_all_the_same() -> None:
    async def stubborn() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(100)
        return "done"

    task = await done("steps: [{action: stubborn, timeout: 1s}]", stubborn)
    assert type(task.error) is TimeoutError
    assert task.steps["stubborn"].output is None


@on_clock
async def test_an_action_that_fails_while_it_is_stopped_has_timed_out_and_says_what_happened() -> None:
    async def clumsy() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise OSError("cannot close")

    spec = "steps: [{action: clumsy, timeout: 1s, retry: {attempts: 2, on: TimeoutError}}]"
    task = await done(spec, clumsy)
    assert type(task.error) is TimeoutError
    assert type(task.error.__cause__) is OSError
    assert task.steps["clumsy"].attempts == 2


@on_clock
async def test_a_timeout_of_the_actions_own_is_its_own() -> None:
    async def own() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(100)

    task = await done("steps: [{action: own, timeout: 5s}]", own)
    assert type(task.error) is TimeoutError
    assert "took longer" not in str(task.error)


@pytest.mark.parametrize("swallows", ["returns", "raises", "own timeout"])
def test_the_tasks_own_timeout_holds_whatever_the_action_does(swallows: str) -> None:
    async def main() -> None:
        async def stubborn() -> None:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                if swallows == "raises":
                    raise OSError("no") from None
                if swallows == "own timeout":
                    raise TimeoutError from None

        spec = """
            meta: {timeout: 5s}
            steps:
              - name: a
                action: stubborn
                retry: 3
                on_error: [{name: alert, action: echo}]
              - {name: b, action: echo}
            finally:
              - {name: z, action: echo, params: {value: "{{ task.status }} {{ error.type }} {{ error.step is none }}"}}
        """
        task = await done(spec, stubborn, echo)
        assert (task.status, type(task.error)) == (TaskStatus.FAILED, TimeoutError)
        assert statuses(task) == {"a": "CANCELLED", "alert": "SKIPPED", "b": "SKIPPED", "z": "COMPLETED"}
        assert task.steps["b"].reason == "the task timed out"
        assert task.steps["z"].output == "FAILED TimeoutError True"
        assert task.steps["a"].attempts == 1

    on_clock(main)()


@on_clock
async def test_finally_is_not_counted_into_the_tasks_timeout() -> None:
    spec = """
        meta: {timeout: 5s}
        steps: [{name: a, action: pause, params: {seconds: 4, value: 1}}]
        finally: [{name: z, action: pause, params: {seconds: 60, value: 2}}]
    """
    task = await done(spec, pause)
    assert (task.status, task.result, task.steps["z"].output) == (TaskStatus.COMPLETED, 1, 2)


@on_clock
async def test_a_failure_that_comes_before_the_timeout_is_the_tasks_error() -> None:
    spec = """
        meta: {timeout: 5s}
        steps:
          - {name: a, action: pause, depends_on: [], params: {seconds: 9}}
          - {name: b, action: fail, depends_on: []}
        finally: [{name: z, action: echo, params: {value: "{{ error.step }}"}}]
    """
    task = await done(spec, pause, fail, echo)
    assert type(task.error) is ValueError
    assert task.steps["z"].output == "b"


# --- errors -----------------------------------------------------------------------------------------------------------

HARMFUL = [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, StopAsyncIteration, asyncio.CancelledError]


@pytest.mark.parametrize("kind", HARMFUL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("where", ["async", "thread", "loop", "process"])
def test_whatever_an_action_raises_fails_its_step_and_nothing_else(kind: type[BaseException], where: str) -> None:
    async def main() -> None:
        async def raise_async() -> None:
            raise kind("own")

        def raise_plain() -> None:
            raise kind("own")

        action = "raise_async" if where == "async" else "raise_plain"
        step = {"action": action} if where == "async" else {"action": action, "executor": where}
        spec = {
            "steps": [
                {"name": "once", **step, "on_error": "continue"},
                {"name": "turns", **step, "loop": {"times": 2, "parallelism": 2, "on_error": "continue"}},
                {
                    "name": "again",
                    **step,
                    "retry": 2,
                    "on_error": [{"name": "handler", **step, "on_error": "continue"}],
                },
                {"name": "after", "action": "echo", "params": {"value": "{{ steps.once.error.type }}"}},
            ],
            "finally": [{"name": "late", **step}, {"name": "last", "action": "echo"}],
        }
        task = await done(spec, raise_async, raise_plain, echo)
        assert statuses(task) == {
            "once": "FAILED",
            "turns": "COMPLETED",
            "again": "FAILED",
            "handler": "FAILED",
            "after": "COMPLETED",
            "late": "FAILED",
            "last": "COMPLETED",
        }
        assert task.steps["after"].output == kind.__name__
        assert [error["type"] for error in task.steps["turns"].errors] == [kind.__name__] * 2
        assert task.steps["again"].attempts == 2
        assert type(task.error) is kind
        with pytest.raises(TaskError, match=kind.__name__) as raised:  # the one who waits goes on living
            await task
        assert raised.value.__cause__ is task.error

    on_loop(main)()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_what_a_function_raises_that_a_template_calls_is_a_mistake_in_the_template(kind: type[BaseException]) -> None:
    async def main() -> None:
        def leave() -> None:
            raise kind("left")

        keys: list[dict[str, Any]] = [
            {"when": "inputs.leave()"},
            {"params": {"value": "{{ inputs.leave() }}"}},
            {"loop": "{{ inputs.leave() }}"},
            {"loop": {"while": "inputs.leave()"}},
            {"description": "{{ inputs.leave() }}"},
            {"retry": {"attempts": 2, "until": "inputs.leave()"}},
        ]
        steps = [{"action": "echo", "on_error": "continue", **key} for key in keys]
        task = await done({"steps": steps}, echo, inputs={"leave": leave})
        assert task.status == "COMPLETED"
        for step in task.steps.values():
            assert type(step.error) is TemplateError
            assert f"{kind.__name__}: left" in str(step.error)

    on_loop(main)()


async def gather_badly(after: str) -> str:
    """Leaves its asyncio task cancelled, as Python 3.11 and 3.12 do where a `TaskGroup` fails while it waits."""
    with contextlib.suppress(ExceptionGroup) if after != "raises" else contextlib.nullcontext():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("in a group"))
    if after in ("waits", "fails at the end"):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            if after == "waits":
                raise
            raise OSError(after) from None
    return "went on"


@pytest.mark.parametrize("more", [{}, {"depends_on": []}, {"loop": {"times": 2, "parallelism": 2}}, {"retry": 2}])
def test_a_group_of_tasks_that_fails_is_no_cancellation(more: dict[str, Any]) -> None:
    async def main() -> None:
        for after, status in (("raises", "FAILED"), ("returns", "COMPLETED")):
            step = {"name": "a", "action": "gather_badly", "params": {"after": after}, "on_error": "continue", **more}
            inner = {"steps": [step, {"name": "b", "action": "echo"}], "finally": [{**step, "name": "c"}]}
            inner["finally"][0].pop("depends_on", None)
            outer = {"steps": [{"name": "sub", "action": "core.run_task", "params": {"task": inner}}]}
            for spec in (inner, outer):
                task = await done(spec, gather_badly, echo)
                assert task.status == "COMPLETED"
                inside = task if spec is inner else task.steps["sub"].children
                assert inside is not None
                assert statuses(inside) == {"a": status, "b": "COMPLETED", "c": status}
                assert type(inside.steps["a"].error) is (ExceptionGroup if status == "FAILED" else type(None))

    on_clock(main)()


@pytest.mark.parametrize("after", ["waits", "fails at the end"])
@pytest.mark.parametrize("how", ["step", "task", "cancel", "sub-task", "beside"])
def test_after_a_group_of_tasks_has_failed_an_action_can_be_stopped_as_any_other(how: str, after: str) -> None:
    async def main() -> None:
        step: dict[str, Any] = {"name": "a", "action": "gather_badly", "params": {"after": after}}
        spec: dict[str, Any] = {"steps": [step], "finally": [{"name": "z", "action": "echo"}]}
        if how == "step":
            step["timeout"] = 5
        if how == "task":
            spec["meta"] = {"timeout": 5}
        if how == "beside":
            step["depends_on"] = []
            spec["steps"].append({"name": "b", "action": "late", "depends_on": []})
        if how == "sub-task":
            step.update(action="core.run_task", params={"task": {"steps": [dict(step)], "finally": spec["finally"]}})

        async def late() -> None:
            await asyncio.sleep(5)
            raise KeyError("late")

        async with scheduler(gather_badly, echo, late) as made:
            task = made.run_ad_hoc_task(spec)
            await asyncio.sleep(10)
            if how in ("cancel", "sub-task"):
                assert task.status == "RUNNING"
                task.cancel()
            await task.wait()
        stopped = "FAILED" if how == "step" else "CANCELLED"
        error = {"step": TimeoutError, "task": TimeoutError, "beside": KeyError}.get(how, type(None))
        assert task.status == ("FAILED" if error is not type(None) else "CANCELLED")
        assert type(task.error) is error
        assert (statuses(task)["a"], statuses(task)["z"]) == (stopped, "COMPLETED")
        if how == "sub-task":
            inside = task.steps["a"].children
            assert inside is not None
            assert (inside.status, statuses(inside)) == ("CANCELLED", {"a": "CANCELLED", "z": "COMPLETED"})

    on_clock(main)()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


@pytest.mark.parametrize("error", [Unspeakable("x"), Frozen(3)], ids=["unspeakable", "frozen"])
def test_an_exception_that_cannot_be_shown_or_changed_is_an_error_like_any_other(error: Exception) -> None:
    async def main() -> None:
        async def raise_it() -> None:
            raise error

        spec = """
            inputs: [{name: key, type: secret, default: hunter2}]
            steps:
              - name: a
                action: raise_it
                on_error: [{name: b, action: raise_it, on_error: continue}]
              - {name: c, action: raise_it, loop: {times: 2, on_error: continue}}
              - {name: d, action: echo, params: {value: "{{ steps.a.error.message }}"}}
              - {name: e, action: raise_it}
        """
        task = await done(spec, raise_it, echo)
        assert statuses(task) == {"a": "FAILED", "b": "FAILED", "c": "COMPLETED", "d": "COMPLETED", "e": "FAILED"}
        assert isinstance(task.error, type(error) | TaskError)
        assert type(error).__name__ in f"{type(task.error).__name__} {task.error!r}"

    on_clock(main)()


@on_clock
async def test_a_failed_handler_fails_the_task_with_the_first_error_as_its_cause() -> None:
    spec = """
        steps:
          - name: a
            action: fail
            on_error:
              - {name: b, action: echo, params: {value: "{{ ctx.nope }}"}}
              - {name: c, action: echo}
          - {name: d, action: echo}
        finally:
          - {name: z, action: echo, params: {value: "{{ error.step }}: {{ error.type }}"}}
    """
    task = await done(spec, fail, echo)
    assert type(task.error) is TemplateError
    assert task.error.__cause__ is task.steps["a"].error
    assert statuses(task) == {"a": "FAILED", "b": "FAILED", "c": "SKIPPED", "d": "SKIPPED", "z": "COMPLETED"}
    assert task.steps["c"].reason == "a step before it failed"
    assert task.steps["z"].output == "b: TemplateError"
    assert not task.steps["a"].handled


@on_clock
async def test_an_error_with_a_cause_of_its_own_keeps_it_in_sight() -> None:
    async def chained() -> None:
        raise RuntimeError("second") from OSError("deep")

    task = await done("steps: [{name: a, action: fail, on_error: [{name: b, action: chained}]}]", fail, chained)
    assert type(task.error.__cause__) is ValueError
    assert type(task.error.__context__) is OSError


@on_clock
async def test_one_exception_raised_again_and_again_is_no_circle() -> None:
    same = ValueError("same")
    other = KeyError("other")
    same.__cause__ = other

    async def raise_same() -> None:
        raise same

    async def raise_other() -> None:
        raise other

    spec = "steps: [{name: a, action: raise_same, on_error: [{name: b, action: raise_same}]}]"
    assert (await done(spec, raise_same)).error is same
    spec = "steps: [{name: a, action: raise_same, on_error: [{name: b, action: raise_other}]}]"
    assert (await done(spec, raise_same, raise_other)).error is other
    assert other.__cause__ is None


@on_clock
async def test_handlers_may_have_handlers_which_see_the_nearest_error() -> None:
    spec = """
        steps:
          - name: a
            action: fail
            params: {message: outer}
            on_error:
              - name: b
                action: fail
                params: {message: inner}
                on_error: [{name: c, action: echo, params: {value: "{{ error.step }} {{ error.message }}"}}]
              - {name: d, action: echo, params: {value: "{{ error.step }} {{ error.message }}"}}
          - {name: e, action: echo}
    """
    task = await done(spec, fail, echo)
    assert task.status is TaskStatus.COMPLETED
    assert (task.steps["c"].output, task.steps["d"].output) == ("b inner", "a outer")


@on_clock
async def test_then_fail_fails_with_the_steps_own_error_after_its_handlers() -> None:
    spec = """
        steps:
          - {name: a, action: fail, on_error: {steps: [{name: b, action: fail, on_error: continue}], then: fail}}
        finally: [{name: z, action: echo, params: {value: "{{ error.step }}"}}]
    """
    task = await done(spec, fail, echo)
    assert task.error is task.steps["a"].error
    assert task.steps["z"].output == "a"


@on_clock
async def test_of_two_steps_that_fail_at_once_the_first_one_counts() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        gate = asyncio.Event()

        async def fails(name: str, gate: asyncio.Event = gate) -> None:
            await gate.wait()
            raise ValueError(name)

        spec = f"""
            steps:
              - {{name: {first}, action: fails, depends_on: [], params: {{name: {first}}}}}
              - {{name: {second}, action: fails, depends_on: [], params: {{name: {second}}}}}
            finally:
              - {{name: z, action: echo, params: {{value: "{{{{ error.step }}}} {{{{ error.message }}}}"}}}}
        """
        async with scheduler(fails, echo) as made:
            task = made.run_ad_hoc_task(spec)
            await asyncio.sleep(1)
            gate.set()
            await task.wait()
        assert task.steps["z"].output == f"{first} {first}"
        assert statuses(task) == {"a": "FAILED", "b": "FAILED", "z": "COMPLETED"}


@on_clock
async def test_a_step_beside_a_failing_one_that_swallows_its_cancellation_is_cancelled() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(100)

    spec = """
        steps:
          - {name: a, action: stubborn, depends_on: [], on_error: continue, retry: 4}
          - {name: b, action: fail, depends_on: []}
          - {name: c, action: echo, depends_on: [a]}
    """
    task = await done(spec, stubborn, fail, echo)
    assert statuses(task) == {"a": "CANCELLED", "b": "FAILED", "c": "SKIPPED"}
    assert task.steps["a"].attempts == 1


@on_clock
async def test_a_broken_description_fails_its_step() -> None:
    class Wordless:
        def __str__(self) -> str:
            raise OSError("no words")

    spec = """
        steps:
          - {name: a, action: echo, description: "{{ inputs.x }}", on_error: continue}
          - {name: b, action: echo, description: "{{ ctx.nope }}", on_error: continue}
          - {name: c, action: echo, description: "as {{ task.status }}", loop: [1]}
          - {name: d, action: echo, description: 7}
    """.replace("          - {name: d, action: echo, description: 7}\n", "")
    task = await done(spec, echo, inputs={"x": Wordless()})
    assert statuses(task) == {"a": "FAILED", "b": "FAILED", "c": "COMPLETED"}
    assert task.steps["c"].description == "as RUNNING"


# --- finally ----------------------------------------------------------------------------------------------------------


@on_clock
async def test_finally_knows_the_error_of_an_earlier_finally_step() -> None:
    spec = """
        steps: [{name: a, action: echo, params: {value: 1}}]
        finally:
          - {name: x, action: echo, params: {value: "{{ task.status }} {{ error is none }}"}}
          - {name: y, action: fail}
          - {name: z, action: echo, params: {value: "{{ task.status }} {{ error.step }} {{ error.message }}"}}
    """
    task = await done(spec, echo, fail)
    assert (task.steps["x"].output, task.steps["z"].output) == ("COMPLETED True", "FAILED y boom")
    assert (task.status, task.result) == (TaskStatus.FAILED, None)


@on_clock
async def test_after_a_cancellation_finally_sees_no_error_and_its_own_error_does_not_change_the_status() -> None:
    spec = """
        steps: [{name: a, action: pause, params: {seconds: 100}}]
        finally:
          - {name: x, action: fail}
          - {name: y, action: echo, params: {value: "{{ task.status }} {{ error is none }} {{ steps.a.status }}"}}
    """
    async with scheduler(pause, fail, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
    assert (task.status, task.error, task.result) == (TaskStatus.CANCELLED, None, None)
    assert task.steps["y"].output == "CANCELLED True CANCELLED"
    with pytest.raises(TaskCancelled):
        await task


@on_clock
async def test_a_second_cancellation_ends_finally() -> None:
    spec = """
        steps: [{name: a, action: pause, params: {seconds: 100}}, {name: b, action: echo}]
        finally:
          - {name: x, action: pause, params: {seconds: 100}, retry: 3, on_error: continue}
          - {name: y, action: echo}
    """
    async with scheduler(pause, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        assert task.in_finally
        assert task.steps["x"].status == "RUNNING"
        task.cancel()
        await task.wait()
    assert task.status is TaskStatus.CANCELLED
    assert statuses(task) == {"a": "CANCELLED", "b": "SKIPPED", "x": "CANCELLED", "y": "SKIPPED"}


@on_clock
async def test_a_first_cancellation_during_finally_ends_it() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(100)

    for action, status, final in (("echo", "COMPLETED", "CANCELLED"), ("fail", "FAILED", "FAILED")):
        spec = f"""
            steps: [{{name: a, action: {action}}}]
            finally: [{{name: x, action: stubborn}}, {{name: y, action: echo}}]
        """
        async with scheduler(echo, fail, stubborn) as made:
            task = made.run_ad_hoc_task(spec)
            await asyncio.sleep(1)
            task.cancel()
            await task.wait()
        assert task.status == final
        assert statuses(task) == {"a": status, "x": "CANCELLED", "y": "SKIPPED"}
        assert task.result is None


@on_clock
async def test_two_cancellations_at_once_leave_finally_out() -> None:
    spec = """
        steps: [{name: a, action: pause, params: {seconds: 100}}]
        finally: [{name: x, action: echo}]
    """
    async with scheduler(pause, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        task.cancel()
        await task.wait()
    assert task.status is TaskStatus.CANCELLED
    assert statuses(task) == {"a": "CANCELLED", "x": "SKIPPED"}


@on_clock
async def test_a_second_cancellation_while_a_step_cleans_up_leaves_finally_out() -> None:
    cleaned = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(50)
            cleaned.append(True)

    async with scheduler(tidy, echo) as made:
        task = made.run_ad_hoc_task("{steps: [{name: a, action: tidy}], finally: [{name: x, action: echo}]}")
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
    assert cleaned == []
    assert statuses(task) == {"a": "CANCELLED", "x": "SKIPPED"}


@on_clock
async def test_an_action_that_fails_when_it_is_cancelled_is_neither_retried_nor_handled() -> None:
    async def clumsy() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise OSError("cannot close")

    spec = """
        steps:
          - {name: a, action: clumsy, retry: 5, on_error: [{name: alert, action: echo}]}
          - {name: b, action: echo}
    """
    async with scheduler(clumsy, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
    assert (task.status, task.error) == (TaskStatus.CANCELLED, None)
    assert statuses(task) == {"a": "CANCELLED", "alert": "SKIPPED", "b": "SKIPPED"}
    assert task.steps["a"].attempts == 1


@on_clock
async def test_a_task_may_be_cancelled_while_a_handler_runs() -> None:
    spec = """
        steps:
          - name: a
            action: fail
            on_error: [{name: b, action: pause, params: {seconds: 9}}, {name: c, action: echo}]
          - {name: d, action: echo}
    """
    async with scheduler(fail, pause, echo) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
    assert statuses(task) == {"a": "FAILED", "b": "CANCELLED", "c": "SKIPPED", "d": "SKIPPED"}
    assert (task.status, task.error) == (TaskStatus.CANCELLED, None)


# --- what is told -----------------------------------------------------------------------------------------------------


@on_clock
async def test_a_skipped_step_says_why() -> None:
    spec = """
        steps:
          - {name: a, action: echo, when: false, on_error: [{name: b, action: echo}]}
          - {name: c, action: echo, on_error: [{name: d, action: echo}]}
          - {name: e, action: fail}
          - {name: f, action: echo, on_error: [{name: g, action: echo}]}
    """
    task = await done(spec, echo, fail)
    assert {name: step.reason for name, step in task.steps.items() if step.reason} == {
        "a": "the condition is false",
        "b": "not needed",
        "d": "not needed",
        "f": "a step before it failed",
        "g": "a step before it failed",
    }


@on_clock
async def test_a_step_that_failed_before_its_action_counts_no_attempt_and_has_a_duration() -> None:
    task = await done("steps: [{name: a, action: echo, when: ctx.nope}]", echo)
    step = task.steps["a"]
    assert (step.attempts, step.duration, step.status) == (0, 0.0, "FAILED")


@on_clock
async def test_durations_are_those_of_the_loops_clock() -> None:
    task = await done("steps: [{action: pause, loop: [1, 2], params: {seconds: '{{ item }}'}}]", pause)
    assert task.steps["pause"].duration == 3
    assert task.duration == 3


@on_clock
async def test_a_later_step_reads_all_that_there_is_to_know_of_a_step() -> None:
    fields = ["output", "status", "error", "errors", "attempts", "duration"]
    value = "{{ [" + ", ".join(f"steps.a.{field}" for field in fields) + "] }}"
    spec = {
        "steps": [
            {"name": "a", "action": "pause", "params": {"seconds": 2, "value": 5}},
            {"action": "echo", "params": {"value": value}},
        ]
    }
    assert (await done(spec, echo, pause)).result == [5, "COMPLETED", None, None, 1, 2]


@on_clock
async def test_the_error_of_an_earlier_attempt_is_none_of_the_step() -> None:
    calls = 0

    async def flaky() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError
        return calls

    async with scheduler(flaky) as made:
        recorder = Recorder(made)
        task = await made.run_ad_hoc_task("steps: [{action: flaky, retry: {attempts: 3, delay: 1}}]").wait()
    assert task.steps["flaky"].error is None
    [event] = recorder.named("attempt_failed")
    assert (event.attempt, type(event.error), event.delay) == (1, OSError, 1)


@on_clock
async def test_no_turn_starts_once_one_has_failed() -> None:
    started = []

    async def turn(n: int) -> None:  # never lets the loop go
        started.append(n)
        if n == 2:
            raise ValueError

    spec = {"steps": [{"action": "turn", "loop": {"times": 50, "parallelism": 4}, "params": {"n": "{{ item }}"}}]}
    await done(spec, turn)
    assert started == [0, 1, 2]


@on_loop
async def test_a_function_on_the_loop_that_takes_too_long_has_timed_out() -> None:
    def hold() -> str:
        time.sleep(0.05)
        return "late"

    task = await done("steps: [{action: hold, executor: loop, timeout: 10ms}]", hold)
    assert (type(task.error), task.steps["hold"].output) == (TimeoutError, None)
    assert "hold" in str(task.error)


@on_loop
async def test_a_step_that_holds_the_loop_is_measured_each_time_it_does() -> None:
    async def hold() -> None:
        await asyncio.sleep(0)
        time.sleep(0.05)
        await asyncio.sleep(0.2)

    async def rest() -> None:
        await asyncio.sleep(0.2)

    task = await done("steps: [{action: hold}, {action: rest}]", hold, rest)
    assert 0.05 <= task.steps["hold"].held < 0.15
    assert task.steps["rest"].held < 0.05
