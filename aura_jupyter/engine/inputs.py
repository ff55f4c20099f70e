"""Where the inputs of a task come from, and whether they are what the spec wants."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..spec.problems import Problem, nearest
from ..spec.values import refusal
from ..spec.wording import kind, shown
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
    found.problems = list(_unnamed(given))
    if found.problems:
        return found
    if specs is None:
        found.values = dict(given)
        found.origins = {name: (origins or {}).get(name, "given") for name in given}
        return found
    for place, spec in enumerate(specs):
        _take(spec, place, found, given, origins or {}, variables)
    names = dict.fromkeys(spec.name for spec in specs)
    for name in given:
        if name not in names:
            found.problems.append(_undeclared(name, names))
    secret = [found.values[spec.name] for spec in specs if spec.is_secret and spec.name in found.values]
    if secret:
        found.secrets = Secrets(_texts(secret))
        found.problems = [_masked(problem, found.secrets) for problem in found.problems]
    return found


def _masked(problem: Problem, secrets: Secrets) -> Problem:
    path = tuple(secrets.mask(part) if isinstance(part, str) else part for part in problem.path)
    return replace(problem, message=secrets.mask(problem.message), hint=secrets.mask(problem.hint), path=path)


def _unnamed(given: object) -> Iterator[Problem]:
    """What keeps the given inputs from being values by name."""
    if not isinstance(given, Mapping):
        message = f"the inputs must be a mapping of names to values, and this is {kind(given)}"
        yield Problem("input-value", message, "Give a dict, such as {'rate': 3}.", ("inputs",))
        return
    for name in given:
        if not isinstance(name, str):
            message = f"the name of an input must be text, and {shown(name)} is {kind(name)}"
            yield Problem("wrong-type", message, "Give a dict whose keys are text.", ("inputs", shown(name)))


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
    limit = ((("inputs", place, refused.limit), "the limit"),) if refused.limit in ("min", "max") else ()
    return Problem(
        "input-value", f"input '{spec.name}' {refused.says}", refused.hint, ("inputs", spec.name), also=limit
    )
