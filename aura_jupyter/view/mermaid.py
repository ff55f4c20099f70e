"""The graph of a task's steps as a Mermaid flowchart, for Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..engine.plan import Plan, PlannedStep
from . import words
from .graph import waiting_for


def mermaid(plan: Plan) -> str:
    """The flowchart's text.

    Args:
        plan: of the spec.
    """
    at_the_end = set(_with_handlers(plan.finally_))
    others = [step for step in plan.rows if step not in at_the_end]
    return "\n".join(["flowchart LR", *_nodes(others), *_edges(plan), *_finally(plan)])


def _with_handlers(steps: Iterable[PlannedStep]) -> Iterator[PlannedStep]:
    for step in steps:
        yield step
        yield from _with_handlers(step.handlers)


def _nodes(steps: Iterable[PlannedStep]) -> Iterator[str]:
    for step in steps:
        opening, closing = ("[[", "]]") if step.loop is not None else ("[", "]")
        yield f'  {_id(step)}{opening}"{_label(step.name)}"{closing}'


def _edges(plan: Plan) -> Iterator[str]:
    for step, earlier in zip(plan.steps, waiting_for(plan), strict=True):
        yield from (f"  {_id(plan.steps[at])} --> {_id(step)}" for at in earlier)
        yield from _handlers(step)


def _handlers(step: PlannedStep) -> Iterator[str]:
    before = step
    for handler in step.handlers:
        how = "-. on error .->" if before is step else "-.->"
        yield f"  {_id(before)} {how} {_id(handler)}"
        yield from _handlers(handler)
        before = handler


def _finally(plan: Plan) -> Iterator[str]:
    if not plan.finally_:
        return
    yield "  subgraph Finally"
    yield from (f"  {line}" for line in _nodes(_with_handlers(plan.finally_)))
    yield "  end"
    for before, step in zip(plan.finally_, plan.finally_[1:], strict=False):
        yield f"  {_id(before)} --> {_id(step)}"
    for step in plan.finally_:
        yield from _handlers(step)
    waited_for = {at for earlier in waiting_for(plan) for at in earlier}
    for step in plan.steps:
        if step.position not in waited_for:
            yield f"  {_id(step)} --> {_id(plan.finally_[0])}"


def _id(step: PlannedStep) -> str:
    return f"s{step.index + 1}"


def _label(name: str) -> str:
    """A name in which nothing ends the quotes, is HTML, or is one of Mermaid's own codes or directives."""
    return re.sub(r'[#"<>&`%\\]', lambda found: f"#{ord(found[0])};", words.cut(name, 60))
