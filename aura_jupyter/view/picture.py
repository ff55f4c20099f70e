"""The one picture of a task, as plain data for JSON: what the live card, its snapshot and the stored output draw.

A picture is a dict of version 1:

- `task_id`, `name`, `title`, `status`; `icon` and `phrase` of the head; `said`, the sentence for a screen reader;
- `now`, `queued`, `started`, `ended` in milliseconds since 1970, so that a page ticks its own clock; `time` at the end;
- `bar`: the parts of the progress line, `[kind, percent]`; `button`, the one of the head;
- `rows`, each with an `id`: a heading (`sec`), or `name`, `icon`, `word`, `detail`, `bar`, `time` or `started`, and
  `blocks`, what opens under it. `more` says that the kernel has more of that, which is new whenever `key` is.

Text with a style is a list of spans, `[style, text]`. Nothing in a picture is HTML.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine.logs import LogRecord
from ..engine.tasklet import StepRun, StepStatus, Tasklet, TaskStatus
from . import rows, trace, values, words
from .rows import Counts, Fold, Line
from .trace import Span

VERSION = 1
MAX_BYTES = 100_000
LOG_LINES = 50
_INPUTS = 50
_NAME = 200
_SUMMARIES = 50
_STEP_IN_LOG = 20

Json = dict[str, Any]


def state(tasklet: Tasklet, *, can_run_again: bool = False) -> Json:
    """The whole picture of a task as it stands now.

    Args:
        tasklet: the task.
        can_run_again: whether an ended task has a button to run it again.
    """
    return LivePicture(tasklet, can_run_again=can_run_again).whole()


def stored(tasklet: Tasklet) -> Json:
    """The picture for a file: 50 log lines, 200 rows and 100 KB at the most; a last row names what is missing."""
    picture = state(tasklet)
    for row in picture["rows"]:
        if row["id"] == "log":
            row["blocks"] = opened(tasklet, "log")
    more = len(tasklet.logs) - LOG_LINES
    return _bounded(picture, [words.counted(more, "log line")] if more > 0 else [])


def log_line(record: LogRecord, mask: values.Mask, width: int = 0) -> list[str]:
    """`[quiet, text]` of a log record: `09:41:02.1  fetch  ` and what it says.

    Args:
        record: the record.
        mask: hides secrets.
        width: the columns for the step's name; 0 leaves it out.
    """
    moment = f"{time.strftime('%H:%M:%S', time.localtime(record.time))}.{int(record.time * 10) % 10}"
    step = f"{mask(words.cut(record.step or '', _STEP_IN_LOG)):<{width}}  " if width else ""
    level = f"{record.level}: " if record.level in {"warning", "error"} else ""
    return [f"{moment}  {step}", level + words.middle_cut(mask(record.text), 500)]


def _size(picture: Json) -> int:
    return len(json.dumps(picture, ensure_ascii=False, separators=(",", ":")).encode())


def _bounded(picture: Json, left_out: list[str]) -> Json:
    """Leave out details from the end on, then rows, until the picture is small enough."""
    size = _size(picture)
    dropped = 0
    for row in reversed(picture["rows"]):
        if size <= MAX_BYTES - 500:
            break
        blocks = row.pop("blocks", None)
        if blocks is not None:
            dropped += 1
            size -= _size(blocks)
    if dropped:
        left_out.append(f"the details of {words.counted(dropped, 'row')}")
    while size > MAX_BYTES - 500 and picture["rows"]:
        del picture["rows"][len(picture["rows"]) * 3 // 4 :]
        left_out = [*(text for text in left_out if text != "the last rows"), "the last rows"]
        size = _size(picture)
    if left_out:
        picture["rows"].append({"id": "left", "sec": f"Not stored: {', '.join(left_out)}", "depth": 0})
    return picture


class LivePicture:
    """The picture of a task that goes on: as it was last told, and what has changed since."""

    def __init__(self, tasklet: Tasklet, *, can_run_again: bool = False) -> None:
        self.tasklet = tasklet
        self.revision = 0
        self._can_run_again = can_run_again
        self._phase: tuple[object, ...] = ()
        self._every = rows.all_lines(tasklet)
        self._lock = threading.Lock()  # a page may ask for the whole in another thread
        self._head, self._rows = self._look({}, frozenset())

    def whole(self) -> Json:
        """Everything as it was last told: the next `changes` follow upon it, for every page alike."""
        with self._lock:
            return {**self._head, "rev": self.revision, "now": _now(), "rows": list(self._rows.values())}

    def changes(self, changed: Iterable[StepRun]) -> Json | None:
        """What has changed since: `head` with the changed fields, `rows` that did, `order` where rows came or went.

        Args:
            changed: the steps that something happened to.
        """
        head, shown = self._look(self._rows, frozenset(map(id, changed)))
        message: Json = {
            "head": {key: value for key, value in head.items() if self._head[key] != value},
            "rows": [row for key, row in shown.items() if self._rows.get(key) != row],
            "order": list(shown) if list(shown) != list(self._rows) else None,
        }
        message = {key: value for key, value in message.items() if value}
        if not message:
            return None
        with self._lock:
            self._head, self._rows = head, shown
            self.revision += 1
        return {**message, "rev": self.revision, "now": _now()}

    def step(self, row_id: str) -> StepRun | None:
        """The step of a row, of a sub-task's too."""
        return next((line.step for line in rows.lines(self.tasklet) if line.id == row_id), None)

    def _look(self, known: dict[str, Json], changed: frozenset[int]) -> tuple[Json, dict[str, Json]]:
        tasklet = self.tasklet
        shown = rows.shown_of(self._every)
        counts = Counts.of(shown, tasklet)
        phase = (tasklet.status, tasklet.cancelling, tasklet.in_finally)
        keep = known if phase == self._phase else {}
        self._phase = phase
        head = _head(tasklet, shown, counts, can_run_again=self._can_run_again)
        return head, {row["id"]: row for row in _rows(tasklet, shown, keep, changed)}


