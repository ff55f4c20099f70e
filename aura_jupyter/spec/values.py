"""Whether a value is one that an input takes. Nothing is converted."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .wording import YES, kind, listing, shown

if TYPE_CHECKING:
    from .model import InputSpec


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input does not take a value."""

    code: str  # "wrong-type", "yes-is-text" or "input-value"
    says: str  # after the input's name: "is 1.5, and the largest value is 1"
    hint: str
    limit: str = ""  # the key of the input that it goes against: "type", "enum", "min", "max"
    fix: str = ""  # what to write in place of the value


def refusal(spec: InputSpec, value: Any, *, typed: bool = False) -> Refusal | None:
    """Why an input does not take a value, None if it does.

    Args:
        spec: the input.
        value: what came.
        typed: the value was written in the spec, so that an unquoted `yes` may have been meant as a boolean.
    """
    if value is None and spec.takes_null:
        return None
    mismatch = _mismatch(value, spec.type)
    if mismatch is not None:
        return _wrong_type(spec.type, *mismatch, typed=typed)
    if spec.enum is not None and not any(_same(value, allowed) for allowed in spec.enum):
        if spec.is_secret:
            return Refusal("input-value", "is none of the allowed values", "Give one of these.", "enum")
        words = [_plain(allowed) for allowed in spec.enum[:20]]
        return Refusal(
            "input-value",
            f"is {shown(value)}, and the allowed values are: {', '.join(words)}",
            f"Give {listing(words)}.",
            "enum",
        )
    return _out_of_bounds(spec, value)


def _out_of_bounds(spec: InputSpec, value: Any) -> Refusal | None:
    if spec.min is None and spec.max is None:
        return None
    if not is_number(value):
        return Refusal(
            "wrong-type",
            f"must be a number, and this is {kind(value)}",
            "Give a number.",
            "min" if spec.min is not None else "max",
        )
    low, high = spec.min, spec.max
    span = (
        f"from {low} to {high}"
        if low is not None and high is not None
        else f"of {low} or more"
        if low is not None
        else f"of {high} or less"
    )
    if low is not None and not _holds(operator.ge, value, low):
        return Refusal(
            "input-value", f"is {shown(value)}, and the smallest value is {low}", f"Give a value {span}.", "min"
        )
    if high is not None and not _holds(operator.le, value, high):
        return Refusal(
            "input-value", f"is {shown(value)}, and the largest value is {high}", f"Give a value {span}.", "max"
        )
    return None


def _wrong_type(type_: str, expected: str, item: Any, where: str, *, typed: bool) -> Refusal:
    if expected == "boolean" and isinstance(item, str) and typed and len(item) > 1 and item.lower() in YES:
        write = YES[item.lower()]
        says = f"must be true or false; {item} without quotes is text"
        return Refusal("yes-is-text", says, f"Write {write}.", "type", "" if where else write)
    came = f"this is {type(item).__name__}"
    if "secret" not in type_ and len(shown(item)) < 40:
        came = f"{shown(item)} is {type(item).__name__}"
    inside = f"must have {_article(expected)} as {where}" if where else f"must be {_article(expected)}"
    return Refusal("wrong-type", f"{inside}, and {came}", f"Give {_article(type_)}.", "type")


def _article(type_: str) -> str:
    named = {
        "boolean": "true or false (boolean)",
        "string": "text (string)",
        "dict": "a mapping (dict)",
        "secret": "text (secret)",
    }
    return named.get(type_, f"an {type_}" if type_[:1] in "aeiou" else f"a {type_}")


def _mismatch(value: Any, type_: str) -> tuple[str, Any, str] | None:
    """The type that was expected, the value that is none, and where it stands in the value."""
    if not type_.startswith("list["):
        return None if TESTS[type_](value) else (type_, value, "")
    if not isinstance(value, (list, tuple)):
        return type_, value, ""
    inner = type_[5:-1]
    if inner == "any":
        return None
    for index, item in enumerate(value):
        found = _mismatch(item, inner)
        if found is not None:
            return found[0], found[1], f"item {index}" if not found[2] else f"{found[2]} of item {index}"
    return None


def is_boolean(value: Any) -> bool:
    """True and false, NumPy's too."""
    return isinstance(value, bool) or (type(value).__module__ == "numpy" and type(value).__name__ in {"bool", "bool_"})


def is_number(value: Any) -> bool:
    """A real number, no boolean."""
    return isinstance(value, numbers.Real) and not is_boolean(value) and not _is_duration(value)


def _is_duration(value: Any) -> bool:
    """NumPy's durations, which go as whole numbers with it."""
    return type(value).__module__ == "numpy" and type(value).__name__ == "timedelta64"


TESTS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "secret": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, numbers.Integral) and is_number(value),
    "number": is_number,
    "boolean": is_boolean,
    "list": lambda value: isinstance(value, (list, tuple)),
    "dict": lambda value: isinstance(value, Mapping),
}


def _holds(compare: Callable[[Any, Any], Any], value: Any, limit: Any) -> bool:
    try:
        return bool(compare(value, limit))
    except Exception:  # noqa: BLE001 - an object's own comparison may raise anything
        return False


def _same(value: Any, allowed: Any) -> bool:
    """Equal, but a boolean is no number."""
    if is_boolean(value) != is_boolean(allowed):
        return False
    try:
        return bool(value == allowed)
    except Exception:  # noqa: BLE001 - arrays and frames have no truth, and an object may raise anything
        return False


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() == value != "" and len(value) < 40 else shown(value)
