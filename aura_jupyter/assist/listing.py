"""The actions as text: a list of them, and one with its documentation."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from ..actions.registry import Action
from .surroundings import signature_of


def listed(actions: Iterable[Action]) -> str:
    """One action a line: its name, where it comes from, the first line of its documentation."""
    rows = [(action.name, _summary(action)) for action in actions]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in rows)


def described(action: Action) -> str:
    """One action: what it takes, and its documentation."""
    doc = inspect.getdoc(action.function) or "It has no documentation."
    return f"{action.name}{signature_of(action)}\n{doc}"


def _summary(action: Action) -> str:
    first_line = (inspect.getdoc(action.function) or "").partition("\n")[0]
    return f"{action.source}: {first_line}" if first_line else action.source