def _now() -> int:
    return int(time.time() * 1000)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _head(tasklet: Tasklet, shown: list[Line], counts: Counts, *, can_run_again: bool) -> Json:
    culprit = failed_in(tasklet)
    asking = next((line.step for line in shown if line.step.status is StepStatus.RUNNING and line.step.question), None)
    mask = tasklet.secrets.mask
    final = tasklet.status.is_final
    return {
        "version": VERSION,
        "task_id": tasklet.task_id,
        "name": tasklet.name,
        "title": mask(words.cut(tasklet.title, 500)),
        "status": tasklet.status.value,
        "icon": _task_icon(tasklet, asking),
        "phrase": [[style, mask(text)] for style, text in _phrase(tasklet, counts, culprit, asking) if text],
        "said": mask(_said(tasklet, culprit, asking)),
        "queued": _ms(tasklet.queued_at),
        "started": _ms(tasklet.started_at),
        "ended": _ms(tasklet.ended_at),
        "time": words.duration(tasklet.duration) if final and tasklet.duration is not None else "",
        "bar": _line(tasklet, counts),
        "button": _button(tasklet, can_run_again=can_run_again),
        "spec": tasklet.source.text is not None,
        "final": final,
    }


def _task_icon(tasklet: Tasklet, asking: StepRun | None) -> str:
    if tasklet.status is not TaskStatus.RUNNING:
        return "cancelling" if tasklet.cancelling and not tasklet.status.is_final else tasklet.status.value.lower()
    if tasklet.cancelling:
        return "cancelling"
    return "running" if asking is None else "asks"


def failed_in(tasklet: Tasklet) -> StepRun | None:
    """The step that made the task fail, where it was one."""
    if tasklet.status is not TaskStatus.FAILED:
        return None
    failed = [step for step in tasklet.steps.values() if step.status is StepStatus.FAILED and not step.handled]
    return next((step for step in failed if step.error is tasklet.error), failed[0] if failed else None)


def ended_words(tasklet: Tasklet, counts: Counts, culprit: StepRun | None) -> tuple[str, str]:
    """The word and the facts of an ended task: `Failed in join`, `2 of 5 steps`."""
    of_all = f"{counts.done:,} of {words.counted(counts.total, 'step')}"
    facts = words.counted(counts.total, "step") if tasklet.status is TaskStatus.COMPLETED else of_all
    word = words.TASK_WORDS[tasklet.status]
    if culprit is not None:
        word = f"Failed in {words.cut(culprit.name, 60)}"
    return word, ", ".join(part for part in (facts, counts.failures) if part)


