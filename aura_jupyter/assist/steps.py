"""The steps of a spec as far as it is written: their names, and which have ended where another one begins."""

from __future__ import annotations

from collections import Counter
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
        beside: the steps of the list that it stands in.
        place: its place among them.
    """

    node: Node
    section: str
    owner: Step | None
    beside: list[Step]
    place: int
    name: str = ""
    handlers: list[Step] = field(default_factory=list)

    @property
    def above(self) -> list[Step]:
        """The steps of the same list that stand above it."""
        return self.beside[: self.place]


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
        waiting = {step}  # those that wait for it, however far
        first = step.place
        while new := [each for each in self.main if each not in waiting and self._waits(each, waiting, first)]:
            waiting.update(new)
            first = min(first, new[0].place)
        return [each.name for each in self.main if each not in waiting and each.name not in known]

    def _waits(self, step: Step, others: set[Step], first: int) -> bool:
        """Whether a step waits for one of the others, the first of which has this place."""
        named = self._named(step)
        return first < step.place if named is None else not others.isdisjoint(named)

    def _waited(self, step: Step) -> list[Step]:
        found: set[Step] = set()
        left, first = [step], 0  # so many of the first steps have been found
        while left:
            waits = left.pop()
            named = self._named(waits)
            if named is None:
                named, first = self.main[first : waits.place], max(first, waits.place)
            new = [each for each in named if each not in found]
            found.update(new)
            left += new
        return [each for each in self.main if each in found and each is not step]

    def _named(self, step: Step) -> list[Step] | None:
        """The steps in a step's `depends_on`; None where it waits for all above."""
        written = step.node.get("depends_on")
        if written is None:
            return None
        names = [written.text] if written.kind == "text" else [item.text for item in written.items]
        return [self._by_name[name] for name in names if name in self._by_name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {each.name: each for each in reversed(self.main)}

    def _read(self, written: Node | None, section: str, owner: Step | None) -> list[Step]:
        found: list[Step] = []
        for place, item in enumerate(written.items if written is not None else ()):
            step = self._of[item] = Step(item, section, owner, found, place)
            found.append(step)
            handling = item.get("on_error")
            if handling is not None:
                handling = handling.get("steps") if handling.kind == "map" else handling
                step.handlers = self._read(handling, section, step)
        return found

    def _name(self) -> None:
        taken = {step.node.value("name") for step in self}
        numbers: Counter[str] = Counter()  # the last that a name was given
        for step in self:
            step.name = step.node.value("name")
            base = step.node.value("action").rpartition(".")[2]
            if step.name or not base:
                continue
            step.name = base
            while step.name in taken:
                numbers[base] += 1
                step.name = f"{base}_{numbers[base] + 1}"
            taken.add(step.name)


def _with_handlers(step: Step) -> Iterator[Step]:
    if step.name:
        yield step
    for handler in step.handlers:
        yield from _with_handlers(handler)
