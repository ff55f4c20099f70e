"""Which step waits for which: the quick answers of the engine beside slow and simple ones."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_jupyter.engine.order import Order, find_cycle
from tests.unit.running import Recorder, done, on_clock, scheduler

Depends = list[tuple[int, ...] | None]


@st.composite
def graphs(draw: st.DrawFn) -> Depends:
    """`depends_on` of up to nine steps, cycles not excluded."""
    n = draw(st.integers(1, 9))
    one = st.none() | st.lists(st.integers(0, n - 1), max_size=3).map(tuple)
    return draw(st.lists(one, min_size=n, max_size=n))


def direct(depends: Depends) -> list[set[int]]:
    return [set(range(i)) if waits is None else set(waits) for i, waits in enumerate(depends)]


def closed(depends: Depends) -> list[set[int]]:
    """For each step all that it waits for, directly or through others."""
    waits = direct(depends)
    for _ in depends:
        waits = [mine | set().union(*(waits[j] for j in mine)) for mine in waits]
    return waits


@given(graphs())
def test_a_cycle_is_found_where_there_is_one(depends: Depends) -> None:
    cycle = find_cycle(depends)
    has_one = any(i in waits for i, waits in enumerate(closed(depends)))
    assert bool(cycle) == has_one
    for step, blocker in itertools.pairwise([*cycle, *cycle[:1]]):
        assert blocker in direct(depends)[step]


@given(graphs(), st.randoms(use_true_random=False))
def test_steps_start_when_all_that_they_wait_for_has_ended_and_not_before(depends: Depends, random: Any) -> None:
    if find_cycle(depends):
        return
    waits, runner = direct(depends), Order(depends).runner()
    ended: set[int] = set()
    open_steps = set(runner.first())
    started = set(open_steps)
    assert started == {i for i in range(len(depends)) if not waits[i]}
    while open_steps:
        step = random.choice(sorted(open_steps))
        open_steps.remove(step)
        ended.add(step)
        new = runner.ended(step)
        assert len(new) == len(set(new))
        assert not set(new) & started
        started.update(new)
        open_steps.update(new)
        assert started == {i for i in range(len(depends)) if waits[i] <= ended}
    assert ended == set(range(len(depends)))


@given(graphs())
def test_what_waits_for_what_and_what_runs_side_by_side_is_known(depends: Depends) -> None:
    if find_cycle(depends):
        return
    order, waits = Order(depends), closed(depends)
    steps = range(len(depends))
    for later, earlier in itertools.product(steps, steps):
        assert order.waits_for(later, earlier) == (earlier in waits[later])
    for i in steps:
        beside = any(j != i and j not in waits[i] and i not in waits[j] for j in steps)
        assert order.is_side_by_side(i) == beside


@pytest.mark.parametrize("n", [5_000])
def test_a_long_list_with_one_step_beside_it_is_ordered_quickly(n: int) -> None:
    depends: Depends = [None] * n
    depends[n // 2] = ()
    runner = Order(depends).runner()
    assert sorted(runner.in_order()) == list(range(n))


async def echo(value: Any = None) -> Any:
    return value


@on_clock
async def test_a_step_waits_for_the_handlers_of_what_it_waits_for() -> None:
    async def fail() -> None:
        raise ValueError

    spec = """
        steps:
          - {name: a, action: fail, depends_on: [], on_error: [{name: h, action: echo}]}
          - {name: b, action: echo, depends_on: [a]}
    """
    async with scheduler(echo, fail) as made:
        recorder = Recorder(made)
        await made.run_ad_hoc_task(spec)
    said = recorder.said()
    assert said.index("after_step_run h") < said.index("before_step_run b")


@on_clock
async def test_a_step_that_waits_for_itself_twice_over_one_other_starts_once() -> None:
    spec = "steps: [{name: a, action: echo, depends_on: []}, {name: b, action: echo, depends_on: [a, a]}]"
    assert (await done(spec, echo)).steps["b"].attempts == 1