def _phrase(tasklet: Tasklet, counts: Counts, culprit: StepRun | None, asking: StepRun | None) -> list[Span]:
    if tasklet.status.is_final:
        word, facts = ended_words(tasklet, counts, culprit)
        return [["b", word], ["", f", {facts}"]]
    if tasklet.status is TaskStatus.QUEUED:
        return [
            ["b", "Queued"],
            ["", f", {words.place(tasklet.queue_place)} in the queue" if tasklet.queue_place else ""],
        ]
    if tasklet.cancelling and not tasklet.in_finally:
        running = [step.name for step in tasklet.steps.values() if step.status is StepStatus.RUNNING]
        waiting = f"{running[0]} and {len(running) - 1:,} more" if len(running) > 1 else "".join(running)
        return [["b", "Cancelling…"], ["", f" waiting for {waiting} to stop" if waiting else ""]]
    word = "Waiting for you" if asking is not None else "Cancelling… cleaning up" if tasklet.cancelling else "Running"
    facts = f", {counts.done:,} of {words.counted(counts.total, 'step')}"
    return [["b", word], ["", facts], ["", f", {counts.failures}" if counts.failures else ""]]


def _said(tasklet: Tasklet, culprit: StepRun | None, asking: StepRun | None) -> str:
    title = words.cut(tasklet.title, 120)
    if asking is not None and asking.question is not None and not tasklet.cancelling:
        return f"{title} waits for you: {words.cut(asking.question.message, 200)}"
    match tasklet.status:
        case TaskStatus.QUEUED:
            return f"{title} is queued."
        case TaskStatus.COMPLETED:
            return f"{title} completed in {words.duration(tasklet.duration or 0)}."
        case TaskStatus.CANCELLED:
            return f"{title} was cancelled."
        case TaskStatus.FAILED:
            where = f" in {culprit.name}" if culprit is not None else ""
            return f"{title} failed{where}" + (f": {words.error_line(tasklet.error)}" if tasklet.error else ".")
        case _:
            return f"{title} is being cancelled." if tasklet.cancelling else f"{title} is running."


def _line(tasklet: Tasklet, counts: Counts) -> list[list[Any]]:
    """The parts of the progress line."""
    total = max(counts.total, 1)
    good = round(100 * (counts.done - counts.handled) / total, 1)
    bad = round(100 * (counts.handled + counts.failed) / total, 1)
    if tasklet.status is TaskStatus.COMPLETED:
        return [["ok", 100]]
    kind = "off" if tasklet.status.is_final else "run"
    return [part for part in ([kind, good], ["bad", bad]) if part[1]]


def _button(tasklet: Tasklet, *, can_run_again: bool) -> Json | None:
    if tasklet.status.is_final:
        return {"kind": "rerun", "label": "Run again"} if can_run_again else None
    if tasklet.in_finally:
        return {"kind": "cancel", "label": "Stop clean-up", "busy": "Stopping…"}
    if tasklet.cancelling:
        return {"kind": "cancel", "label": "Cancelling…", "off": True}
    return {"kind": "cancel", "label": "Cancel", "busy": "Cancelling…"}


def _rows(tasklet: Tasklet, shown: list[Line], keep: dict[str, Json], changed: frozenset[int]) -> Iterable[Json]:
    if tasklet.inputs:
        yield keep.get("inputs") or _inputs_row(tasklet)
    some = rows.folded(shown)
    heading: tuple[str, str] = ("", "")
    for row, beside in zip(some[: rows.LIMIT], rows.parallel(some), strict=False):
        first = row.lines[0] if isinstance(row, Fold) else row
        prefix = first.id.rpartition(".")[0]
        if first.heading and (prefix, first.heading) != heading:
            yield {"id": f"s{first.id}", "sec": tasklet.secrets.mask(first.heading), "depth": min(first.depth, 3)}
        heading = (prefix, first.heading)
        known = keep.get(row.id)
        if (
            known is not None
            and known.get("par", "") == beside
            and (isinstance(row, Fold) or id(row.step) not in changed)
        ):
            yield known
        else:
            yield _fold_row(row) if isinstance(row, Fold) else _step_row(row, beside)
    if len(some) > rows.LIMIT:
        yield {"id": "more", "sec": f"{words.counted(len(some) - rows.LIMIT, 'more row')} not shown", "depth": 0}
    yield from _end_rows(tasklet, keep)


def _inputs_row(tasklet: Tasklet) -> Json:
    mask = tasklet.secrets.mask
    spans: list[Span] = []
    pairs = []
    for name, value in list(tasklet.inputs.items())[:_INPUTS]:
        shown = _input(value, mask, values.preview)
        spans += [["", ", "]] if spans else []
        spans += [["b", name], ["", " "], shown]
        pairs.append([name, _input(value, mask, lambda some: values.full(some, mask)), tasklet.origins.get(name, "")])
    block = {"pairs": pairs}
    return {"id": "inputs", "name": "Inputs", "detail": spans, "low": True, "blocks": [block]}


