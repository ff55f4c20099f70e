"""What a spec may refer to outside itself: actions, and a notebook's variables."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Protocol

from ..actions.registry import Action, registry


class Surroundings(Protocol):
    """What is known where a spec is written."""

    def actions(self, prefix: str) -> Iterable[str]:
        """The names of the actions that begin so; more are no harm."""

    def action(self, name: str) -> Action | None:
        """The action of a name."""

    def variables(self) -> Iterable[str]:
        """The names of the variables that inputs may be taken from."""


class Registered:
    """The registered actions alone: what is known without a notebook."""

    def actions(self, prefix: str) -> Iterable[str]:
        """The names of the registered actions."""
        del prefix
        return registry.names()

    def action(self, name: str) -> Action | None:
        """The registered action of a name."""
        return registry.get(name)

    def variables(self) -> Iterable[str]:
        """None."""
        return ()


def signature_of(action: Action) -> str:
    """What an action takes, as Python writes it; what is filled in by itself is left out."""
    signature = action.signature
    if signature is None:
        return "(…)"
    shown = [
        each.replace(annotation=each.empty)
        for name, each in signature.parameters.items()
        if name != action.context_parameter
    ]
    return str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))
