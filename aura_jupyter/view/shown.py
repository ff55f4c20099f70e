"""The steps of a task that are shown, counted and in runs. Keeping that up to date costs what changes, not what is."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..engine.steps import CONDITION
from ..engine.tasklet import StepRun, StepStatus, Tasklet
from . import words

if TYPE_CHECKING:
    from ..engine.plan import PlannedStep

FOLD = 20
"""Runs of more rows than this of one status fold to one."""
LIMIT = 200
"""At most so many rows are shown."""
HELD = 0.5
"""A step that held the loop longer than this is named, in seconds."""
_ALONE = frozenset({StepStatus.FAILED, StepStatus.RUNNING})
_GROUPED = 100  # steps up to which it is looked for groups of side-by-side steps that follow each other
_DIGITS = 9  # of a row's number

MARKS = {
    StepStatus.PENDING: "p",
    StepStatus.RUNNING: "r",
    StepStatus.COMPLETED: "c",
    StepStatus.FAILED: "f",
    StepStatus.SKIPPED: "s",
    StepStatus.CANCELLED: "x",
}
"""One character for the state of a step; `h` a handled failure, `k` skipped by its condition, a space: not shown."""


@dataclass(slots=True)
class Line:
    """One step that is shown: where it stands, not yet what it says."""

    id: str
    step: StepRun
    tasklet: Tasklet
    depth: int
    heading: str
    extra: bool
    """Whether it is shown only once it was needed: a step of an on_error."""
    children: Tasklet | None = None
    """The sub-task whose steps are shown under it."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A run of lines that are shown as one."""

    lines: Sequence[Line] = field(repr=False)

    @property
    def id(self) -> str:
        """Stays the same while the run grows."""
        return f"{self.lines[0].id}-"

    @property
    def names(self) -> str:
        """`fetch_0001 to fetch_0211`."""
        return f"{self.lines[0].step.name} to {self.lines[-1].step.name}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many steps there are and how many of them have ended, as the head and the progress line count them."""

    total: int
    done: int
    failed: int
    handled: int

    @property
    def failures(self) -> str:
        """`2 failures handled`, or nothing."""
        return f"{words.counted(self.handled, 'failure')} handled" if self.handled else ""


def mark(step: StepRun) -> str:
    """The character for the state of a step."""
    status = step.status
    if status is StepStatus.FAILED and step.handled:
        return "h"
    return "k" if status is StepStatus.SKIPPED and step.reason == CONDITION else MARKS[status]


