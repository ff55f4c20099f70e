"""The one picture of a task, as plain data for JSON: what the live card, its snapshot and the stored output draw.

A picture is a dict of version 1:

- `task_id`, `name`, `title`, `status`; `icon` and `phrase` of the head; `said`, the sentence for a screen reader;
- `now`, `queued`, `started`, `ended` in milliseconds since 1970, so that a page ticks its own clock; `time` at the end;
- `bar`: the parts of the progress line, `[kind, percent]`; `button`, the one of the head;
- `log`: how many lines were written; `many`, of a task of 500 steps and more: what its rows can be filtered by;
- `rows`, each with an `id`: a heading (`sec`), or `name`, `icon`, `word`, `detail`, `bar`, `time` or `started`, and
  `blocks`, what opens under it. `more` says that the kernel has more of that, which is new whenever `key` is.

The one that is stored has the last `lines` of the log, the `graph` of the steps, and what has to be seen of a failure.
Text with a style is a list of spans, `[style, text]`. Nothing in a picture is HTML.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..engine.tasklet import StepRun, StepStatus, Tasklet, TaskStatus
from . import graph, lines, opened, rows, values, words
from .shown import HELD, Counts, Fold, Line, Shown, Standing
from .trace import Span

VERSION = 1
MAX_BYTES = 100_000
LOG_LINES = 50
MANY = 500
"""Steps from which on a task's rows can be filtered."""
_GRAPH = 60
_INPUTS = 50
_NAME = 200
_OPENED_BYTES = 20_000  # of the details of a row that is stored because somebody has opened it

Json = dict[str, Any]


def state(tasklet: Tasklet, *, can_run_again: bool = False) -> Json:
    """The whole picture of a task as it stands now.

    Args:
        tasklet: the task.
        can_run_again: whether an ended task has a button to run it again.
    """
    return LivePicture(tasklet, can_run_again=can_run_again).whole()


def stored(
    tasklet: Tasklet, shown: Shown | None = None, read: Mapping[str, Sequence[Json]] = MappingProxyType({})
) -> Json:
    """The picture for a file: 50 log lines, 200 rows and 100 KB at the most; a last row names what is missing.

    Args:
        tasklet: the task.
        shown: what is known of its steps already, and is up to date.
        read: the blocks of rows that somebody has opened, which stay open where they are not large.
    """
    live = LivePicture(tasklet, shown=shown)
    picture = live.whole()
    for row in picture["rows"]:
        if row.get("icon") == "failed" or row["id"] == "result":
            row["blocks"] = opened.opened(tasklet, row["id"], live.shown)
        elif row["id"] in read and _size(blocks := read[row["id"]]) <= _OPENED_BYTES:
            row["blocks"] = blocks
    mask = tasklet.secrets.mask
    records = list(tasklet.logs)
    picture["lines"] = [lines.line(record, mask) for record in records[-LOG_LINES:]]
    if 1 < len(tasklet.steps) <= _GRAPH:
        picture["graph"] = graph.graph(tasklet)
    more = picture["log"] - LOG_LINES
    return _bounded(picture, [words.counted(more, "log line")] if more > 0 else [])


def _size(picture: Any) -> int:
    return len(json.dumps(picture, ensure_ascii=False, separators=(",", ":")).encode())


