"""Pydantic's errors as problems in our own words, and the rest of a spec that is left without what is faulty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .labels import NOTHING, at, owner, step_of, walk
from .problems import Path, Problem
from .spellings import KEYS, advise, list_meant
from .syntax import NO_SPACE
from .wording import kind, quote, shown

M = TypeVar("M", bound=BaseModel)
DEEPEST = 150  # levels in which mistakes are looked for
ROUNDS = 10  # a faulty key may hide others: they show once it is taken out
_ABSENT = object()
_REQUIRED = frozenset({"action", "steps", "attempts", "group", "name"})
_STAND_INS: dict[str, Any] = {"for_each": [], "times": 0, "while": False, "loop": []}  # so that `item` stays known
_INJECTED = frozenset({"steps", "for_each", "attempts", "group", "name", 0})  # what short forms are short for


def understood(model: type[M], data: Mapping[str, Any]) -> tuple[M | None, list[Problem]]:
    """Validate what can be understood.

    Args:
        model: the model of the whole spec.
        data: the spec.

    Returns:
        the model without what is faulty (None if there is nothing left), and every mistake of shape.
    """
    rest = _Rest(_structure(data))
    for _ in range(ROUNDS):
        try:
            return model.model_validate(rest.data), rest.problems
        except ValidationError as error:
            if not rest.learn(error):
                break
    return None, rest.problems


def _structure(value: Any, depth: int = 0) -> Any:
    """A copy of the containers."""
    if depth > DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {key: _structure(inner, depth + 1) for key, inner in value.items()}
    return [_structure(inner, depth + 1) for inner in value] if isinstance(value, (list, tuple)) else value


@dataclass(slots=True)
class _Rest:
    """What is left of a spec while its mistakes are taken out."""

    data: Any
    problems: list[Problem] = field(default_factory=list)
    meant: set[Path] = field(default_factory=set)  # keys that are there, but misspelled
    seen: set[tuple[Path, str]] = field(default_factory=set)
    takeouts: list[Callable[[], object]] = field(default_factory=list)

    def learn(self, error: ValidationError) -> bool:
        """Note the mistakes of one round and take them out; False where nothing is left then."""
        errors = error.errors(include_url=False)
        self.takeouts = []
        for found in sorted(errors, key=lambda e: e["type"] != "extra_forbidden"):
            self.note(found["type"], self.path(found), found)
        for take_out in self.takeouts:
            take_out()
        return isinstance(self.data.get("steps"), list)

    def path(self, error: Any) -> Path:
        """Where an error stands in the data: without what a short form was completed by."""
        missing = error["type"] == "missing"
        found: list[str | int] = []
        value: Any = self.data
        for part in error["loc"][:-1] if missing else error["loc"]:
            inside = at(value, (part,), _ABSENT)
            if inside is not _ABSENT:
                value = inside
                found.append(part)
            elif part not in _INJECTED:
                break
        return (*found, error["loc"][-1]) if missing else tuple(found)

    def note(self, type_: str, path: Path, error: Any) -> None:
        """Turn one error into a problem, and remember how to take out what is faulty."""
        if type_ == "extra_forbidden":
            self.unknown(path)
        elif type_ == "missing" or (path and path[-1] in _REQUIRED and at(self.data, path) is None):
            self.missing(path)
        elif error["loc"][-1] == "[key]" or type_ == "invalid_key":
            self.keys(path)
        else:
            self.value(error, path)

    def add(self, problem: Problem) -> None:
        if (problem.path, problem.code) not in self.seen:
            self.seen.add((problem.path, problem.code))
            self.problems.append(problem)

    def unknown(self, path: Path) -> None:
        around = at(self.data, path[:-1])
        kind_of = walk(path[:-1])[-1][0]
        advice = advise(kind_of if kind_of in KEYS else "spec", str(path[-1]), around)
        if advice.code == "misplaced-key":
            step = step_of(self.data, path)
            message = f"{step}: {advice.message}" if step else advice.message
        else:
            message = f"{owner(self.data, path[:-1])} {advice.message}"
        fix = (str(path[-1]), advice.renamed) if advice.renamed is not None else None
        self.add(Problem(advice.code, message, advice.hint, path, at_key=True, fix=fix))
        if advice.renamed is not None:
            self.meant.add((*path[:-1], advice.renamed))

        def take_out() -> None:
            value = around.pop(path[-1], None)
            if advice.renamed is not None and around.get(advice.renamed) is None:
                around[advice.renamed] = value

        self.takeouts.append(take_out)

    def missing(self, path: Path) -> None:
        if path in self.meant:
            return
        around, key = path[:-1], str(path[-1])
        hint = {
            "action": "Write 'action:' and what to call, for example core.log.",
            "steps": "Write 'steps:' and a list of steps under it.",
            "attempts": "Write 'attempts:' and a number, for example 3.",
            "name": "Write 'name:' and the input's name.",
        }.get(key, f"Write '{key}:' and its value.")
        self.add(Problem("missing-key", f"{owner(self.data, around)} has no {quote(key)}", hint, around))
        self.remove(path)

    def keys(self, path: Path) -> None:
        """Keys that are no text, where keys are names."""
        around = at(self.data, path)
        while not isinstance(around, dict) and path:
            path = path[:-1]
            around = at(self.data, path)
        for key in [key for key in around if not isinstance(key, str)]:
            step = step_of(self.data, path)
            message = f"a key must be text, and {shown(key)} is {kind(key)}"
            problem = Problem(
                "wrong-type",
                f"{step}: {message}" if step else message,
                f'Put it in quotes: "{shown(key)}".',
                (*path, shown(key)),
                at_key=True,
                fix=(shown(key), f'"{shown(key)}"'),
            )
            self.add(problem)
            self.takeouts.append(lambda key=key: around.pop(key, None))  # type: ignore[misc]

    def value(self, error: Any, path: Path) -> None:
        value = at(self.data, path)
        code, says, hint = _words(error, value, path)
        kinds = walk(path)
        step = step_of(self.data, path)
        if kinds[-1][0] in {"step", "input"} and isinstance(path[-1], int):
            message = f"{kinds[-1][0]} {path[-1] + 1} {says}"
        elif isinstance(path[-1], int):
            message = f"{step}: an item of {quote(_key(path))} {says}"
        else:
            message = f"{step}: {quote(_key(path))} {says}" if step else f"{quote(_key(path))} {says}"
        first_key = error["type"] == "list_type" and isinstance(value, Mapping) and value
        where = (*path, str(next(iter(value)))) if first_key else path
        self.add(Problem(code, message, hint, where, at_key=bool(first_key), fix=_fix(error, value, hint)))
        self.remove(path)

    def remove(self, path: Path) -> None:
        """Take out a value, and whatever cannot do without it."""
        kinds = walk(path)
        around = kinds[-2][0] if len(kinds) > 1 else ""
        if kinds[-1][0] == "step" and isinstance(path[-1], int):
            self.takeouts.append(lambda: at(self.data, path[:-1]).__setitem__(path[-1], {"action": NOTHING}))
        elif around == "step" and path[-1] == "action":
            self.takeouts.append(lambda: at(self.data, path[:-1]).__setitem__("action", NOTHING))
        elif around in {"step", "loop"} and path[-1] in _STAND_INS:
            self.takeouts.append(lambda: at(self.data, path[:-1]).__setitem__(path[-1], _STAND_INS[str(path[-1])]))
        elif path[:1] == ("inputs",) and (len(path) < 3 or path[2] == "name"):
            self.takeouts.append(lambda: self.data.pop("inputs", None))
        elif isinstance(path[-1], int) or (around, path[-1]) in {
            ("retry", "attempts"),
            ("concurrency", "group"),
            ("on_error", "steps"),
        }:
            self.remove(path[:-1])
        else:
            self.takeouts.append(lambda: (at(self.data, path[:-1]) or {}).pop(path[-1], None))


def _key(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _words(error: Any, value: Any, path: Path) -> tuple[str, str, str]:
    """The code, what is said after the key's name, and the hint."""
    if error["type"] == "aura":
        return error["ctx"]["code"], error["ctx"]["says"], error["ctx"]["hint"]
    key = _key(path)
    this = f"and this is {kind(value)}"
    match error["type"]:
        case "list_type":
            return "wrong-type", f"must be {_LISTS.get(key, 'a list')}, {this}", _list_hint(key, value)
        case "dict_type" | "model_type" | "model_attributes_type":
            return "wrong-type", f"must be {_mapping(path)}, {this}", _mapping_hint(path, value)
        case "string_type":
            return "wrong-type", f"must be text, {this}", _text_hint(value)
        case "string_too_short":
            return "bad-value", "must not be empty", "Write some text."
        case "too_short":
            return "bad-value", "must hold at least one step, and is empty", "Write a step: '- action: …'."
    return "bad-value", "cannot be used", "Look it up in the reference of the task language."


