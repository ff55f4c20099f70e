"""The steps of a spec as far as it is written: their names, and which have ended where another one begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from .outline import Node


@dataclass(eq=False, slots=True)
class Step:
    """A step as far as it is written.

    Attributes:
        node: its mapping.
        section: `steps` or `finally`.
        owner: the step to whose `on_error` it belongs.
        above: the steps of the same list that stand above it.
    """

    node: Node
    section: str
    owner: Step | None
    above: tuple[Step, ...]
    name: str = ""
    handlers: list[Step] = field(default_factory=list)


class Steps:
    """The steps of one spec.

    Args:
        root: its outline, or that of a spec within it.
    """

    def __init__(self, root: Node) -> None:
        self._of: dict[Node, Step] = {}
        self.main = self._read(root.get("steps"), "steps", None)
        self.last = self._read(root.get("finally"), "finally", None)
        self._name()

    def __iter__(self) -> Iterator[Step]:
        return iter(self._of.values())

    def around(self, node: Node) -> Step | None:
        """The step that a place is in."""
        return next((self._of[each] for each in node.line_up if each in self._of), None)

    def before(self, step: Step | None, *, own: bool = False) -> list[Step]:
        """The steps that have surely ended where a step is, in order; for None where `returns` is.

        Args:
            step: the step.
            own: whether it may read itself, as a `while` does.
        """
        if step is None:
            return [each for main in self.main for each in _with_handlers(main)]
        if step.owner is not None:
            return [*self.before(step.owner), step.owner, *step.above]
        if step.section == "finally":
            return [*self.before(None), *(each for above in step.above for each in _with_handlers(above))]
        waited = [each for main in self._waited(step) for each in _with_handlers(main)]
        return [*waited, step] if own else waited

    def may_wait_for(self, step: Step) -> list[str]:
        """The names that a step's `depends_on` may hold without a circle."""
        written = step.node.get("depends_on")
        known = {item.text for item in written.items} if written is not None else set()
        return [
            each.name
            for each in self.main
            if each is not step and each.name not in known and step not in self._waited(each)
        ]

    def _waited(self, step: Step) -> list[Step]:
        found: set[Step] = set()
        left = [step]
        while left:
            new = [each for each in self._direct(left.pop()) if each not in found]
            found.update(new)
            left += new
        return [each for each in self.main if each in found and each is not step]

    def _direct(self, step: Step) -> list[Step]:
        written = step.node.get("depends_on")
        if written is None:
            return list(step.above)
        names = [written.text] if written.kind == "text" else [item.text for item in written.items]
        return [self._by_name[name] for name in names if name in self._by_name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {each.name: each for each in reversed(self.main)}

    def _read(self, written: Node | None, section: str, owner: Step | None) -> list[Step]:
        found: list[Step] = []
        for item in written.items if written is not None else ():
            step = self._of[item] = Step(item, section, owner, tuple(found))
            found.append(step)
            handling = item.get("on_error")
            if handling is not None:
                handling = handling.get("steps") if handling.kind == "map" else handling
                step.handlers = self._read(handling, section, step)
        return found

    def _name(self) -> None:
        taken = {step.node.value("name") for step in self}
        for step in self:
            step.name = step.node.value("name")
            base = step.node.value("action").rpartition(".")[2]
            if step.name or not base:
                continue
            number, step.name = 1, base
            while step.name in taken:
                number += 1
                step.name = f"{base}_{number}"
            taken.add(step.name)


def _with_handlers(step: Step) -> Iterator[Step]:
    if step.name:
        yield step
    for handler in step.handlers:
        yield from _with_handlers(handler)
