"""The picture as text: a sentence, a table, and lines for a terminal. Words carry the meaning, glyphs only help."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from ..engine.steps import CONDITION
from ..engine.tasklet import StepRun, StepStatus, Tasklet, TaskStatus
from . import rows, trace, words
from .picture import ended_words, failed_in
from .shown import Counts, Fold, Line, Shown
from .values import preview

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")
_NAME_WIDTH = 30
_DETAIL_WIDTH = 38


def sentence(tasklet: Tasklet) -> str:
    """What stands for the card of a task where only text is shown: the same before, while and after it runs."""
    title = tasklet.secrets.mask(words.cut(tasklet.title, 200))
    number = len(tasklet.plan.steps)
    result = f"; `await {tasklet.name}` gives its result." if tasklet.name else "."
    return f'Aura task "{title}" with {words.counted(number, "step")}. Its card shows how it goes{result}'


def text_final(tasklet: Tasklet, shown: Shown | None = None) -> str:
    """An ended task: a line for it and one for each step, without anything that differs between two equal runs.

    Args:
        tasklet: the task.
        shown: what is known of its steps already, and is up to date.
    """
    shown = shown or Shown(tasklet)
    text = "\n".join(_table(tasklet, _final_head(tasklet, shown.counts), shown, now=False))
    return _ADDRESS.sub("0x…", text)


def text_now(tasklet: Tasklet) -> str:
    """How a task stands at this moment, with times and what its steps gave: `print(tasklet)`."""
    shown = Shown(tasklet)
    return "\n".join(_table(tasklet, _head_now(tasklet, shown.counts), shown, now=True))


def _final_head(tasklet: Tasklet, counts: Counts) -> str:
    word, facts = ended_words(tasklet, counts, failed_in(tasklet))
    word = word[0].lower() + word[1:]
    return f"{word}, {facts}" if tasklet.status is TaskStatus.COMPLETED else word


def _head_now(tasklet: Tasklet, counts: Counts) -> str:
    if tasklet.status is TaskStatus.QUEUED:
        return f"queued, {words.place(tasklet.queue_place)} in the queue" if tasklet.queue_place else "queued"
    if tasklet.status.is_final:
        word, facts = ended_words(tasklet, counts, failed_in(tasklet))
        took = f", {words.duration(tasklet.duration)}" if tasklet.duration is not None else ""
        return f"{word[0].lower()}{word[1:]}, {facts}{took}"
    word = "cancelling" if tasklet.cancelling else "running"
    return f"{word}, {counts.done:,} of {words.counted(counts.total, 'step')}, {words.clock(tasklet.duration or 0)}"


def _table(tasklet: Tasklet, head: str, shown: Shown, *, now: bool) -> Iterator[str]:
    mask = tasklet.secrets.mask
    some, more = shown.folded()
    names = [_name(row) for row in some]
    width = min(max((_width(name) for name in names), default=0), _NAME_WIDTH)
    yield mask(f"{words.cut(tasklet.title, 500)}: {head}")
    in_finally = False
    for row, name in zip(some, names, strict=True):
        line = row.lines[0] if isinstance(row, Fold) else row
        if line.heading == "Finally" and not in_finally:
            yield "  finally"
        in_finally = line.heading == "Finally"
        yield mask(_row(row, line, name, width, now=now))
    if more:
        yield f"  {words.counted(more, 'more line')} not shown"
    if tasklet.status is TaskStatus.FAILED and failed_in(tasklet) is None and tasklet.error is not None:
        yield mask(words.error_line(tasklet.error))
    if tasklet.status is TaskStatus.COMPLETED and tasklet.result is not None:
        yield mask(f"Result: {preview(tasklet.result)}")


def _row(row: Line | Fold, line: Line, name: str, width: int, *, now: bool) -> str:
    indent = "  " * (line.depth + 1)
    word = line.step.status.value.lower()
    if isinstance(row, Fold):
        return f"{indent}{word:<9}  {name}"
    what = _what_now(line) if now else _what_final(line)
    took = _took(line.step) if now else ""
    text = f"{indent}{word:<9}  {_pad(name, width)}"
    if took:
        return f"{text}  {_pad(what, _DETAIL_WIDTH)}  {took:>8}"
    return f"{text}  {what}".rstrip()


def _name(row: Line | Fold) -> str:
    if isinstance(row, Fold):
        return f"{row.names} ({words.counted(len(row.lines), 'step')})"
    return words.cut(row.step.name, 200)


def _what_final(line: Line) -> str:
    """Why a step failed or was skipped, or that it belongs to another; nothing for one that simply completed."""
    step = line.step
    if step.status is StepStatus.FAILED:
        said = words.error_line(step.error) if step.error is not None else ""
        return said if step.handled else f"{said}{_where(line)}"
    if step.status is StepStatus.SKIPPED:
        return step.reason
    turns = _turns(line) if step.turns is not None and step.status is StepStatus.COMPLETED else ""
    belongs = f"on error of {step.parent}" if step.section == "on_error" else ""
    return ", ".join(part for part in (turns, belongs) if part)


def _turns(line: Line) -> str:
    spans, _ = rows.detail(line.step, line.tasklet, str)
    return "".join(text for _, text in spans)


def _where(line: Line) -> str:
    source = line.tasklet.source
    mark = trace.failed_mark(source, line.step)
    return "" if mark is None else f" ({trace.where(source, mark)})"


def _what_now(line: Line) -> str:
    step = line.step
    if step.status is StepStatus.PENDING:
        return ""
    if step.status is StepStatus.SKIPPED:
        return step.reason
    spans, _ = rows.detail(step, line.tasklet, line.tasklet.secrets.mask)
    text = "".join(text for _, text in spans)
    if step.retry_at is not None:
        text += words.clock(step.retry_at - time.time())
    progress = rows.bar(step) if step.status is StepStatus.RUNNING else None
    return f"{progress['percent']}, {text}" if progress else text


def _took(step: StepRun) -> str:
    if step.status is StepStatus.RUNNING:
        return words.clock(time.time() - step.started_at) if step.started_at is not None else ""
    return words.duration(step.duration) if step.duration is not None and step.started_at is not None else ""


def _width(text: str) -> int:
    """How many columns a text takes in a terminal: East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)