def _fix(error: Any, value: Any, hint: str) -> tuple[str, str] | None:
    """What to write in place of a value, where the hint says just that."""
    if error["type"] == "aura":
        write = error["ctx"]["fix"]
        return (str(value), write) if write else None
    in_quotes = f'"{shown(value)}"'
    return (shown(value), in_quotes) if hint == f"Put it in quotes: {in_quotes}." else None


_LISTS = {
    "depends_on": "a step's name or a list of names",
    "steps": "a list of steps",
    "finally": "a list of steps",
    "inputs": "a list of inputs",
}


def _list_hint(key: str, value: Any) -> str:
    if isinstance(value, Mapping) and key in {"steps", "finally", "inputs"}:
        return "Write '- ' in front of it." if "action" in value else list_meant(key, value)
    if key == "depends_on" and isinstance(value, (int, float)):
        return _text_hint(value)
    return "Write a list: '- ' in front of each item."


def _mapping(path: Path) -> str:
    kinds = {"inputs": "a name or a mapping"}
    return kinds.get(str(path[-2]), "a mapping") if len(path) > 1 and isinstance(path[-1], int) else "a mapping"


def _mapping_hint(path: Path, value: Any) -> str:
    if isinstance(value, str) and isinstance(path[-1], int):
        spaced = NO_SPACE.match(value)
        if spaced:
            return f"A space is missing after the colon: write {quote(spaced['key'] + ': ' + spaced['value'])}."
        if ":\u00a0" in value:
            return "What follows the colon is a no-break space: write a space in its place."
        if "\n" not in value and " " not in value.strip():
            return f"Write {quote('action: ' + value)}."
    if path[-2:-1] == ("inputs",):
        return _text_hint(value)
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return "Write its keys without '- ' in front of them."
    return "Write 'key: value' pairs under it."


def _text_hint(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return f'Put it in quotes: "{shown(value)}".'
    return "Write text."


def prefixed(problems: Iterable[Problem], path: Sequence[str | int]) -> list[Problem]:
    """Problems of a spec that stands at a path of another one."""
    front = tuple(path)
    return [
        replace(p, path=(*front, *p.path), also=tuple(((*front, *where), note) for where, note in p.also))
        for p in problems
    ]
