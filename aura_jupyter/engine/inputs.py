"""Where the inputs of a task come from, and whether they are what the spec wants."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..spec.problems import Problem, nearest
from ..spec.values import refusal
from .secrets import NONE, Secrets

if TYPE_CHECKING:
    from ..spec.model import InputSpec


class Variables(Protocol):
    """Where an input is found that nobody gave: the notebook's variables."""

    def __contains__(self, name: str) -> bool: ...
    def __getitem__(self, name: str) -> Any: ...


class Resolved:
    """The inputs of one task."""

    __slots__ = ("origins", "problems", "secrets", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.secrets: Secrets = NONE


def resolve(
    specs: list[InputSpec] | None,
    given: Mapping[str, Any],
    origins: Mapping[str, str] | None = None,
    variables: Variables | None = None,
) -> Resolved:
    """Find each input: given, else its default, else the variable of its name.

    Args:
        specs: the spec's `inputs` block; `None` where it has none.
        given: what was given explicitly, the very objects.
        origins: the words for where a given one came from.
        variables: the notebook's variables, where there is a notebook.
    """
    found = Resolved()
    if specs is None:
        found.values = dict(given)
        found.origins = {name: (origins or {}).get(name, "given") for name in given}
        return found
    for place, spec in enumerate(specs):
        _take(spec, place, found, given, origins or {}, variables)
    names = {spec.name for spec in specs}
    for name in given:
        if name not in names:
            found.problems.append(_undeclared(name, names))
    secret = [found.values[spec.name] for spec in specs if "secret" in spec.type and spec.name in found.values]
    if secret:
        found.secrets = Secrets(_texts(secret))
    return found


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)


def _take(
    spec: InputSpec,
    place: int,
    found: Resolved,
    given: Mapping[str, Any],
    origins: Mapping[str, str],
    variables: Variables | None,
) -> None:
    name = spec.name
    if name in given:
        value, origin = given[name], origins.get(name, "given")
    elif spec.has_default:
        value, origin = _copied(spec.default), "default"
    elif variables is not None and name in variables:
        value, origin = variables[name], "variable"
    elif spec.required:
        found.problems.append(_missing(spec, place))
        return
    else:
        value, origin = None, "default"
    problem = _mistake(spec, place, value)
    if problem is not None:
        found.problems.append(problem)
        return
    found.values[name] = value
    found.origins[name] = origin


def _copied(default: Any) -> Any:
    return copy.deepcopy(default) if isinstance(default, list | dict) else default


def _missing(spec: InputSpec, place: int) -> Problem:
    message = f"the input '{spec.name}' is missing"
    hint = f"Give it (-i {spec.name}=… in a cell, inputs={{'{spec.name}': …}} in Python), or write a default."
    return Problem("input-missing", message, hint, ("inputs", place, "name"))


def _undeclared(name: str, names: Iterable[str]) -> Problem:
    near = nearest(name, names)
    hint = f"Did you mean '{near}'? " if near else ""
    return Problem(
        "input-undeclared",
        f"the spec has no input '{name}'",
        f"{hint}The inputs are: {', '.join(names)}.",
        ("inputs", name),
    )


def _mistake(spec: InputSpec, place: int, value: Any) -> Problem | None:
    refused = refusal(spec, value)
    if refused is None:
        return None
    says, hint = refused.says, refused.hint
    if "secret" in spec.type:  # neither what came nor what may come is shown
        says = "is none of the allowed values" if refused.limit == "enum" else f"must be {spec.type}, which is text"
        hint = "" if refused.limit == "enum" else f"This is {type(value).__name__}."
    limit = ((("inputs", place, refused.limit), "the limit"),) if refused.limit in ("min", "max") else ()
    return Problem("input-value", f"input '{spec.name}' {says}", hint, ("inputs", spec.name), also=limit)
