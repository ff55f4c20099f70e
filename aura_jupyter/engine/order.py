"""Which step waits for which. That a step without `depends_on` waits for all before it needs no edge for each pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Depends = Sequence[tuple[int, ...] | None]


class Order:
    """The order of steps of which at least one has a `depends_on`."""

    __slots__ = ("_ancestors", "_beside", "_depends", "dependents")

    def __init__(self, depends: Depends) -> None:
        self._depends = depends
        self.dependents: list[list[int]] = [[] for _ in depends]
        for i, waits in enumerate(depends):
            for j in set(waits or ()):
                self.dependents[j].append(i)
        self._ancestors: list[int] | None = None  # for each step the steps it waits for, as the bits of a number
        self._beside: list[bool] | None = None

    def runner(self) -> Runner:
        """What tells, at run time, which steps may start."""
        return Runner(self._depends, self.dependents)

    def waits_for(self, later: int, earlier: int) -> bool:
        """Whether one step has surely ended when another starts, directly or through others."""
        waits = self._depends[later]
        if (waits is None and earlier < later) or (waits is not None and earlier in waits):
            return True
        if self._ancestors is None:
            self._ancestors = self._before(list(self.runner().in_order()))
        return bool(self._ancestors[later] >> earlier & 1)

    def is_side_by_side(self, i: int) -> bool:
        """Whether another step may run at the same time."""
        if self._beside is None:
            in_order = list(self.runner().in_order())
            before, after = self._before(in_order), self._after(in_order)
            n = len(self._depends)
            self._beside = [a.bit_count() + b.bit_count() + 1 < n for a, b in zip(before, after, strict=True)]
        return self._beside[i]

    def forget(self) -> None:
        """Let go of what only planning needs: it grows with the square of the number of steps."""
        self._ancestors = None

    def _before(self, in_order: Sequence[int]) -> list[int]:
        before = [0] * len(self._depends)
        all_above = reached = 0
        for i in in_order:
            waits = self._depends[i]
            if waits is not None:
                for j in waits:
                    before[i] |= before[j] | 1 << j
                continue
            while reached < i:  # visited already, since this step waits for all above it
                all_above |= before[reached] | 1 << reached
                reached += 1
            before[i] = all_above
        return before

    def _after(self, in_order: Sequence[int]) -> list[int]:
        barrier: list[int | None] = [None] * len(self._depends)  # the next step below that waits for all above it
        for i in range(len(self._depends) - 2, -1, -1):
            barrier[i] = i + 1 if self._depends[i + 1] is None else barrier[i + 1]
        after = [0] * len(self._depends)
        for i in reversed(in_order):
            below = barrier[i]
            for j in self.dependents[i] if below is None else (*self.dependents[i], below):
                after[i] |= after[j] | 1 << j
        return after


class Runner:
    """Which steps may start, as others end."""

    __slots__ = ("_barriers", "_depends", "_dependents", "_done", "_first_open", "_missing", "_next_barrier")

    def __init__(self, depends: Depends, dependents: Sequence[Sequence[int]]) -> None:
        self._depends = depends
        self._dependents = dependents
        self._missing = [-1 if waits is None else len(set(waits)) for waits in depends]
        self._barriers = [i for i, waits in enumerate(depends) if waits is None]
        self._next_barrier = 0
        self._done = bytearray(len(depends))
        self._first_open = 0  # all above this step have ended

    def first(self) -> list[int]:
        """The steps that wait for nothing."""
        return [i for i, missing in enumerate(self._missing) if missing == 0] + self._open_barriers()

    def ended(self, i: int) -> list[int]:
        """The steps that may start now that this one has ended."""
        self._done[i] = 1
        ready = []
        for j in self._dependents[i]:
            self._missing[j] -= 1
            if self._missing[j] == 0:
                ready.append(j)
        while self._first_open < len(self._done) and self._done[self._first_open]:
            self._first_open += 1
        return ready + self._open_barriers()

    def in_order(self) -> Iterator[int]:
        """All steps that can ever run, each after those it waits for."""
        ready = self.first()
        while ready:
            i = ready.pop()
            yield i
            ready.extend(self.ended(i))

    def waits_for(self, i: int) -> int | None:
        """A step that this one still waits for."""
        waits = self._depends[i]
        if waits is None:
            return self._first_open if self._first_open < i else None
        return next((j for j in waits if not self._done[j]), None)

    def _open_barriers(self) -> list[int]:
        ready = []
        while self._next_barrier < len(self._barriers) and self._barriers[self._next_barrier] <= self._first_open:
            ready.append(self._barriers[self._next_barrier])
            self._next_barrier += 1
        return ready


def find_cycle(depends: Depends) -> list[int]:
    """Steps that wait for each other in a circle; empty where there are none."""
    runner = Order(depends).runner()
    seen = set(runner.in_order())
    if len(seen) == len(depends):
        return []
    step = next(i for i in range(len(depends)) if i not in seen)
    way: list[int] = []
    while step not in way:
        way.append(step)
        blocker = runner.waits_for(step)
        assert blocker is not None
        step = blocker
    return way[way.index(step) :]
