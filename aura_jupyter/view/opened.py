"""What opens under a row of the picture: made when somebody opens it, and not before. It may take long."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..engine.tasklet import StepRun, StepStatus, Tasklet
from . import lines, rows, trace, values, words
from .shown import Fold, Line, Shown
from .trace import Span

Json = dict[str, Any]

PICTURE_BYTES = 1_000_000
_SUMMARIES = 50
_PARAMETERS = 50
_LOG_LINES = 50
_PLACES = {"loop": "the loop"}


def opened(tasklet: Tasklet, row_id: str, shown: Shown | None = None) -> list[Json]:
    """What opens under a row.

    Args:
        tasklet: the task.
        row_id: a row's `id`. One that is not there (any more) gives nothing.
        shown: what is known of its steps already.
    """
    return blocks_of(find(tasklet, row_id, shown), tasklet)


def find(tasklet: Tasklet, row_id: str, shown: Shown | None = None) -> Line | Fold | str | None:
    """What a row stands for; quick, on the loop's thread, so that the blocks can be made in another."""
    if row_id in {"result", "error"}:
        return row_id
    shown = shown or Shown(tasklet)
    if row_id.endswith("-"):
        some, _ = shown.folded()
        return next((row for row in some if isinstance(row, Fold) and row.id == row_id), None)
    return shown.line(row_id)


def blocks_of(row: Line | Fold | str | None, tasklet: Tasklet) -> list[Json]:
    """The blocks that open under what `find` found."""
    if isinstance(row, Fold):
        return [{"pairs": _summaries(row.lines)}]
    if isinstance(row, Line):
        return _opened_step(row)
    mask = tasklet.secrets.mask
    if row == "result" and tasklet.status.is_final:
        return [value_block("", tasklet.result, mask)]
    if row == "error" and tasklet.error is not None:
        return [trace.block("Error", trace.error_lines(tasklet.error, mask), error=True)]
    return []


def urgent_blocks(line: Line) -> list[Json]:
    """What a person has to see at once: a question, or why an attempt failed."""
    step, tasklet = line.step, line.tasklet
    mask = tasklet.secrets.mask
    if step.status is StepStatus.RUNNING and step.question is not None:
        return [{"ask": mask(step.question.message), "choices": [mask(choice) for choice in step.question.choices]}]
    if step.status is StepStatus.RUNNING and step.retry_at is not None and step.error is not None:
        text = f"{type(step.error).__name__}: {words.message(step.error)}"
        return [
            {"label": f"Error of attempt {step.attempts}", "text": words.middle_cut(mask(text), 1000), "error": True}
        ]
    return []


def error_blocks(step: StepRun, tasklet: Tasklet) -> list[Json]:
    """The error with the person's own frames, and the lines of the spec."""
    mask = tasklet.secrets.mask
    blocks = []
    if step.error is not None:
        blocks.append(trace.block("Error", trace.error_lines(step.error, mask), error=True))
    source = tasklet.source
    mark = trace.failed_mark(source, step)
    if mark is not None:
        blocks.append(trace.block(f"Spec, {trace.where(source, mark)}", trace.spec_lines(source, mark, mask)))
    return blocks


def value_block(label: str, value: Any, mask: values.Mask) -> Json:
    """A value to look at: the head of a table, a picture, else its text."""
    shown = values.preview(value)
    named = f"{label}, {shown}" if label else ""
    try:
        if values.is_frame(value):
            return {"label": named, "table": values.table(value, mask)}
        png = values.picture(value)
        if png is not None and len(png) <= PICTURE_BYTES:
            return {"label": named, "png": base64.b64encode(png).decode(), "alt": mask(shown)}
    except Exception as error:  # noqa: BLE001 - a library's object in a state that it cannot show
        return {"label": label, "text": mask(f"{shown} cannot be shown: {words.error_line(error)}")}
    return {"label": label, "text": values.long_text(value, mask)}


def _summaries(folded: Sequence[Line]) -> list[list[Any]]:
    """What is in a fold, as far as a person reads it."""
    pairs: list[list[Any]] = []
    for line in folded[:_SUMMARIES]:
        mask = line.tasklet.secrets.mask
        spans, _ = rows.detail(line.step, line.tasklet, mask)
        took = words.duration(line.step.duration) if line.step.duration is not None else ""
        pairs.append([mask(words.cut(line.step.name, 60)), ["", "".join(text for _, text in spans)], took])
    if len(folded) > _SUMMARIES:
        pairs.append(["…", ["", f"and {len(folded) - _SUMMARIES:,} more"], ""])
    return pairs


def _opened_step(line: Line) -> list[Json]:
    step, tasklet = line.step, line.tasklet
    mask = tasklet.secrets.mask
    blocks = urgent_blocks(line)
    if step.status is StepStatus.FAILED:
        blocks += error_blocks(step, tasklet)
    if step.errors:
        said = [f"{error['index']}: {error['type']}: {error['message']}" for error in step.errors[:20]]
        label = words.counted(len(step.errors), "failed turn")
        blocks.append({"label": label, "text": mask("\n".join(said)), "error": True})
    if step.status is not StepStatus.FAILED or step.handled:
        blocks += _parameters(step, mask)
    if step.status is StepStatus.COMPLETED and step.output is not None:
        blocks.append(value_block("Output", step.output, mask))
    blocks += _log(step, tasklet, mask)
    facts = {"pairs": _facts(step, mask)}
    return blocks if blocks and step.status is StepStatus.FAILED else [facts, *blocks]


def _parameters(step: StepRun, mask: values.Mask) -> Iterable[Json]:
    """What the action was given, of a loop its last turn."""
    given = {**{str(at): value for at, value in enumerate(step.args, 1)}, **(step.params or {})}
    return [{"label": "Parameters", "pairs": _pairs(given, mask)}] if given else []


def _pairs(given: Mapping[str, Any], mask: values.Mask) -> list[list[Any]]:
    shown = [[words.cut(str(name), 60), input_span(value, mask, lambda some: values.full(some, mask)), ""]
             for name, value in list(given.items())[:_PARAMETERS]]  # fmt: skip
    if len(given) > _PARAMETERS:
        shown.append(["…", ["", f"and {len(given) - _PARAMETERS:,} more"], ""])
    return shown


def input_span(value: Any, mask: values.Mask, show: Callable[[Any], str]) -> Span:
    """A value in code; one that is nothing but a secret says so."""
    if isinstance(value, str) and value and mask(value) == "***":
        return ["", "secret, not shown"]
    return ["c", mask(show(value))]


def _log(step: StepRun, tasklet: Tasklet, mask: values.Mask) -> Iterable[Json]:
    """The last lines of the step."""
    written = [record for record in tasklet.logs if record.step == step.name]
    if not written:
        return []
    last = [lines.line(record, mask) for record in written[-_LOG_LINES:]]
    label = "Log" if len(last) == len(written) else f"Log, last {len(last)} of {len(written):,} lines"
    return [{"label": label, "log": [[ms, "", level, said] for ms, _, level, said in last], "all": last[0][1]}]


def _facts(step: StepRun, mask: values.Mask) -> list[list[Any]]:
    where = f"a {step.executor}" if step.executor in {"thread", "process"} else step.executor
    pairs: list[list[Any]] = [["action", ["c", step.action], ""], ["ran in", ["", _PLACES.get(where, where)], ""]]
    said = [["description", ["", mask(words.cut(step.description, 1000))], ""]] if step.description else []
    return [*said, *pairs]
