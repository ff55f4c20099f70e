"""What runs after what, as text: a dry run, and the graph for those who see no picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..engine.inputs import Resolved
from ..engine.plan import Plan, PlannedStep
from ..engine.tasklet import StepRun
from .words import GLYPHS, counted


def describe(plan: Plan, inputs: Resolved, title: str) -> str:
    """The steps of a task that would start now, those that may run side by side with what they wait for.

    Args:
        plan: of the spec.
        inputs: of the task.
        title: of the task.
    """
    lines = [f"{title}: {counted(len(plan.rows), 'step')}, nothing has run"]
    if inputs.origins:
        lines.append("  inputs  " + ", ".join(f"{name} ({origin})" for name, origin in inputs.origins.items()))
    return inputs.secrets.mask("\n".join((*lines, *order(plan, title).splitlines()[1:])))


def order(plan: Plan, title: str, runs: Mapping[str, StepRun] | None = None) -> str:
    """The steps of a plan in the order in which they may begin, with what they wait for.

    Args:
        plan: of the spec.
        title: of the task.
        runs: how its steps go, where it is a task.
    """
    lines = [f"{title}: {counted(len(plan.rows), 'step')}"]
    width = min(max(len(step.name) for step in plan.rows), 30)
    lines += _rows(plan, _in_order(plan), 1, width, runs)
    if plan.finally_:
        lines.append("  finally")
        lines += _rows(plan, plan.finally_, 1, width, runs)
    return "\n".join(line.rstrip() for line in lines)


def _in_order(plan: Plan) -> Iterator[PlannedStep]:
    """The steps as they may begin, those of the list's top first."""
    left, ended = list(plan.steps), set[int]()
    while left:
        step = next(each for each in left if ended.issuperset(_waits_for(each)))
        left.remove(step)
        ended.add(step.position)
        yield step


def _waits_for(step: PlannedStep) -> Iterable[int]:
    return range(step.position) if step.depends is None else step.depends


def _rows(
    plan: Plan, steps: Iterable[PlannedStep], depth: int, width: int, runs: Mapping[str, StepRun] | None
) -> Iterator[str]:
    for step in steps:
        status = f"{GLYPHS[runs[step.name].status.lower()]} " if runs is not None else ""
        yield f"{'  ' * depth}{status}{step.name:<{width}}  {step.action}{_notes(plan, step)}"
        if step.handlers:
            yield f"{'  ' * (depth + 1)}on error"
            yield from _rows(plan, step.handlers, depth + 1, width, runs)


def _notes(plan: Plan, step: PlannedStep) -> str:
    spec = step.spec
    notes = []
    if step.depends is not None:
        names = ", ".join(plan.steps[number].name for number in step.depends)
        notes.append(f"after {names}" if names else "at once")
    if spec.when not in (None, True):
        notes.append(f"when {spec.when}")
    if step.loop is not None:
        notes.append("in a loop" if step.loop.parallelism == 1 else f"in a loop, {step.loop.parallelism} at once")
    if step.attempts > 1:
        notes.append(f"{step.attempts} attempts")
    return f"  ({'; '.join(notes)})" if notes else ""