def _bounded(picture: Json, left_out: list[str]) -> Json:
    """Leave out details from the end on, then the graph, then rows, until the picture is small enough."""
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
    if size > MAX_BYTES - 500:
        size -= _size(picture.pop("graph", ""))
    while size > MAX_BYTES - 500 and picture["rows"]:
        del picture["rows"][len(picture["rows"]) * 3 // 4 :]
        left_out = [*(text for text in left_out if text != "the last rows"), "the last rows"]
        size = _size(picture)
    if left_out:
        picture["rows"].append({"id": "left", "sec": f"Not stored: {', '.join(left_out)}", "depth": 0})
    return picture


class LivePicture:
    """The picture of a task that goes on: as it was last told, and what has changed since.

    Args:
        tasklet: the task.
        can_run_again: whether an ended task has a button to run it again.
        shown: what is known of its steps already, and is up to date.

    Attributes:
        shown: what is shown of its steps.
        revision: counts what was told.
    """

    def __init__(self, tasklet: Tasklet, *, can_run_again: bool = False, shown: Shown | None = None) -> None:
        self.tasklet = tasklet
        self.revision = 0
        self.shown = shown or Shown(tasklet)
        self._can_run_again = can_run_again
        self._phase = self._now_in()
        self._again: set[StepRun] = (
            set()
        )  # to be looked at the next time, too: nobody tells when their handling has failed
        self._marked: list[str] | None = None  # the marks that the page knows, where it has asked for them
        self._lock = threading.Lock()  # a page may ask for the whole in another thread
        self._head, self._rows = self._look({}, frozenset())

    def whole(self) -> Json:
        """Everything as it was last told: the next `changes` follow upon it, for every page alike."""
        with self._lock:
            shown = [dict(row) for row in self._rows.values()]
            return {**self._head, "rev": self.revision, "now": _now(), "rows": shown}

    @property
    def is_behind(self) -> bool:
        """Whether the task has come to another status than the one that was told, or is told to stop; any thread."""
        return self._phase != self._now_in()

    def changes(self, changed: Iterable[StepRun], note: str = "") -> Json | None:
        """What has changed since: `head` with the changed fields, `rows` that did, `order` where rows came or went.

        Args:
            changed: the steps that something happened to.
            note: what is to be said behind how the task is.
        """
        changed = {*changed, *self._again}
        self._again = self.shown.owners(changed)
        changed |= self._again
        known_phase, phase = self._phase, self._now_in()
        self._phase = phase
        self.shown.update(changed)
        head, shown = self._look(self._rows if phase == known_phase else {}, frozenset(map(id, changed)))
        if note:
            head["phrase"] = [*head["phrase"], ["", f", {note}"]]
        message: Json = {
            "head": {key: value for key, value in head.items() if self._head.get(key) != value},
            "rows": [row for key, row in shown.items() if (known := self._rows.get(key)) is not row and known != row],
            "order": list(shown) if list(shown) != list(self._rows) else None,
            "marks": self._new_marks(changed if phase == known_phase else None),
        }
        message = {key: value for key, value in message.items() if value}
        if not message:
            return None
        with self._lock:
            self._head, self._rows = head, shown
            self.revision += 1
        return {**message, "rev": self.revision, "now": _now()}

    def known(self, changed: Iterable[StepRun]) -> Shown:
        """What is shown of its steps, as it is now, without telling it."""
        self.shown.update({*changed, *self._again})
        return self.shown

    def steps(self) -> Json:
        """Every step's name, and in `marks` a character for its state; from now on `changes` has those that change."""
        self._marked = list(self.shown.marks())
        mask = self.tasklet.secrets.mask
        names = [mask(words.cut(line.step.name, _NAME)) for line in self.shown.own]
        return {"names": names, "marks": "".join(self._marked)}

    def rows_of(self, numbers: Iterable[int]) -> list[Json]:
        """The rows of steps, by their places in `steps`."""
        own = self.shown.own
        return [{**_step_row(own[number], ""), "id": str(number)} for number in numbers if 0 <= number < len(own)]

    def _new_marks(self, changed: Iterable[StepRun] | None) -> list[list[Any]]:
        """The marks that have changed, `[place, mark]`, of these steps or of all."""
        known, shown = self._marked, self.shown
        if known is None:
            return []
        places = (shown.own_place.get(id(step), -1) for step in changed) if changed is not None else range(len(known))
        new: list[list[Any]] = []
        for at in places:
            if at >= 0 and (mark := shown.mark_of(shown.own[at])) != known[at]:
                known[at] = mark
                new.append([at, mark])
        return new

    def _now_in(self) -> tuple[object, ...]:
        return self.tasklet.status, self.tasklet.cancelling, self.tasklet.in_finally

    def _look(self, keep: dict[str, Json], changed: frozenset[int]) -> tuple[Json, dict[str, Json]]:
        head = _head(self.tasklet, self.shown, can_run_again=self._can_run_again)
        return head, {row["id"]: row for row in _rows(self.tasklet, self.shown, keep, changed)}


def _now() -> int:
    return int(time.time() * 1000)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _head(tasklet: Tasklet, shown: Shown, *, can_run_again: bool) -> Json:
    culprit = failed_in(tasklet)
    counts = shown.counts
    asking = next((line.step for line in shown.running.values() if line.step.question is not None), None)
    mask = tasklet.secrets.mask
    final = tasklet.status.is_final
    return {
        "version": VERSION,
        "task_id": tasklet.task_id,
        "name": tasklet.name,
        "title": mask(words.cut(tasklet.title, 500)),
        "status": tasklet.status.value,
        "icon": _task_icon(tasklet, asking),
        "phrase": [[style, mask(text)] for style, text in phrase(tasklet, shown, culprit, asking) if text],
        "said": mask(said(tasklet, culprit, asking)),
        "queued": _ms(tasklet.queued_at),
        "started": _ms(tasklet.started_at),
        "ended": _ms(tasklet.ended_at),
        "time": words.duration(tasklet.duration) if final and tasklet.duration is not None else "",
        "bar": _line(tasklet, counts),
        "button": _button(tasklet, can_run_again=can_run_again),
        "spec": tasklet.source.text is not None,
        "log": written(tasklet),
        "many": _many(shown) if len(shown.own) >= MANY else None,
        "final": final,
    }


def written(tasklet: Tasklet) -> int:
    """How many lines the task has written, those that were dropped included."""
    log = tasklet.logs
    return len(log) + log.dropped


_FILTERS = (("Running", "r"), ("Failed", "fh"), ("Pending", "p"), ("Skipped", "sk"), ("Cancelled", "x"))


def _many(shown: Shown) -> list[list[Any]]:
    """What the rows of a large task can be filtered by: `[word, marks, number]`."""
    found = [[word, marks, shown.number(marks)] for word, marks in _FILTERS]
    return [["All", "", shown.counts.total], *(each for each in found if each[2])]


def _task_icon(tasklet: Tasklet, asking: StepRun | None) -> str:
    if tasklet.status is not TaskStatus.RUNNING:
        return "cancelling" if tasklet.cancelling and not tasklet.status.is_final else tasklet.status.value.lower()
    if tasklet.cancelling:
        return "cancelling"
    return "running" if asking is None else "asks"


def failed_in(tasklet: Tasklet) -> StepRun | None:
    """The step that made the task fail, where it was one."""
    name = tasklet.error_step
    return tasklet.steps[name] if name is not None and name in tasklet.steps else None


def ended_words(tasklet: Tasklet, counts: Counts, culprit: StepRun | None) -> tuple[str, str]:
    """The word and the facts of an ended task: `Failed in join`, `2 of 5 steps`."""
    of_all = f"{counts.done:,} of {words.counted(counts.total, 'step')}"
    facts = words.counted(counts.total, "step") if tasklet.status is TaskStatus.COMPLETED else of_all
    word = words.TASK_WORDS[tasklet.status]
    if culprit is not None:
        word = f"Failed in {words.cut(culprit.name, 60)}"
    return word, ", ".join(part for part in (facts, counts.failures) if part)


def phrase(tasklet: Tasklet, shown: Shown | Standing, culprit: StepRun | None, asking: StepRun | None) -> list[Span]:
    """How a task stands, in words: `Running, 2 of 5 steps`.

    Args:
        tasklet: the task.
        shown: what is known of its steps.
        culprit: the step that it failed in.
        asking: the step that waits for an answer.
    """
    counts = shown.counts
    if tasklet.status.is_final:
        word, facts = ended_words(tasklet, counts, culprit)
        return [["b", word], ["", f", {facts}"]]
    if tasklet.status is TaskStatus.QUEUED:
        return [
            ["b", "Queued"],
            ["", f", {words.place(tasklet.queue_place)} in the queue" if tasklet.queue_place else ""],
        ]
    if tasklet.cancelling and not tasklet.in_finally:
        running = [line.step.name for _, line in sorted(shown.running.items()) if line.tasklet is tasklet]
        waiting = f"{running[0]} and {len(running) - 1:,} more" if len(running) > 1 else "".join(running)
        return [["b", "Cancelling…"], ["", f" waiting for {waiting} to stop" if waiting else ""]]
    word = "Waiting for you" if asking is not None else "Cancelling… cleaning up" if tasklet.cancelling else "Running"
    facts = f", {counts.done:,} of {words.counted(counts.total, 'step')}"
    return [["b", word], ["", facts], ["", f", {counts.failures}" if counts.failures else ""]]


def said(tasklet: Tasklet, culprit: StepRun | None, asking: StepRun | None) -> str:
    """The sentence for who does not look."""
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


def _rows(tasklet: Tasklet, shown: Shown, keep: dict[str, Json], changed: frozenset[int]) -> Iterable[Json]:
    if tasklet.inputs:
        yield keep.get("inputs") or _inputs_row(tasklet)
    some, more = shown.folded()
    heading: tuple[str, str] = ("", "")
    for row, beside in zip(some, shown.parallel(some), strict=True):
        first = row.lines[0] if isinstance(row, Fold) else row
        prefix = first.id.rpartition(".")[0]
        if first.heading and (prefix, first.heading) != heading:
            yield {"id": f"s{first.id}", "sec": tasklet.secrets.mask(first.heading), "depth": min(first.depth, 3)}
        heading = (prefix, first.heading)
        if isinstance(row, Fold):
            yield _fold_row(row, shown.took(row))
            continue
        known = keep.get(row.id)
        if known is not None and known.get("par", "") == beside and id(row.step) not in changed:
            yield known
        else:
            yield _step_row(row, beside)
    if more:
        yield {"id": "more", "sec": f"{words.counted(more, 'more row')} not shown", "depth": 0}
    yield from _end_rows(tasklet, keep)


def _inputs_row(tasklet: Tasklet) -> Json:
    mask = tasklet.secrets.mask
    spans: list[Span] = []
    pairs = []
    for name, value in list(tasklet.inputs.items())[:_INPUTS]:
        named, origin = mask(name), tasklet.origins.get(name, "")
        spans += [["", ", "]] if spans else []
        spans += [["b", named], ["", " "], opened.input_span(value, mask, values.preview)]
        pairs.append([named, opened.input_span(value, mask, lambda some: values.full(some, mask)), origin])
    block = {"pairs": pairs}
    return {"id": "inputs", "name": "Inputs", "detail": spans, "low": True, "blocks": [block]}


def _fold_row(fold: Fold, took: str) -> Json:
    first = fold.lines[0]
    kind = rows.icon(first.step, first.tasklet)
    mask = first.tasklet.secrets.mask
    return _without_empty(
        {
            "id": fold.id,
            "name": words.counted(len(fold.lines), "step"),
            "icon": kind,
            "word": rows.word(kind),
            "detail": [["", mask(words.cut(fold.names, 120))]],
            "low": True,
            "time": took,
            "depth": min(first.depth, 3),
            "more": True,
            "key": f"{kind} {len(fold.lines)}",
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
            "note": _held(step, tasklet),
            "blocks": opened.urgent_blocks(line),
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


def _held(step: StepRun, tasklet: Tasklet) -> list[Span]:
    if step.held <= HELD:
        return []
    name, held = tasklet.secrets.mask(step.name), words.duration(step.held)
    said = f"{name} held {words.held(tasklet)} for {held}. Make it a plain function, without "
    return [["", said], ["c", "async"], ["", "."]]


def _end_rows(tasklet: Tasklet, keep: dict[str, Json]) -> Iterable[Json]:
    mask = tasklet.secrets.mask
    if tasklet.status is TaskStatus.FAILED and tasklet.error is not None and failed_in(tasklet) is None:
        line = mask(words.error_line(tasklet.error))
        yield {
            "id": "error", "name": "Error", "icon": "failed", "word": "Failed",
            "detail": [["b", line]], "open": True, "more": True, "key": 0,
        }  # fmt: skip
    if tasklet.status is TaskStatus.COMPLETED and tasklet.result is not None:
        yield keep.get("result") or {
            "id": "result", "name": "Result", "detail": [["c", mask(values.preview(tasklet.result))]],
            "more": True, "key": 0,
        }  # fmt: skip
