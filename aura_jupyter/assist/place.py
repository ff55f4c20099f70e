"""The place of the cursor in a spec: which spec, step and action it belongs to."""

from __future__ import annotations

from functools import cached_property

from ..actions.registry import Action
from .language import Spot
from .outline import Cursor, Node
from .steps import Step, Steps
from .surroundings import Surroundings


class Place:
    """Where the cursor stands, and what is known there.

    Args:
        root: the outline of the whole.
        cursor: the cursor.
        known: what is known outside the spec.
    """

    def __init__(self, root: Node, cursor: Cursor, known: Surroundings) -> None:
        self.cursor, self.known = cursor, known
        self.root = root
        for node in cursor.node.line_up:  # a spec may stand under an action's parameter
            if node is not root and self._kind(node) == "spec":
                self.root = node
                break

    def path(self, node: Node) -> tuple[str | int, ...]:
        """Where a node stands in its spec."""
        keys: list[str | int] = []
        for each in node.line_up:
            if each is self.root:
                break
            keys.append(each.key if each.key is not None else "")
        return tuple(reversed(keys))

    @cached_property
    def spot(self) -> Spot:
        """What the language says of the place."""
        return Spot(self.path(self.cursor.node))

    @cached_property
    def steps(self) -> Steps:
        """The steps of the spec."""
        return Steps(self.root)

    @cached_property
    def step(self) -> Step | None:
        """The step around the place."""
        return self.steps.around(self.cursor.node)

    @property
    def action(self) -> Action | None:
        """The action of the step around the place."""
        return self.action_of(self.step.node) if self.step is not None else None

    @cached_property
    def below_step(self) -> tuple[str | int, ...]:
        """The path from the step to the place."""
        path = self.path(self.cursor.node)
        return path[len(self.path(self.step.node)) :] if self.step is not None else path

    @property
    def kind(self) -> str:
        """What an action makes of the parameter around the place: `code`, `condition` or nothing of its own."""
        return next((kind for node in self.cursor.node.line_up if (kind := self._kind(node))), "")

    def _kind(self, node: Node) -> str:
        """Whether a node is a parameter of which a built-in action makes more than a value."""
        params = node.parent
        if params is None or params.key != "params" or params.parent is None:
            return ""
        action = self.action_of(params.parent)
        return action.kinds.get(str(node.key), "") if action is not None else ""

    def action_of(self, step: Node) -> Action | None:
        """The action of a step, where it is known."""
        name = step.value("action")
        return self.known.action(name) if name else None