class Shown:
    """What is shown of a task's steps.

    Args:
        tasklet: the task.

    Attributes:
        own: a line for each step of the task itself, whether it is shown or not, in the order of `tasklet.steps`.
        own_place: where a step, by its `id()`, stands in `own`.
        lines: the lines that are shown: on_error steps once they run, a sub-task's one level in.
        running: of those the ones that run, by their place.
    """

    def __init__(self, tasklet: Tasklet) -> None:
        self.tasklet = tasklet
        self.own = _all_lines(tasklet)
        self.own_place = {id(line.step): at for at, line in enumerate(self.own)}
        self._groups = _groups(tasklet)
        self.rebuild()

    def rebuild(self) -> None:
        """Look at every step again."""
        self.lines = lines = _shown(self.own)
        self._place = {id(line.step): at for at, line in enumerate(lines)}
        self._marks = marks = [mark(line.step) for line in lines]
        self._keys = keys = [_key(line) for line in lines]
        self._number = Counter(known for known, line in zip(marks, lines, strict=True) if line.tasklet is self.tasklet)
        self._starts = [at for at, key in enumerate(keys) if at == 0 or key is None or key != keys[at - 1]]
        self._times: dict[int, tuple[object, int, float, float]] = {}
        self.running = {at: lines[at] for at, known in enumerate(marks) if known == "r"}

    def owners(self, steps: Iterable[StepRun]) -> set[StepRun]:
        """The steps whose on_error these belong to: a failure that was handled is none once its handling has failed."""
        found = set()
        for step in steps:
            owner, at = step.planned.owner, self._place.get(id(step))
            if owner is not None and at is not None:
                found.add(self.lines[at].tasklet.steps.at(owner.index))
        return found

    def update(self, changed: Iterable[StepRun]) -> None:
        """Look at the steps that something has happened to."""
        for step in changed:
            at = self._place.get(id(step))
            if at is None:
                if _was_needed(step):
                    return self.rebuild()
            elif self.lines[at].children is not step.children:
                return self.rebuild()
            else:
                self._look_at(at)
        return None

    def _look_at(self, at: int) -> None:
        line = self.lines[at]
        known = mark(line.step)
        if known != self._marks[at]:
            if line.tasklet is self.tasklet:
                self._number[self._marks[at]] -= 1
                self._number[known] += 1
            self._marks[at] = known
            self.running.pop(at, None)
            if known == "r":
                self.running[at] = line
        key = _key(line)
        if key != self._keys[at]:
            self._keys[at] = key
            self._set_start(at)
            self._set_start(at + 1)

    def _set_start(self, at: int) -> None:
        keys, starts = self._keys, self._starts
        if not 0 < at < len(keys):
            return
        begins = keys[at] is None or keys[at] != keys[at - 1]
        place = bisect_left(starts, at)
        is_there = place < len(starts) and starts[place] == at
        if begins and not is_there:
            starts.insert(place, at)
        elif is_there and not begins:
            del starts[place]

    @property
    def counts(self) -> Counts:
        """The numbers of the head; a sub-task's steps are left out."""
        return _counts(self._number)

    def number(self, marks: str) -> int:
        """How many of the task's own shown steps have one of these marks."""
        return sum(self._number[each] for each in marks)

    def marks(self) -> str:
        """A character for each of `own`."""
        return "".join(self.mark_of(line) for line in self.own)

    @staticmethod
    def mark_of(line: Line) -> str:
        """The character of a line; a space where it is not shown."""
        return " " if line.extra and not _was_needed(line.step) else mark(line.step)

    def line(self, row_id: str) -> Line | None:
        """The line of a row, of a sub-task's too."""
        if row_id.isdecimal() and len(row_id) <= _DIGITS and int(row_id) < len(self.own):
            return self.own[int(row_id)]
        return next((line for line in self.lines if line.id == row_id), None)

    def folded(self) -> tuple[list[Line | Fold], int]:
        """The rows, long runs of one status folded, where there are too many shorter ones too; and how many more."""
        runs = list(zip(self._starts, [*self._starts[1:], len(self.lines)], strict=True)) if self.lines else []
        longest = FOLD
        while (total := self._rows_with(runs, longest)) > LIMIT and longest > 1:
            longest = max(longest // 4, 1)
        rows: list[Line | Fold] = []
        for start, end in runs:
            if len(rows) >= LIMIT:
                break
            if self._keys[start] is not None and end - start > longest:
                rows.append(Fold(self.lines[start:end]))
            else:
                rows.extend(self.lines[start:end])
        return rows[:LIMIT], max(total - LIMIT, 0)

    def _rows_with(self, runs: Sequence[tuple[int, int]], longest: int) -> int:
        keys = self._keys
        return sum(1 if end - start > longest and keys[start] is not None else end - start for start, end in runs)

    def took(self, fold: Fold) -> str:
        """The time of a fold: from the first start to the last end. What is known of it is kept while it grows."""
        start = self._place[id(fold.lines[0].step)]
        key, seen, first, last = self._times.get(start, (None, 0, float("inf"), 0.0))
        if key != self._keys[start] or seen > len(fold.lines):
            seen, first, last = 0, float("inf"), 0.0
        for line in fold.lines[seen:]:
            began, took = line.step.started_at, line.step.duration
            if began is not None and took is not None:
                first, last = min(first, began), max(last, began + took)
        self._times[start] = (self._keys[start], len(fold.lines), first, last)
        return words.duration(last - first) if last else ""

    def parallel(self, rows: Sequence[Line | Fold]) -> list[str]:
        """For each row its place in the bracket of steps that run side by side: first, mid, last, or nothing."""
        groups = [self._group(row) for row in rows]
        places = [""] * len(rows)
        for at, group in enumerate(groups):
            if group is None:
                continue
            follows = at > 0 and groups[at - 1] == group
            goes_on = at + 1 < len(groups) and groups[at + 1] == group
            places[at] = ("mid" if goes_on else "last") if follows else "first" if goes_on else ""
        return places

    def _group(self, row: Line | Fold) -> int | None:
        if isinstance(row, Fold) or row.depth:
            return None
        return self._groups.get(id(row.step.planned))


class Standing:
    """How a task stands, by one look at its steps: cheaper than `Shown`, and for any thread.

    Args:
        tasklet: the task.

    Attributes:
        counts: the numbers of the head.
        running: the lines of its own steps that run, by their place.
    """

    def __init__(self, tasklet: Tasklet) -> None:
        self.tasklet = tasklet
        rows, touched = tasklet.plan.rows, tasklet.steps.touched()
        number: Counter[str] = Counter()
        self.running: dict[int, Line] = {}
        for at, step in enumerate(touched):
            if step is None:
                number["p"] += rows[at].section != "on_error"
            elif rows[at].section != "on_error" or _was_needed(step):
                number[mark(step)] += 1
                if step.status is StepStatus.RUNNING:
                    self.running[at] = Line(str(at), step, tasklet, 0, "", extra=False)
        self.counts = _counts(number)

    @property
    def asking(self) -> Line | None:
        """The step that waits for a person's answer, of a sub-task's too; the first one."""
        return next((found for line in self.running.values() if (found := _asking(line)) is not None), None)


def _asking(line: Line) -> Line | None:
    if line.step.question is not None:
        return line
    child = line.step.children
    if child is None or child.status.is_final:
        return None
    within = Standing(child).asking
    return replace(within, id=f"{line.id}.{within.id}") if within is not None else None


def _counts(number: Counter[str]) -> Counts:
    done = number["c"] + number["k"] + number["h"]
    return Counts(number.total(), done, number["f"], number["h"])


def _all_lines(tasklet: Tasklet, prefix: str = "", depth: int = 0) -> list[Line]:
    found = []
    for number, step in enumerate(tasklet.steps.values()):
        section = step.section
        extra = section == "on_error"
        heading = ""
        if extra:
            heading = f"On error of {words.cut(step.parent or '', 100)}"
        elif section == "finally":
            heading = "Finally"
        found.append(Line(f"{prefix}{number}", step, tasklet, depth + extra, heading, extra))
    return found


def _shown(every: Sequence[Line]) -> list[Line]:
    shown = []
    for line in every:
        if line.extra and not _was_needed(line.step):
            continue
        shown.append(line)
        line.children = line.step.children
        if line.children is not None:
            shown += _shown(_all_lines(line.children, f"{line.id}.", line.depth + 1))
    return shown


def _was_needed(step: StepRun) -> bool:
    if step.status is StepStatus.SKIPPED:
        return step.reason == CONDITION
    return step.status is not StepStatus.PENDING


def _key(line: Line) -> tuple[object, ...] | None:
    """Lines next to each other with equal keys may fold; those with None never do."""
    step = line.step
    status = step.status
    if status in _ALONE or step.held > HELD:
        return None
    return status, step.reason, line.heading, line.depth


def _groups(tasklet: Tasklet) -> dict[int, int]:
    """For each step that others run beside, by its planned step, the number of the group that it stands in."""
    plan = tasklet.plan
    if plan.order is None:
        return {}
    groups: dict[int, int] = {}
    number = 0
    for run in _runs_side_by_side(plan.steps):
        cuts = set(_cuts(run)) if len(run) <= _GROUPED else set()
        for at, step in enumerate(run):
            number += at == 0 or at in cuts
            groups[id(step)] = number
    return groups


def _runs_side_by_side(steps: Sequence[PlannedStep]) -> Iterator[list[PlannedStep]]:
    run: list[PlannedStep] = []
    for step in steps:
        if step.side_by_side:
            run.append(step)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _cuts(run: Sequence[PlannedStep]) -> Iterator[int]:
    """Where a group ends, since all that follows waits for all of it."""
    order = run[0].order
    assert order is not None
    waits = []  # for each step how many of the run, from its beginning, it waits for
    for at, later in enumerate(run):
        number = 0
        while number < at and order.waits_for(later.position, run[number].position):
            number += 1
        waits.append(number)
    least = len(run)
    for at in range(len(run) - 1, 0, -1):
        least = min(least, waits[at])
        if least >= at:
            yield at
