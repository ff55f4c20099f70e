"""The loop is shared: what never waits lets others in all the same, and everybody has a turn."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from aura_jupyter.engine import slices, steps
from aura_jupyter.engine.slices import Slices
from tests.unit.running import on_loop, scheduler


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slice is used up at once."""
    monkeypatch.setattr(slices, "SLICE", -1.0)
    monkeypatch.setattr(steps, "SLICE", -1.0)


SPECS = {
    "a row": {"steps": [{"action": "work"} for _ in range(30)]},
    "side by side": {"steps": [{"action": "work", "depends_on": []} for _ in range(30)]},
    "turns": {"steps": [{"action": "work", "loop": {"times": 30}}]},
    "turns at once": {"steps": [{"action": "work", "loop": {"times": 30, "parallelism": 7}}]},
    "a while": {"steps": [{"action": "work", "loop": {"while": "loop.index < 30"}}]},
    "skipped": {"steps": [{"action": "work", "when": "{{ false }}"} for _ in range(30)]},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_others_get_in_between_what_never_waits(spec: Any, no_time: None) -> None:
    async def main() -> None:
        passes = 0

        async def work() -> None:
            pass

        async def count() -> None:
            nonlocal passes
            while True:
                passes += 1
                await asyncio.sleep(0)

        async with scheduler(work) as made:
            task = made.run_ad_hoc_task(spec)
            counting = asyncio.create_task(count())
            await task.wait()
            counting.cancel()
        assert task.status == "COMPLETED"
        assert passes >= 25

    on_loop(main)()


@on_loop
async def test_those_that_wait_go_on_in_their_order_each_with_a_slice_of_its_own() -> None:
    shared = Slices(asyncio.get_running_loop())
    worked: list[int] = []

    async def work(n: int) -> None:
        for _ in range(3):
            if time.perf_counter() - shared.began > slices.SLICE:
                await shared.pause()
            worked.append(n)
            time.sleep(slices.SLICE * 1.1)

    await asyncio.gather(*[work(n) for n in range(5)])
    assert [worked.count(n) for n in range(5)] == [3] * 5
    assert all(len(set(worked[i : i + 5])) >= 4 for i in range(0, 15, 5))


@on_loop
async def test_one_that_is_cancelled_in_the_line_holds_nobody_up(no_time: None) -> None:
    shared = Slices(asyncio.get_running_loop())

    async def work() -> int:
        await shared.pause()
        await shared.pause()
        return 7

    waiting = [asyncio.create_task(work()) for _ in range(200)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    assert await asyncio.gather(*waiting[1::2]) == [7] * 100


@on_loop
async def test_a_loop_that_is_always_late_keeps_nobody_from_going_on() -> None:
    shared = Slices(asyncio.get_running_loop())
    ended = False

    async def busy() -> None:
        while not ended:
            time.sleep(slices.SLICE * 1.2)
            await asyncio.sleep(0)

    async def work() -> None:
        for _ in range(5):
            await shared.pause()

    others = [asyncio.create_task(busy()) for _ in range(2)]
    await asyncio.gather(*[work() for _ in range(3)])
    ended = True
    await asyncio.gather(*others)
