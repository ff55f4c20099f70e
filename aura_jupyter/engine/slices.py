"""The loop's time in slices: however many steps and turns run without ever waiting, others get in between."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter

SLICE = 0.008  # seconds that all tasks together may hold the loop in one go
AT_ONCE = 64  # that are let in again in one pass of the loop; those that find the slice used up wait on


class Slices:
    """Where all steps and turns of a scheduler wait once they have used up a slice, in the order in which they came.

    Attributes:
        began: when the slice began. Whoever finds it older than `SLICE` calls `pause`.
    """

    __slots__ = ("_ahead", "_line", "_loop", "_moving", "_number", "_turned", "began")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: deque[asyncio.Future[bool]] = deque()
        self._ahead: list[asyncio.Future[bool]] = []  # were let in, too late in the slice
        self._moving = False
        self._number = 0  # of the slice
        self._turned = True  # the loop has let others in since the slice began
        self.began = 0.0

    async def pause(self) -> None:
        """Wait until others were let in; not at all where the loop has done that by itself meanwhile."""
        if self._turned and not self._moving:
            self._begin()
            return
        line: deque[asyncio.Future[bool]] | list[asyncio.Future[bool]] = self._line
        while True:
            mine = self._loop.create_future()
            line.append(mine)
            if not self._moving:
                self._moving = True
                self._loop.call_soon(self._move)
            if await mine or perf_counter() - self.began <= SLICE:
                return
            line = self._ahead

    def _begin(self, *, now: bool = True) -> None:
        """Begin a slice, in this pass of the loop or in its next one."""
        self.began = perf_counter()
        self._turned = False
        self._number += 1
        if now:
            self._loop.call_soon(self._turn, self._number)
        else:
            self._loop.call_soon(self._loop.call_soon, self._turn, self._number)

    def _turn(self, number: int) -> None:
        if number == self._number:
            self._turned = True

    def _move(self) -> None:
        self._line.extendleft(reversed(self._ahead))
        self._ahead.clear()
        self._begin(now=False)
        surely = True  # one goes on in any case, be the loop ever so busy with other things
        for _ in range(min(AT_ONCE, len(self._line))):
            first = self._line.popleft()
            if not first.done():
                first.set_result(surely)
                surely = False
        self._moving = bool(self._line)
        if self._moving:
            self._loop.call_soon(self._move)
