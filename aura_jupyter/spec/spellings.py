"""Spellings from elsewhere: what other tools, and older specs, call the things of this language."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .wording import listing, nearest, quote

KEYS: dict[str, tuple[str, ...]] = {
    "spec": ("meta", "inputs", "steps", "finally", "returns"),
    "meta": ("title", "description", "timeout", "concurrency"),
    "concurrency": ("group", "limit"),
    "input": ("name", "type", "required", "default", "description", "enum", "min", "max"),
    "step": (
        *("name", "description", "action", "params", "args", "when", "loop", "retry", "timeout"),
        *("on_error", "depends_on", "executor"),
    ),
    "loop": ("for_each", "times", "while", "parallelism", "max_iterations", "on_error"),
    "retry": ("attempts", "delay", "backoff", "max_delay", "jitter", "on", "until"),
    "on_error": ("steps", "then"),
}
PLACES = {
    "spec": "at the top level",
    "meta": "under 'meta'",
    "concurrency": "under 'concurrency'",
    "input": "in an input",
    "step": "in a step",
    "loop": "under 'loop'",
    "retry": "under 'retry'",
    "on_error": "under 'on_error'",
}
ACTIONS = {"log": "core.log", "sleep": "core.sleep", "set_variable": "core.set_context"}
TYPES = {
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("array", "tuple"), "list"),
    **dict.fromkeys(("object", "map", "mapping"), "dict"),
    "bool": "boolean",
    "password": "secret",
}
_RENAMED: dict[str, dict[str, str]] = {
    "spec": {
        "always": "finally",
        **dict.fromkeys(("tasks", "jobs", "nodes"), "steps"),
        **dict.fromkeys(("output", "outputs", "return"), "returns"),
        **dict.fromkeys(("params", "parameters", "vars", "variables"), "inputs"),
    },
    "meta": {"name": "title"},
    "concurrency": {"name": "group", "max": "limit"},
    "input": {**dict.fromkeys(("options", "choices"), "enum"), "minimum": "min", "maximum": "max"},
    "step": {
        **dict.fromkeys(("with", "parameters", "inputs", "kwargs", "vars"), "params"),
        **dict.fromkeys(("if", "condition"), "when"),
        **dict.fromkeys(("needs", "after"), "depends_on"),
        **dict.fromkeys(("on_failure", "catch", "rescue"), "on_error"),
        "uses": "action",
        "id": "name",
    },
    "loop": {**dict.fromkeys(("foreach", "items"), "for_each"), "count": "times", "max_parallel": "parallelism"},
    "retry": {**dict.fromkeys(("count", "max_attempts", "max_retries", "times"), "attempts"), "interval": "delay"},
    "on_error": {},
}
_TO_LOOP = frozenset({"for_each", "foreach", "with_items"})
_TO_RETRY = {**dict.fromkeys(("max_attempts", "max_retries"), "attempts"), "interval": "delay"}
_CONTINUE = frozenset({"ignore_errors", "continue_on_error"})
_OUTPUT = frozenset({"output_to", "register"})
_COMMAND = frozenset({"run", "shell"})
_ELSEWHERE: dict[str, tuple[str, ...]] = {  # where a key that is misplaced most likely belongs
    "spec": ("meta", "step", "input"),
    "meta": ("spec", "concurrency"),
    "concurrency": ("meta",),
    "input": (),
    "step": ("retry", "loop", "spec", "on_error"),
    "loop": ("retry", "step"),
    "retry": ("step", "loop"),
    "on_error": ("step",),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to say of a key that a mapping does not have."""

    code: str
    message: str  # after the mapping's name: "has no key 'parms'"
    hint: str
    renamed: str | None = None  # the key that was meant, in the same mapping
    value: object = None  # what the key should hold, where it is not what it holds


