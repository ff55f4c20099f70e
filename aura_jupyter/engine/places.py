"""What a template may read where it stands, and whether the step that it reads has surely ended by then."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from .plan import PlannedStep
from .templates import Finding

if TYPE_CHECKING:
    from .planner import Planner

_NOWHERE: frozenset[str] = frozenset()


class Place:
    """What a template may read where it stands."""

    __slots__ = ("locals", "loop_fields", "own", "planner", "reader", "what")

    def __init__(self, planner: Planner, reader: PlannedStep | None, what: str) -> None:
        self.planner = planner
        self.reader = reader
        self.what = what if reader is not None else f"'{what}'"
        self.own = False  # may read its own step, as a `while` does
        self.locals = _NOWHERE
        self.loop_fields = _NOWHERE
        if reader is not None and (reader.owner is not None or reader.section == "finally"):
            self.locals = frozenset({"error"})

    def with_locals(self, *names: str, fields: Collection[str] | None = None) -> Place:
        """The same place with more names in scope."""
        place = Place(self.planner, self.reader, self.what)
        place.own = self.own
        place.locals = self.locals | frozenset(names)
        place.loop_fields = self.loop_fields if fields is None else frozenset(fields)
        return place

    @property
    def inputs(self) -> frozenset[str] | None:
        """The declared inputs; `None` where anything goes."""
        return self.planner.inputs

    @property
    def only_inputs(self) -> bool:
        """Whether it is the title, which is rendered when the task is submitted."""
        return self.what == "'title'"

    def step(self, name: str) -> Finding | None:
        """`None` where the step is known and has surely ended by then, else what is wrong."""
        plan = self.planner.plan
        index = plan.index.get(name)
        if index is None:
            near = self.planner.nearest(name, plan.index)
            hint = f"Did you mean '{near}'?" if near else f"The steps are: {some(plan.index)}."
            return Finding("unknown-step", f"there is no step '{name}'", hint, fix=near)
        target = plan.rows[index]
        if self.reader is None:
            return self._for_whole(target)
        if self.has_ended(self.reader, target):
            return None
        return Finding("step-not-ended", *self._why_not(self.reader, target), "")

    def _for_whole(self, target: PlannedStep) -> Finding | None:
        if _top(target).section != "finally":
            return None
        message = f"'{target.name}' runs in finally, after the result is made"
        return Finding("step-not-ended", message, f"Move '{target.name}' to 'steps'.", "")

    def has_ended(self, reader: PlannedStep, target: PlannedStep) -> bool:
        """Whether `target` has surely ended when `reader` starts."""
        if target is reader:
            return self.own
        plan = self.planner.plan
        step: PlannedStep | None = reader
        while step is not None:
            beside = _ancestor_beside(target, step)
            if beside is not None and beside is not step:
                if step.section == "steps" and plan.order is not None:
                    return plan.order.waits_for(step.position, beside.position)
                return beside.position < step.position
            if step.owner is target:
                return True
            step = step.owner
        return _top(reader).section == "finally" and _top(target).section == "steps"

    def _why_not(self, reader: PlannedStep, target: PlannedStep) -> tuple[str, str]:
        plan = self.planner.plan
        if target is reader:
            return f"'{target.name}' cannot read itself", "Read a step that has ended by then."
        top, wanted = _top(reader), _top(target)
        if wanted.section == "finally" and top.section == "steps":
            return f"'{target.name}' runs in finally, after the steps", f"Move '{target.name}' to 'steps'."
        message = f"'{target.name}' has not surely ended by then"
        owner = target.owner
        while owner is not None and owner is not reader:
            owner = owner.owner
        if owner is reader:
            message = f"'{target.name}' is an on_error step of '{reader.name}' and runs after it"
            return message, f"Read it in a step that comes after '{reader.name}'."
        if top is wanted or top.section == "finally":
            return f"'{target.name}' runs later", f"Move '{target.name}' above '{reader.name}'."
        later = plan.order is None or plan.order.waits_for(wanted.position, top.position)
        if later and wanted.spec.depends_on is not None:
            message = f"'{target.name}' runs later, since '{wanted.name}' waits for '{top.name}'"
            return message, f"Let '{top.name}' wait for '{wanted.name}' instead, or read another step."
        if later:
            return f"'{target.name}' runs later", f"Move '{wanted.name}' above '{top.name}'."
        names = [*(top.spec.depends_on or ()), wanted.name]
        return message, f"Write 'depends_on: [{', '.join(names)}]' in step '{top.name}'."

    def hint_for(self, name: str) -> str:
        """What to say of a name that is not in scope here."""
        return _HINTS.get(name, "")


_HINTS = {
    "error": "'error' is known in the steps of an on_error and in finally; elsewhere write steps.NAME.error.",
    "item": "'item' is known in the params, args and 'until' of a step with a loop.",
    "loop": "'loop' is known in the params, args and 'until' of a step with a loop.",
    "output": "'output' is known in retry.until; elsewhere write steps.NAME.output.",
    "attempt": "'attempt' is known in retry.until.",
}


def _top(step: PlannedStep) -> PlannedStep:
    while step.owner is not None:
        step = step.owner
    return step


def _ancestor_beside(target: PlannedStep, step: PlannedStep) -> PlannedStep | None:
    """The step of `step`'s own list that is `target` or holds it under its on_error."""
    above: PlannedStep | None = target
    while above is not None:
        if above.owner is step.owner and above.section == step.section:
            return above
        above = above.owner
    return None


def some(names: Collection[str], most: int = 10) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(islice(names, most)) + more
