"""A value as JSON holds it, or why it is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 200  # levels
_DIGITS = 4_000  # Python writes 4,300, if nobody says otherwise


def is_huge(number: int) -> bool:
    """Whether a number has more digits than Python writes out."""
    return digits(number) > _DIGITS


def digits(number: int) -> int:
    """About how many digits a number has."""
    return int(int.bit_length(number) * math.log10(2)) + 1


class NoJson(ValueError):
    """A value is no JSON: the message says what in it is none, and where."""


def json_value(value: Any) -> Any:
    """The value as plain dicts, lists, text, numbers, booleans and None. Tuples become lists, NumPy's scalars numbers.

    Raises:
        NoJson: something in it has no place in JSON, a number that is not finite or huge and a key that is no text too.
    """
    return _plain(value, "", DEEPEST)


def _plain(value: Any, where: str, room: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return _plain(value.item(), where, room)
    if isinstance(value, int):
        return _whole(value, where)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NoJson(f"{where or 'it'} is {value}")
        return float(value)
    if not isinstance(value, Mapping | list | tuple):
        raise NoJson(f"{where or 'it'} is a {_class(value)}")
    if not room:
        raise NoJson(f"it has more than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(inner, f"{where}.{key}".lstrip("."), room - 1) for key, inner in value.items()}
    return [_plain(inner, f"{where}[{at}]", room - 1) for at, inner in enumerate(value)]


def _whole(value: int, where: str) -> int:
    if is_huge(value):
        raise NoJson(f"{where or 'it'} is a number of about {digits(value):,} digits")
    return int(value)


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise NoJson(f"{where or 'it'} has the key {key!r}, and a key of JSON is text")
    return key


def _class(value: Any) -> str:
    module = type(value).__module__
    return (
        type(value).__qualname__ if module == "builtins" else f"{module.partition('.')[0]} {type(value).__qualname__}"
    )
