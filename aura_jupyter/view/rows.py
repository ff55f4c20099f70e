"""The rows of the picture: a task's steps in their order, what each of them says, and which of them fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.tasklet import StepRun, StepStatus, Tasklet
from . import words
from .trace import Span
from .values import Mask, preview

FOLD = 20
"""Runs of more rows than this of one status fold to one."""
LIMIT = 200
"""At most so many rows are shown."""
HELD = 0.5
"""A step that held the loop longer than this is named, in seconds."""
CONDITION = "the condition is false"
_SHOWN_ALONE = frozenset({StepStatus.FAILED, StepStatus.RUNNING})


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


@dataclass(frozen=True, slots=True)
class Fold:
    """A run of lines that are shown as one."""

    lines: Sequence[Line] = field(repr=False)

    @property
    def id(self) -> str:
        """Changes with what is in it, so that a drawn fold is never mistaken for another."""
        return f"{self.lines[0].id}-{self.lines[-1].id}"

    @property
    def names(self) -> str:
        """`fetch_0001 to fetch_0211`."""
        return f"{self.lines[0].step.name} to {self.lines[-1].step.name}"


def lines(tasklet: Tasklet) -> list[Line]:
    """Every step that is shown, in the order of the rows: on_error steps once they run, a sub-task's one level in."""
    return shown_of(all_lines(tasklet))


def all_lines(tasklet: Tasklet, prefix: str = "", depth: int = 0) -> list[Line]:
    """A line for each step of the task itself, whether it is shown or not. It stays the same while the task runs."""
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


def shown_of(every: Sequence[Line]) -> list[Line]:
    """Of the lines of a task those that are shown, with those of its sub-tasks."""
    shown = []
    for line in every:
        if line.extra and not _was_needed(line.step):
            continue
        shown.append(line)
        children = line.step.children
        if children is not None:
            shown += shown_of(all_lines(children, f"{line.id}.", line.depth + 1))
    return shown


def _was_needed(step: StepRun) -> bool:
    if step.status is StepStatus.SKIPPED:
        return step.reason == CONDITION
    return step.status is not StepStatus.PENDING


def folded(shown: Sequence[Line]) -> list[Line | Fold]:
    """The lines with long runs of one status folded; where there are still too many, shorter runs fold too."""
    longest = FOLD
    result = _fold(shown, longest)
    while len(result) > LIMIT and longest > 1:
        longest //= 4
        result = _fold(shown, max(longest, 1))
    return result


def _fold(shown: Sequence[Line], longest: int) -> list[Line | Fold]:
    result: list[Line | Fold] = []
    start, size = 0, len(shown)
    while start < size:
        first, end = shown[start], start + 1
        if _may_fold(first.step):
            status, reason = first.step.status, first.step.reason
            while end < size and (line := shown[end]).step.status is status and _is_like(line, first, reason):
                end += 1
        if end - start > longest:
            result.append(Fold(shown[start:end]))
        else:
            result.extend(shown[start:end])
        start = end
    return result


def _may_fold(step: StepRun) -> bool:
    return step.status not in _SHOWN_ALONE and step.held <= HELD


def _is_like(line: Line, first: Line, reason: str) -> bool:
    step = line.step
    same_place = line.heading == first.heading and line.depth == first.depth
    return same_place and step.reason == reason and step.held <= HELD


@dataclass(frozen=True, slots=True)
class Counts:
    """How many steps there are and how many of them have ended, as the head and the progress line count them."""

    total: int
    done: int
    failed: int
    handled: int

    @classmethod
    def of(cls, shown: Sequence[Line], tasklet: Tasklet) -> Counts:
        """Count the steps that are shown, a sub-task's left out."""
        total = done = failed = handled = 0
        for line in shown:
            if line.tasklet is not tasklet:
                continue
            total += 1
            step = line.step
            status = step.status
            if status is StepStatus.FAILED:
                handled += step.handled
                failed += not step.handled
            elif status is StepStatus.COMPLETED or step.reason == CONDITION:
                done += 1
        return cls(total, done + handled, failed, handled)

    @property
    def failures(self) -> str:
        """`2 failures handled`, or nothing."""
        return f"{words.counted(self.handled, 'failure')} handled" if self.handled else ""


def icon(step: StepRun, tasklet: Tasklet) -> str:
    """The kind of icon or glyph of a step."""
    if step.status is StepStatus.RUNNING:
        if tasklet.cancelling and step.section != "finally":
            return "cancelling"
        return "asks" if step.question is not None else "retry" if step.retry_at is not None else "running"
    if step.status is StepStatus.FAILED and step.handled:
        return "handled"
    return step.status.value.lower()


ICON_WORDS = {
    "asks": "Waiting for an answer",
    "retry": "Waiting to try again",
    "cancelling": "Cancelling",
    "handled": "Failed, handled",
}


def word(kind: str) -> str:
    """The word for a kind of icon."""
    return ICON_WORDS.get(kind, kind.capitalize())


def detail(step: StepRun, tasklet: Tasklet, mask: Mask) -> tuple[list[Span], bool]:
    """What a row says beside the name, and whether it may be left out where there is little room."""
    if step.status is StepStatus.PENDING and tasklet.cancelling and step.section == "steps":
        return [["", "will be skipped"]], True
    spans, low = _DETAILS[step.status](step)
    return [[style, mask(text)] for style, text in spans if text or style], low