def advise(where: str, key: str, given: Mapping[str, object]) -> Advice:
    """What to write in place of an unknown key.

    Args:
        where: the kind of mapping that it stands in, one of `KEYS`.
        key: the unknown key.
        given: the mapping.
    """
    plain = _plain(key)
    special = _of_a_step(plain, key, given) if where == "step" else _of_a_spec(plain, key) if where == "spec" else None
    if special is not None:
        return special
    says = f"has no key {quote(key)}"
    write = _RENAMED[where].get(plain)
    if write is None and (place := _belongs(where, key)) is not None:
        return Advice(
            "misplaced-key",
            f"{quote(key)} belongs {place}",
            f"Move it {place}." if place.startswith("under") else "Move it there.",
        )
    spelled = write is not None
    write = write or nearest(key, KEYS[where])
    if write is None and where == "step" and given.get("params", "") is None:
        return Advice("unknown-key", says, f"Indent it under 'params', if {quote(key)} is a parameter of the action.")
    if write is None and len(given) == 1 and where in {"input", "step"}:
        return Advice("unknown-key", says, f"Write '- name: {_short(key)}', and what it holds as keys beside 'name'.")
    if write is None:
        return Advice("unknown-key", says, f"The keys are: {', '.join(KEYS[where])}.")
    if given.get(write) is not None:
        return Advice(
            "unknown-key", says, f"Delete it, or write its content under {quote(write)}, which is there already."
        )
    return Advice("spelling" if spelled else "unknown-key", says, f"Write {quote(write)}.", write)


def meant_by(key: str, name: str) -> bool:
    """Whether a key of another tool was taken for the key `name`."""
    plain = _plain(key)
    return (name == "loop" and plain in _TO_LOOP) or any(keys.get(plain) == name for keys in _RENAMED.values())


def _plain(key: str) -> str:
    """A key as the tables have it: other tools write `continue-on-error`."""
    return key.replace("-", "_").lower()


def _short(key: str) -> str:
    return quote(key)[1:-1]


def _of_a_spec(key: str, written: str) -> Advice | None:
    if _RENAMED["step"].get(key) != "on_error":
        return None
    hint = "Write 'on_error' in a step, or 'finally' for what runs whatever happened."
    return Advice("spelling", f"has no key {quote(written)}", hint)


def _of_a_step(key: str, written: str, given: Mapping[str, object]) -> Advice | None:
    says = f"has no key {quote(written)}"
    if key == "always":
        return Advice("spelling", says, "Write 'finally' at the top level.")
    if key in _TO_RETRY:
        return Advice("spelling", says, f"Write '{_TO_RETRY[key]}' under 'retry'.")
    if key in _TO_LOOP:
        return Advice(
            "spelling",
            says,
            "Write 'loop'." if "loop" not in given else "Write 'for_each' under 'loop'.",
            None if "loop" in given else "loop",
        )
    if key in _CONTINUE:
        return Advice("spelling", says, "Write 'on_error: continue'.")
    if key in _OUTPUT:
        name = given.get("name")
        where = f"steps.{name}.output" if isinstance(name, str) and name.isidentifier() else "steps.NAME.output"
        return Advice("spelling", says, f"Delete it, and write {where} where the output is needed.")
    if key in _COMMAND:
        return Advice("spelling", says, "Write 'action: shell.run', and the command under 'params' as 'command'.")
    if key == "env":
        return Advice("misplaced-key", f"{quote(written)} belongs under 'params'", "Move it there.")
    return None


def _belongs(where: str, key: str) -> str | None:
    """The place of a key that is a key of another mapping."""
    return next((PLACES[other] for other in _ELSEWHERE[where] if key in KEYS[other]), None)


def type_meant(text: str) -> str | None:
    """The type that another language's spelling means: `list[string]` for `list<str>`."""
    plain = re.sub(r"\s+", "", text[:200]).replace("<", "[").replace(">", "]")
    plain = re.sub(r"^(\w+)\[\]$", r"list[\1]", plain).lower()
    if plain in {"list[list]", "list[array]"} and text.endswith("[]"):
        return "list"
    words = re.sub(r"\w+", lambda found: TYPES.get(found[0], found[0]), plain)
    if words.startswith("dict["):
        return "dict"
    return words


def list_meant(key: str, value: Mapping[object, object]) -> str:
    """How a mapping of steps or inputs is written: as a list."""
    first = next(iter(value), None)
    return f"Write a list: '- name: {first if isinstance(first, str) else key[:-1]}' and so on, one item for each."


def among(words: Collection[str]) -> str:
    """`Write a, b or c.`"""
    return f"Write {listing(words)}."