def _pad(text: str, width: int) -> str:
    return text + " " * max(width - _width(text), 0)


class TerminalLines:
    """A listener that writes one line for each change, never rewritten: for a terminal, a pipe or a log file.

    Args:
        stream: where the lines go. Glyphs only where its encoding has them, colours as `wants_colour` says.
        tasklet: write of this task only, instead of all.
        environ: the environment to look at; the process's own by default.
        log: write what the steps write, too.
    """

    def __init__(
        self,
        stream: TextIO,
        tasklet: Tasklet | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        log: bool = False,
    ) -> None:
        self._stream = stream
        self._only = tasklet
        self._log = log
        self._started: dict[str, float] = {}
        self._colour = wants_colour(stream, environ)
        self._ascii = not _can_write(stream)

    def __call__(self, event: Any) -> None:
        """Write what the event says, where it is worth a line."""
        if self._only is not None and event.tasklet is not self._only:
            return
        write = getattr(self, f"_on_{event.hook}", None)
        if write is not None:
            write(event)

    def _on_before_task_run(self, event: Any) -> None:
        tasklet = event.tasklet
        self._started[tasklet.task_id] = event.time
        self._task(event, "running", words.counted(Shown(tasklet).counts.total, "step"))

    def _on_after_task_run(self, event: Any) -> None:
        tasklet = event.tasklet
        said = _final_head(tasklet, Shown(tasklet).counts)
        if tasklet.status is TaskStatus.FAILED and failed_in(tasklet) is None and tasklet.error is not None:
            said = f"{said}: {words.error_line(tasklet.error)}"
        self._task(event, tasklet.status.value.lower(), said)
        self._started.pop(tasklet.task_id, None)

    def _on_after_step_run(self, event: Any) -> None:
        step, tasklet = event.step, event.tasklet
        if step.section == "on_error" and step.status is StepStatus.SKIPPED and step.reason != CONDITION:
            return
        spans, _ = rows.detail(step, tasklet, tasklet.secrets.mask)
        text = "".join(text for _, text in spans)
        if step.status in {StepStatus.SKIPPED, StepStatus.CANCELLED}:
            text = text[0].lower() + text[1:]
        self._step(event, rows.icon(step, tasklet), text, _took(step))

    def _on_attempt_failed(self, event: Any) -> None:
        of_all = f" of {event.step.max_attempts}" if event.step.max_attempts else ""
        wait = words.clock(event.delay) if event.delay >= 1 else words.duration(event.delay)
        self._step(
            event, "retry", f"attempt {event.attempt}{of_all} failed, next in {wait}: {words.error_line(event.error)}"
        )

    def _on_step_asks(self, event: Any) -> None:
        choices = "/".join(event.question.choices)
        self._step(event, "asks", f"{words.cut(event.question.message, 200)} [{choices}]")

    def _on_step_log(self, event: Any) -> None:
        if self._log:
            level = f"{event.line.level}: " if event.line.level in {"warning", "error"} else ""
            self._step(event, "log", f"{level}{words.cut(event.text, 1_000)}")

    def _task(self, event: Any, kind: str, text: str) -> None:
        title = event.tasklet.secrets.mask(f"{words.cut(event.tasklet.title, 200)}: {text}")
        strong = kind == "failed"
        self._write(f"{self._at(event)}  {self._glyph(kind, strong=strong)} {self._styled('1', title)}")

    def _step(self, event: Any, kind: str, text: str, took: str = "") -> None:
        steps = event.tasklet.steps
        width = min(max([9, *(_width(name) for name in list(steps)[:500])]), _NAME_WIDTH)
        name = _pad(words.cut(event.step.name, _NAME_WIDTH), width)
        said = event.tasklet.secrets.mask(f"{name}{took:>8}  {text}".rstrip())
        self._write(f"{self._at(event)}  {self._glyph(kind)} {said}")

    def _at(self, event: Any) -> str:
        tasklet = event.tasklet
        while tasklet.task_id not in self._started and tasklet.parent is not None:
            tasklet = tasklet.parent[0]
        since = event.time - self._started.get(tasklet.task_id, event.time)
        return self._styled("2", f"{words.duration(since) if since >= 60 else f'{since:.1f} s':>9}")

    def _glyph(self, kind: str, *, strong: bool = False) -> str:
        colour = {"completed": "32", "failed": "31", "handled": "31", "running": "36", "asks": "36", "retry": "33"}.get(
            kind, "2"
        )
        return self._styled(f"1;{colour}" if strong else colour, words.GLYPHS.get(kind, " "))

    def _styled(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour else text

    def _write(self, line: str) -> None:
        if self._ascii:
            encoding = self._stream.encoding or "ascii"
            line = line.translate(words.ASCII).encode(encoding, "replace").decode(encoding)
        self._stream.write(line + "\n")
        self._stream.flush()


def wants_colour(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a stream gets colours: a terminal does, unless `NO_COLOR` is set or `TERM` is `dumb`.

    With `FORCE_COLOR` others do, too; of both, `NO_COLOR` counts.

    Args:
        stream: where the text goes.
        environ: the environment to look at; the process's own by default.
    """
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def _can_write(stream: TextIO) -> bool:
    try:
        "".join(words.GLYPHS.values()).encode(stream.encoding or "utf-8")  # None: it takes text as it is
    except (UnicodeEncodeError, LookupError):
        return False
    return True