def _input(value: Any, mask: values.Mask, show: Callable[[Any], str]) -> Span:
    """A value that is nothing but a secret says so."""
    if isinstance(value, str) and value and mask(value) == "***":
        return ["", "secret, not shown"]
    return ["c", mask(show(value))]


def _fold_row(fold: Fold) -> Json:
    kind, took = rows.state_of_folded(fold)
    mask = fold.lines[0].tasklet.secrets.mask
    return _without_empty(
        {
            "id": fold.id,
            "name": words.counted(len(fold.lines), "step"),
            "icon": kind,
            "word": rows.word(kind),
            "detail": [["", mask(words.cut(fold.names, 120))]],
            "low": True,
            "time": took,
            "depth": min(fold.lines[0].depth, 3),
            "more": True,
            "key": kind,
        },
    )


def _step_row(line: Line, beside: str) -> Json:
    step, tasklet = line.step, line.tasklet
    mask = tasklet.secrets.mask
    spans, low = rows.detail(step, tasklet, mask)
    kind = rows.icon(step, tasklet)
    running = step.status is StepStatus.RUNNING
    return _without_empty(
        {
            "id": line.id,
            "name": mask(words.cut(step.name, _NAME)),
            "icon": kind,
            "word": rows.word(kind) + (", side by side" if beside else ""),
            "detail": spans,
            "low": low,
            "bar": rows.bar(step) if running else None,
            "started": _ms(step.started_at) if running else None,
            "time": words.duration(step.duration)
            if step.duration is not None and not running and step.started_at
            else "",
            "until": _ms(step.retry_at) if running else None,
            "depth": min(line.depth, 3),
            "par": beside,
            "note": _held(step, mask),
            "blocks": _own_blocks(line),
            "open": kind in {"failed", "asks", "retry"},
            "more": kind not in {"asks", "retry"},
            "key": f"{kind} {step.attempts}",
        },
    )


def _without_empty(row: Json) -> Json:
    return {
        key: value
        for key, value in row.items()
        if value not in (None, "", [], False) and not (key == "depth" and not value)
    }


def _held(step: StepRun, mask: values.Mask) -> list[Span]:
    if step.held <= rows.HELD:
        return []
    said = f"{mask(step.name)} held the kernel for {words.duration(step.held)}. Make it a plain function, without "
    return [["", said], ["c", "async"], ["", "."]]


def _own_blocks(line: Line) -> list[Json]:
    """What opens under a row and is there without asking: what a person has to see."""
    step, tasklet = line.step, line.tasklet
    mask = tasklet.secrets.mask
    if step.status is StepStatus.RUNNING and step.question is not None:
        return [{"ask": mask(step.question.message), "choices": [mask(choice) for choice in step.question.choices]}]
    if step.status is StepStatus.RUNNING and step.retry_at is not None and step.error is not None:
        text = f"{type(step.error).__name__}: {step.error}"
        return [
            {"label": f"Error of attempt {step.attempts}", "text": words.middle_cut(mask(text), 1000), "error": True}
        ]
    if step.status is StepStatus.FAILED and not step.handled:
        return error_blocks(step, tasklet)
    return []


def error_blocks(step: StepRun, tasklet: Tasklet) -> list[Json]:
    """The error with the person's own frames, and the lines of the spec."""
    mask = tasklet.secrets.mask
    blocks = []
    if step.error is not None:
        blocks.append(trace.block("Error", trace.error_lines(step.error, mask), error=True))
    source = tasklet.source
    mark = trace.step_mark(source, step.path)
    if mark is not None:
        blocks.append(trace.block(f"Spec, {trace.where(source, mark)}", trace.spec_lines(source, mark, mask)))
    return blocks


def _end_rows(tasklet: Tasklet, keep: dict[str, Json]) -> Iterable[Json]:
    mask = tasklet.secrets.mask
    if tasklet.status is TaskStatus.FAILED and tasklet.error is not None and failed_in(tasklet) is None:
        line = mask(words.error_line(tasklet.error))
        block = trace.block("Error", trace.error_lines(tasklet.error, mask), error=True)
        yield {
            "id": "error", "name": "Error", "icon": "failed", "word": "Failed",
            "detail": [["b", line]], "blocks": [block], "open": True,
        }  # fmt: skip
    if tasklet.status is TaskStatus.COMPLETED and tasklet.result is not None:
        yield keep.get("result") or {
            "id": "result", "name": "Result", "detail": [["c", mask(values.preview(tasklet.result))]],
            "blocks": [value_block("", tasklet.result, mask)],
        }  # fmt: skip
    if len(tasklet.logs):
        yield _log_row(tasklet)


