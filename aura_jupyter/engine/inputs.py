"""Where the inputs of a task come from, and whether they are what the spec wants."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..spec.problems import Problem, nearest
from .secrets import NONE, Secrets

if TYPE_CHECKING:
    from ..spec.model import InputSpec

_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "secret": "text (a secret)",
}


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
    if value is None and not spec.required and not (spec.has_default and spec.default is not None):
        return None
    wrong = misfit(spec.type, value)
    if wrong is not None:
        message = f"input '{spec.name}' must be {_expected(spec.type)}, and {wrong}"
        return Problem("input-value", message, f"Give {_expected(spec.type)}.", ("inputs", spec.name))
    if spec.enum is not None and not any(_same(value, choice) for choice in spec.enum):
        message = f"input '{spec.name}' is {_shown(spec, value)}, which is none of its values"
        hint = "" if "secret" in spec.type else f"The values are: {', '.join(map(str, spec.enum))}."
        return Problem("input-value", message, hint, ("inputs", spec.name))
    return _out_of_range(spec, place, value)


def _out_of_range(spec: InputSpec, place: int, value: Any) -> Problem | None:
    low, high = spec.min, spec.max
    if (low is None and high is None) or not _is("number", value):
        return None
    if low is not None and not value >= low:
        what, key = f"the smallest value is {low}", "min"
    elif high is not None and not value <= high:
        what, key = f"the largest value is {high}", "max"
    else:
        return None
    if low is not None and high is not None:
        hint = f"Give a value from {low} to {high}."
    else:
        hint = f"Give a value of at least {low}." if low is not None else f"Give a value of at most {high}."
    limit = (("inputs", place, key), "the limit")
    return Problem(
        "input-value", f"input '{spec.name}' is {value}, and {what}", hint, ("inputs", spec.name), also=(limit,)
    )


def misfit(kind: str, value: Any) -> str | None:
    """What a value is instead of what it ought to be; `None` where it is right.

    Args:
        kind: the type as a spec writes it, such as `list[integer]`.
        value: the value. NumPy's scalars count as what they are, a boolean is no number.
    """
    if kind.startswith("list["):
        if not isinstance(value, list | tuple):
            return f"this is {_kind_of(value)}"
        for i, item in enumerate(value):
            wrong = misfit(kind[5:-1], item)
            if wrong is not None:
                return f"in item {i} {wrong}"
        return None
    return None if _is(kind, value) else f"this is {_kind_of(value)}"


def _is(kind: str, value: Any) -> bool:
    boolean = isinstance(value, bool) or _is_numpy_bool(value)
    match kind:
        case "any":
            return True
        case "boolean":
            return boolean
        case "integer":
            return isinstance(value, numbers.Integral) and not boolean
        case "number":
            return isinstance(value, numbers.Real) and not boolean
        case "string" | "secret":
            return isinstance(value, str)
        case "list":
            return isinstance(value, list | tuple)
        case _:
            return isinstance(value, Mapping)


def _is_numpy_bool(value: Any) -> bool:
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_")


def _kind_of(value: Any) -> str:
    name = type(value).__name__
    for kind in ("boolean", "integer", "number", "string", "list", "dict"):
        if value is not None and _is(kind, value):
            return f"{_WORDS[kind]} ({name})"
    return "nothing (None)" if value is None else f"a {name}"


def _expected(kind: str) -> str:
    if kind.startswith("list["):
        return f"{kind}, a list"
    word = _WORDS.get(kind, kind)
    return f"{word} ({kind})" if kind in ("integer", "dict", "number", "boolean", "string") else word


def _same(value: Any, choice: Any) -> bool:
    """Equal, and of one kind: 1 is not true."""
    try:
        return isinstance(value, bool) == isinstance(choice, bool) and bool(value == choice)
    except Exception:  # noqa: BLE001 - an array or a table, which is not equal to one value
        return False


def _shown(spec: InputSpec, value: Any) -> str:
    text = repr(value)
    return "a secret" if "secret" in spec.type else text if len(text) <= 60 else f"{text[:59]}…"
