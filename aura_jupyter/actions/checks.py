"""What built-in actions ask of their parameters: of literal values before anything runs, of all when they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .registry import UNKNOWN, Check, Complaint

Rule = Callable[[str, Any], Any]
"""Takes a parameter's name and its value, returns the value to use, or raises `BadValue`."""


class BadValue(ValueError):
    """A value that a built-in action cannot use."""

    def __init__(self, parameter: str, message: str, hint: str = "", code: str = "bad-value") -> None:
        super().__init__(parameter, message, hint, code)
        self.complaint = Complaint(parameter, code, message, hint)

    def __str__(self) -> str:
        return f"{self.complaint.message}. {self.complaint.hint}" if self.complaint.hint else self.complaint.message


def each(**rules: Rule) -> Check:
    """A check of literal values, parameter by parameter."""

    def check(values: Mapping[str, Any]) -> Iterator[Complaint]:
        for name, rule in rules.items():
            if name in values and values[name] is not UNKNOWN:
                try:
                    rule(name, values[name])
                except BadValue as bad:
                    yield bad.complaint

    return check


def wrong_type(name: str, wanted: str, value: Any, hint: str = "") -> BadValue:
    """The exception for a value of another type than the wanted one."""
    from ..spec.wording import kind  # noqa: PLC0415 - slow, and for mistakes only

    return BadValue(name, f"'{name}' must be {wanted}, and this is {kind(value)}", hint, "wrong-type")


def optional(rule: Rule) -> Rule:
    """The rule, for a parameter that may be null."""
    return lambda name, value: None if value is None else rule(name, value)


def text(name: str, value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise wrong_type(name, "text", value)
    return value


def filled(name: str, value: Any) -> str:
    """Text that is not empty."""
    if not text(name, value).strip():
        raise BadValue(name, f"'{name}' is empty")
    return text(name, value)


def path(name: str, value: Any) -> str:
    """A path, as text or as a `Path`; `~` is the home folder."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return os.path.expanduser(filled(name, value))  # noqa: PTH111 - text in, text out


def boolean(name: str, value: Any) -> bool:
    """`true` or `false`: a text such as `no` would be true to Python."""
    if isinstance(value, bool):
        return value
    meant = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
    if isinstance(value, str) and (word := meant.get(value.lower())):
        message = f"'{name}' must be true or false; {value} is text here"
        raise BadValue(name, message, f"Write {word}, without quotes.", "yes-is-text")
    raise wrong_type(name, "true or false", value)


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping whose keys are text."""
    if not isinstance(value, Mapping):
        raise wrong_type(name, "a mapping", value)
    for key in value:
        if not isinstance(key, str):
            raise BadValue(name, f"the keys of '{name}' must be text, and {key!r} is none")
    return value


def as_text(value: Any) -> str:
    """A value where only text can stand (a header, an environment variable): booleans and null as YAML writes them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