def _log_row(tasklet: Tasklet) -> Json:
    number = len(tasklet.logs)
    return {
        "id": "log",
        "name": "Log",
        "detail": [["", words.counted(number, "line")]],
        "low": True,
        "more": True,
        "key": number,
    }


def value_block(label: str, value: Any, mask: values.Mask) -> Json:
    """A value to look at: the head of a table, else its text."""
    if not values.is_frame(value):
        return {"label": label, "text": values.long_text(value, mask)}
    shown = values.preview(value)
    try:
        return {"label": f"{label}, {shown}" if label else "", "table": values.table(value, mask)}
    except Exception as error:  # noqa: BLE001 - a library's table in a state that it cannot show
        return {"label": label, "text": mask(f"{shown} cannot be shown: {words.error_line(error)}")}


def opened(tasklet: Tasklet, row_id: str) -> list[Json]:
    """What opens under a row, made when somebody opens it; the id `log` gives the whole log.

    Args:
        tasklet: the task.
        row_id: a row's `id`. One that is not there (any more) gives nothing.
    """
    mask = tasklet.secrets.mask
    if row_id == "log":
        return [_log_block("", list(tasklet.logs), mask)]
    shown = rows.lines(tasklet)
    for row in rows.folded(shown):
        if isinstance(row, Fold) and row.id == row_id:
            return [{"pairs": _summaries(row.lines)}]
    line = next((line for line in shown if line.id == row_id), None)
    return [] if line is None else _opened_step(line)


def _summaries(lines: Sequence[Line]) -> list[list[Any]]:
    """What is in a fold, as far as a person reads it."""
    pairs: list[list[Any]] = []
    for line in lines[:_SUMMARIES]:
        mask = line.tasklet.secrets.mask
        spans, _ = rows.detail(line.step, line.tasklet, mask)
        took = words.duration(line.step.duration) if line.step.duration is not None else ""
        pairs.append([mask(words.cut(line.step.name, 60)), ["", "".join(text for _, text in spans)], took])
    if len(lines) > _SUMMARIES:
        pairs.append(["…", ["", f"and {len(lines) - _SUMMARIES:,} more"], ""])
    return pairs


def _opened_step(line: Line) -> list[Json]:
    step, tasklet = line.step, line.tasklet
    mask = tasklet.secrets.mask
    blocks = _own_blocks(line)
    if step.status is StepStatus.FAILED and step.handled:
        blocks = error_blocks(step, tasklet)
    if step.errors:
        lines = [f"{error['index']}: {error['type']}: {error['message']}" for error in step.errors[:20]]
        label = words.counted(len(step.errors), "failed turn")
        blocks.append({"label": label, "text": mask("\n".join(lines)), "error": True})
    if step.status is StepStatus.COMPLETED and step.output is not None:
        blocks.append(value_block("Output", step.output, mask))
    written = [record for record in tasklet.logs if record.step == step.name]
    if written:
        blocks.append(_log_block("Log", written, mask, with_step=False))
    return [{"pairs": _facts(step, mask)}, *blocks] if not blocks or step.status is not StepStatus.FAILED else blocks


def _log_block(label: str, records: list[LogRecord], mask: values.Mask, *, with_step: bool = True) -> Json:
    shown = records[-LOG_LINES:]
    if len(shown) < len(records):
        label = f"{label}, last {len(shown)} of {len(records):,} lines".lstrip(", ").capitalize()
    width = min(max((len(record.step or "") for record in shown), default=0), _STEP_IN_LOG) if with_step else 0
    return {"label": label, "log": [log_line(record, mask, width) for record in shown]}


def _facts(step: StepRun, mask: values.Mask) -> list[list[Any]]:
    said = f"{mask(words.cut(step.description, 1000))}" if step.description else ""
    where = (
        "dask"
        if step.executor == "dask"
        else f"a {step.executor}"
        if step.executor in {"thread", "process"}
        else "the loop"
    )
    pairs: list[list[Any]] = [["action", ["c", step.action], ""], ["ran in", ["", where], ""]]
    return [["description", ["", said], ""], *pairs] if said else pairs
