"""What a row of the picture says of its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.tasklet import StepRun, StepStatus, Tasklet
from . import words
from .trace import Span
from .values import Mask, preview


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