def _pending(step: StepRun) -> tuple[list[Span], bool]:
    return [_what(step)], True


def _what(step: StepRun) -> Span:
    return ["", words.cut(step.description, 120)] if step.description else ["c", step.action]


def _running(step: StepRun) -> tuple[list[Span], bool]:
    if step.question is not None:
        return [["b", "Waiting for an answer"]], False
    if step.retry_at is not None:
        return [["b", f"{_attempt(step, 'Attempt')} failed, next in "], ["b", ""]], False
    if step.turns is not None:
        return [*_turns(step), *_attempts(step)], False
    if step.progress is not None:
        return [["", _progress(step)], *_attempts(step)], False
    elsewhere = [["", f", {step.executor}"]] if step.executor in {"process", "dask"} else []
    return [_what(step), *elsewhere, *_attempts(step)], not elsewhere and step.attempts < 2


def _turns(step: StepRun) -> list[Span]:
    turns = step.turns
    if turns is None:
        return []
    if step.status.is_final or turns.total is None:
        spans: list[Span] = [["", words.counted(turns.done, "turn")]]
    else:
        spans = [["", f"{turns.done:,} of {turns.total:,}"]]
    return [*spans, ["", ", "], ["b", f"{turns.failed:,} failed"]] if turns.failed else spans


def _progress(step: StepRun) -> str:
    progress = step.progress
    if progress is None:
        return ""
    numbers = words.count(progress.done) if progress.done else ""
    if progress.total is not None:
        numbers = f"{words.count(progress.done)} of {words.count(progress.total)}"
    return ", ".join(part for part in (numbers, words.cut(progress.text, 80)) if part)


def _attempt(step: StepRun, first: str = "attempt") -> str:
    return f"{first} {step.attempts} of {step.max_attempts}" if step.max_attempts else f"{first} {step.attempts}"


def _attempts(step: StepRun) -> list[Span]:
    """`, attempt 3 of 3` where there was more than one; a loop's turns have their own."""
    return [["", f", {_attempt(step)}"]] if step.attempts > 1 and step.turns is None else []


def _completed(step: StepRun) -> tuple[list[Span], bool]:
    if step.turns is not None:
        return _turns(step), not step.turns.failed
    if step.children is not None:
        return [["", f"sub-task, {words.counted(len(step.children.steps), 'step')}"]], True
    what: Span = ["c", preview(step.output)] if step.output is not None else _what(step)
    return [what, *_attempts(step)], True


def _failed(step: StepRun) -> tuple[list[Span], bool]:
    shown = words.error_line(step.error) if step.error is not None else "Failed"
    return [["b", shown], *_attempts(step)], False


def _skipped(step: StepRun) -> tuple[list[Span], bool]:
    return [["", f"Skipped, {step.reason}" if step.reason else "Skipped"]], False


def _cancelled(step: StepRun) -> tuple[list[Span], bool]:
    done = bar(step)
    return [["", f"Cancelled at {done['percent']}" if done else "Cancelled"]], False


_DETAILS: dict[StepStatus, Callable[[StepRun], tuple[list[Span], bool]]] = {
    StepStatus.PENDING: _pending,
    StepStatus.RUNNING: _running,
    StepStatus.COMPLETED: _completed,
    StepStatus.FAILED: _failed,
    StepStatus.SKIPPED: _skipped,
    StepStatus.CANCELLED: _cancelled,
}


def bar(step: StepRun) -> dict[str, Any] | None:
    """How far a step is: shares of a bar in percent and the percentage as text; None where no end is known."""
    if step.turns is not None and step.turns.total:
        return _bar(step.turns.done, step.turns.failed, step.turns.total)
    if step.turns is None and step.progress is not None and step.progress.total:
        return _bar(step.progress.done, 0, step.progress.total)
    return None


def _bar(done: float, failed: int, total: float) -> dict[str, Any]:
    bad = min(max(100 * failed / total, 2 if failed else 0), 100)  # a single failure of many is seen too
    good = min(max(100 * (done - failed) / total, 0), 100 - bad)
    return {"done": round(good, 1), "failed": round(bad, 1), "percent": words.percent(done, total)}


def parallel(shown: Sequence[Line | Fold]) -> list[str]:
    """For each row its place in the bracket of steps that run side by side: first, mid, last, or nothing."""
    marks = [""] * len(shown)
    start = 0
    while start < len(shown):
        end = start
        while end < len(shown) and _beside(shown[end], shown[start]):
            end += 1
        if end - start > 1:
            marks[start:end] = ["first", *["mid"] * (end - start - 2), "last"]
        start = max(end, start + 1)
    return marks


def _beside(row: Line | Fold, first: Line | Fold) -> bool:
    if isinstance(row, Fold) or isinstance(first, Fold):
        return False
    return row.step.side_by_side and row.depth == first.depth == 0 and row.heading == first.heading


def state_of_folded(fold: Fold) -> tuple[str, str]:
    """The icon and the time of a fold: from the first start to the last end."""
    first = fold.lines[0]
    starts = [line.step.started_at for line in fold.lines if line.step.started_at is not None]
    ends = [
        line.step.started_at + line.step.duration
        for line in fold.lines
        if line.step.started_at is not None and line.step.duration is not None
    ]
    time = words.duration(max(ends) - min(starts)) if starts and ends else ""
    return icon(first.step, first.tasklet), time
