"""A task as other programs are told of it: the models of `messages`, made from a tasklet. Any thread may ask."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

from ..engine.tasklet import StepRun, StepStatus, Tasklet, TaskStatus
from ..errors import message_of
from ..messages import (
    ErrorInfo,
    InputInfo,
    LogLine,
    LogPage,
    ProblemInfo,
    StepInfo,
    TaskDetail,
    TaskSummary,
    ValueInfo,
)
from ..spec.problems import SpecError
from . import opened, picture, rows, values, words
from .lines import numbered
from .shown import Line, Shown, Standing
from .values import Mask

MOST_OF_A_VALUE = 200_000  # characters of JSON that a result travels with
_DEPTH = 50
_INPUTS = 100
_TITLE, _NAME, _MESSAGE = 500, 200, 1_000
_LINE, _PAGE = 10_000, 500_000  # characters


def summary(tasklet: Tasklet, standing: Standing | None = None) -> TaskSummary:
    """A task in a list.

    Args:
        tasklet: the task.
        standing: how it stands, where that was looked at already.
    """
    return TaskSummary(**_summary(tasklet, standing or Standing(tasklet)))


def _summary(tasklet: Tasklet, standing: Standing) -> dict[str, Any]:
    mask, counts, asking = tasklet.secrets.mask, standing.counts, standing.asking
    culprit = picture.failed_in(tasklet)
    spans = picture.phrase(tasklet, standing, culprit, asking.step if asking is not None else None)
    return {
        "task_id": tasklet.task_id,
        "name": tasklet.name,
        "title": title(tasklet),
        "status": tasklet.status.value,
        "cancelling": tasklet.cancelling,
        "phrase": mask("".join(text for _, text in spans)),
        "queue_place": tasklet.queue_place,
        "queued_at": _moment(tasklet.queued_at),
        "started_at": _moment(tasklet.started_at) if tasklet.started_at is not None else None,
        "ended_at": _moment(tasklet.ended_at) if tasklet.ended_at is not None else None,
        "duration": tasklet.duration,
        "steps_done": counts.done,
        "steps_total": counts.total,
        "steps_failed": counts.failed,
        "error": _error(tasklet.error, mask, tasklet.error_step) if tasklet.error is not None else None,
        "asks": _name_of(asking) if asking is not None else None,
        "log": picture.written(tasklet),
        "told": mask(_told(tasklet, culprit)) if tasklet.status.is_final else None,
    }


def title(tasklet: Tasklet) -> str:
    """Its title on one line."""
    return tasklet.secrets.mask(words.cut(tasklet.title, _TITLE))


def _name_of(asking: Line) -> str:
    """What `answer` takes: the step's name, of a sub-task's step its row."""
    return asking.step.name if "." not in asking.id else asking.id


def _told(tasklet: Tasklet, culprit: StepRun | None) -> str:
    name = words.cut(tasklet.title, 120)
    took = words.duration(tasklet.duration) if tasklet.duration is not None else ""
    if tasklet.status is TaskStatus.FAILED:
        where = f" in {words.cut(culprit.name, 60)}" if culprit is not None else ""
        return f"{name} failed{where}" + (f" after {took}" if took else "")
    if tasklet.status is TaskStatus.CANCELLED:
        return f"{name} was cancelled" + (f" after {took}" if took else "")
    return f"{name} completed" + (f" in {took}" if took else "")


def detail(tasklet: Tasklet, first: int = 0, limit: int = 1000) -> TaskDetail:
    """All of a task that is JSON.

    Args:
        tasklet: the task.
        first: how many of its shown steps to leave out.
        limit: how many steps to tell of at most.
    """
    mask, shown = tasklet.secrets.mask, Shown(tasklet).lines
    done = tasklet.status is TaskStatus.COMPLETED
    inputs = [_input(tasklet, name, value) for name, value in list(tasklet.inputs.items())[:_INPUTS]]
    return TaskDetail(
        **_summary(tasklet, Standing(tasklet)),
        steps=[step_info(line) for line in shown[first : first + limit]],
        more_steps=len(shown) > first + limit,
        inputs=inputs,
        result=value_info(tasklet.result, mask) if done else None,
        spec=mask(tasklet.source.text) if tasklet.source.text is not None else None,
    )


def step_info(line: Line) -> StepInfo:
    """A step of a task."""
    step, tasklet = line.step, line.tasklet
    mask, question = tasklet.secrets.mask, line.step.question
    done, total = _progress(step)
    return StepInfo(
        row=line.id,
        name=mask(words.cut(step.name, _NAME)),
        section=step.section,
        status=step.status.value,
        action=mask(words.cut(step.action, _NAME)),
        detail=_detail(step, tasklet, mask),
        attempts=step.attempts,
        duration=step.duration,
        done=done,
        total=total,
        question=mask(question.message) if question is not None else None,
        choices=[mask(choice) for choice in question.choices] if question is not None else [],
        error=_error(step.error, mask) if step.error is not None else None,
    )


def line_of(step: StepRun, tasklet: Tasklet) -> Line:
    """The line of a step, of a sub-task's too, without looking at the others.

    Args:
        step: the step.
        tasklet: the task that it belongs to.
    """
    row, depth, within = str(step.planned.index), 0, tasklet.parent
    while within is not None:
        above, owner = within
        row, depth, within = f"{owner.planned.index}.{row}", depth + 1, above.parent
    return Line(row, step, tasklet, depth, "", extra=step.section == "on_error")


def _detail(step: StepRun, tasklet: Tasklet, mask: Mask) -> str:
    spans, _ = rows.detail(step, tasklet, mask)
    text = "".join(text for _, text in spans)
    until = step.retry_at
    return text + words.clock(until - time.time()) if until is not None and not step.status.is_final else text


def _progress(step: StepRun) -> tuple[float | None, float | None]:
    turns, progress = step.turns, step.progress
    if turns is not None:
        return turns.done, turns.total
    if progress is not None and step.status in {StepStatus.RUNNING, StepStatus.CANCELLED}:
        return _finite(progress.done), _finite(progress.total)
    return None, None


def _finite(number: float | None) -> float | None:
    return number if isinstance(number, int | float) and math.isfinite(number) else None


def _error(error: BaseException, mask: Mask, step: str | None = None) -> ErrorInfo:
    return ErrorInfo(
        type=type(error).__name__, message=words.middle_cut(mask(message_of(error)).strip(), _MESSAGE), step=step
    )


def _input(tasklet: Tasklet, name: str, value: Any) -> InputInfo:
    mask = tasklet.secrets.mask
    _, shown = opened.input_span(value, mask, lambda some: values.full(some, mask))
    return InputInfo(name=mask(name), value=shown, origin=tasklet.origins.get(name, ""))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- values -----------------------------------------------------------------------------------------------------------


class _NoJsonError(Exception):
    """A value is more than JSON can hold, or longer than what travels."""


def value_info(value: Any, mask: Mask) -> ValueInfo:
    """A Python object, as far as JSON can hold it; secrets in it are masked."""
    kind = type(value).__name__
    try:
        as_json = _Json(mask).of(value, _DEPTH)
    except _NoJsonError:
        return ValueInfo(type=kind, is_json=False, preview=mask(values.preview(value)))
    return ValueInfo(type=kind, is_json=True, value=as_json)


class _Json:
    """Makes JSON of values, and counts how much it is.

    Args:
        mask: hides secrets.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask, self._room = mask, MOST_OF_A_VALUE

    def of(self, value: Any, depth: int) -> Any:
        """The value; raises where it is no JSON. Subclasses are none: looking into them may run code of theirs."""
        kind = type(value)
        if kind is str:
            text = self._mask(value)
            self._take(len(text) + 2)
            return text
        self._take(8)
        if value is None or kind is bool or (kind is float and math.isfinite(value)):
            return value
        if kind is int and -(2**63) <= value < 2**63:  # not all that read JSON know larger ones
            return value
        if depth and kind in (list, tuple):
            return [self.of(item, depth - 1) for item in value]
        if depth and kind is dict:
            pairs = list(value.items())  # a copy: another thread may go on filling it
            if all(type(key) is str for key, _ in pairs):
                return {self.of(key, 0): self.of(item, depth - 1) for key, item in pairs}
        raise _NoJsonError

    def _take(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise _NoJsonError


# --- logs and problems ------------------------------------------------------------------------------------------------


def log_page(tasklet: Tasklet, after: int = 0, step: str | None = None, limit: int = 1000) -> LogPage:
    """The lines of a task's log with a number above `after`.

    Args:
        tasklet: the task.
        after: the number of the last line that is known.
        step: of this step alone.
        limit: how many lines at most.
    """
    log, mask = tasklet.logs, tasklet.secrets.mask
    found: list[LogLine] = []
    last, room = after, _PAGE
    for number, record in numbered(log):
        if number <= after:
            continue
        if step is None or record.step == step:
            if len(found) >= limit or room < 0:
                return LogPage(lines=found, last=last, more=True, dropped=log.dropped)
            text = words.middle_cut(mask(record.text), _LINE)
            name = mask(record.step) if record.step is not None else None
            found.append(LogLine(number=number, time=_moment(record.time), level=record.level, step=name, text=text))
            room -= len(text)
        last = number
    return LogPage(lines=found, last=last, more=False, dropped=log.dropped)


def problems(error: SpecError) -> list[ProblemInfo]:
    """The problems of a spec or of inputs."""
    return [ProblemInfo(**each) for each in error.to_json()]
