"""The values that the keys of a spec take: each with its check, its words, and its JSON Schema."""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, GetJsonSchemaHandler, PlainValidator, Strict, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from .durations import PATTERN, as_float, duration, meant
from .spellings import among, type_meant
from .wording import YES, kind, listing, nearest, quote, shown

TYPES = ("any", "string", "integer", "number", "boolean", "list", "dict", "secret")
DEEPEST_TYPE = 20  # levels of list[…]


def reject(code: str, says: str, hint: str = "", fix: str | None = None) -> PydanticCustomError:
    """A mistake in our own words.

    Args:
        code: as in `Problem`.
        says: goes on after the key: `must be true or false`.
        hint: what to do.
        fix: what to write in place of the value; the hint says the same.
    """
    return PydanticCustomError("aura", "{says}", {"code": code, "says": says, "hint": hint, "fix": fix or ""})


def _yes(value: Any, what: str) -> PydanticCustomError | None:
    word = value.strip() if isinstance(value, str) else ""
    if word.lower() not in YES or len(word) < 2:
        return None
    write = YES[word.lower()]
    return reject("yes-is-text", f"must be {what}; {word} without quotes is text", f"Write {write}.", write)


def boolean(value: Any) -> bool:
    """True or false, and nothing that looks like it."""
    if isinstance(value, bool):
        return value
    raise _yes(value, "true or false") or reject(
        "wrong-type", f"must be true or false, and this is {kind(value)}", "Write true or false."
    )


def condition(value: Any) -> bool | str:
    """True, false or an expression."""
    if isinstance(value, bool):
        return value
    what = "true, false or an expression"
    if not isinstance(value, str):
        raise reject(
            "wrong-type", f"must be {what}, and this is {kind(value)}", "Write an expression such as inputs.n > 3."
        )
    if not value.strip():
        raise reject("bad-value", f"must be {what}, and this is empty", "Write an expression such as inputs.n > 3.")
    if (error := _yes(value, what)) is not None:
        raise error
    return value


def whole(least: int) -> Callable[[Any], int]:
    """A check for whole numbers from `least` on."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise reject(
                "wrong-type",
                f"must be a whole number, and this is {kind(value)}",
                f"Write a number, for example {max(least, 3)}.",
            )
        if value < least:
            raise reject(
                "bad-value", f"must be at least {least}, and this is {shown(value)}", f"Write {least} or more."
            )
        return int(value)

    return check


def times(value: Any) -> int | str:
    """A number of turns, or an expression that yields it."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        hint = "Write a number, for example 3, or an expression."
        raise reject(
            "wrong-type",
            f"must be a whole number or an expression, and this is {kind(value) if value != '' else 'empty'}",
            hint,
        )
    return whole(0)(value)


def factor(value: Any) -> float:
    """A number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise reject("wrong-type", f"must be a number, and this is {kind(value)}", "Write a number, for example 2.")
    found = as_float(value)
    if not 1 <= found < 1e300:
        raise reject("bad-value", f"must be at least 1, and this is {shown(value)}", "Write 1 or more.")
    return found


def seconds(*, zero: bool) -> Callable[[Any], float]:
    """A check for durations, of more than 0 or with 0."""

    def check(value: Any) -> float:
        try:
            found = duration(value)
        except ValueError:
            raise _no_duration(value) from None
        if found == 0 and not zero:
            raise reject("bad-duration", "must be more than 0", "Write a duration such as 30s, or leave the key out.")
        return found

    return check


def _no_duration(value: Any) -> PydanticCustomError:
    like = "Write a number of seconds, or text such as 500ms, 30s or 1h30m."
    if isinstance(value, str):
        near = meant(value)
        says = (
            "must be a duration, and a template cannot stand here"
            if kind(value) == "a template"
            else f"must be a duration, and {quote(value)} is none"
        )
        return reject("bad-duration", says, f"Write {near}." if near else like, near)
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        return reject(
            "bad-duration", f"must not be {'negative' if value < 0 else 'infinite'}, and this is {shown(value)}", like
        )
    return reject("bad-duration", f"must be a duration, and this is {kind(value)}", like)


def choice(*words: str) -> Callable[[Any], str]:
    """A check for one of a few words."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        near = nearest(value, words) if isinstance(value, str) else None
        what = quote(value) if isinstance(value, str) else kind(value)
        hint = f"Write {near}." if near else among(words)
        raise reject("bad-value", f"must be {listing(words)}, and this is {what}", hint, near)

    return check


def items(value: Any) -> list[Any] | str:
    """A list, or an expression that yields something to go through."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str) and value.strip():
        return value
    hint = (
        f"Write 'times: {value}' under 'loop'."
        if isinstance(value, int) and not isinstance(value, bool)
        else "Write a list, or an expression."
    )
    raise reject(
        "wrong-type", f"must be a list or an expression, and this is {kind(value) if value != '' else 'empty'}", hint
    )


def bound(value: Any) -> int | float:
    """A limit of numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise reject("wrong-type", f"must be a number, and this is {kind(value)}", "Write a number.")
    if value != value:  # noqa: PLR0124 - not a number; `math.isnan` takes no huge ones
        raise reject("bad-value", "must be a number, and .nan is none", "Write a number.")
    return value


def classes(value: Any) -> tuple[str, ...]:
    """The name of an exception class, or a list of them."""
    names = [value] if isinstance(value, str) else value
    if (
        not isinstance(names, (list, tuple))
        or not all(isinstance(name, str) and name.strip() for name in names)
        or not names
    ):
        hint = "Write a name such as OSError, or a list of them."
        raise reject("wrong-type", f"must be an exception's name or a list of them, and this is {kind(value)}", hint)
    return tuple(names)


def type_name(value: Any) -> str:
    """The type of an input, without blanks."""
    if not isinstance(value, str):
        hint = f"Write one of: {', '.join(TYPES)}, list[TYPE]."
        if isinstance(value, list) and len(value) == 1 and value[0] in TYPES:
            hint = f"Write list[{value[0]}]."
        raise reject("wrong-type", f"must be the name of a type, and this is {kind(value)}", hint)
    text = re.sub(r"\s+", "", value)
    if _is_type(text):
        return text
    means = type_meant(value)
    if means is not None and _is_type(means):
        raise reject("spelling", f"must be a type, and {quote(value)} is none", f"Write '{means}'.", means)
    near = nearest(text, TYPES)
    raise reject(
        "bad-value",
        f"must be a type, and {quote(value)} is none",
        f"Write '{near}'." if near else f"The types are: {', '.join(TYPES)}, list[TYPE].",
        near,
    )


def _is_type(text: str) -> bool:
    for _ in range(DEEPEST_TYPE):
        if not (text.startswith("list[") and text.endswith("]")):
            return text in TYPES
        text = text[5:-1]
    return False


def short(convert: Callable[[Any], Any], schema: dict[str, Any]) -> tuple[Any, Any]:
    """A short form of a mapping: how it becomes the mapping, and its JSON Schema."""
    return BeforeValidator(convert), _Or(schema)


class _Or:
    """Adds a short form to a key's JSON Schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self.schema, handler(core)]}


def checked(check: Callable[[Any], Any], schema: dict[str, Any]) -> tuple[Any, Any]:
    """A check of our own, and the JSON Schema that goes with it."""
    return PlainValidator(check), WithJsonSchema(schema)


def one_of(words: Collection[str]) -> dict[str, Any]:
    """The JSON Schema of a few words."""
    return {"type": "string", "enum": list(words)}


TEXT = {"type": "string", "minLength": 1}
NOT_BLANK = {"type": "string", "pattern": r"\S"}
DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "minLength": 2, "pattern": rf"^\s*{PATTERN}\s*$"}]
}
TIMEOUT_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "minLength": 2, "pattern": rf"^\s*{PATTERN}\s*$"},
    ]
}
CONDITION_SCHEMA = {
    "anyOf": [
        {"type": "boolean"},
        {**NOT_BLANK, "not": {"pattern": r"^\s*([Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)\s*$"}},
    ]
}

FAIL_OR_CONTINUE = ("fail", "continue")
EXECUTORS = ("thread", "process", "loop", "dask")

Text = Annotated[str, Strict()]
Boolean = Annotated[bool, *checked(boolean, {"type": "boolean"})]
Condition = Annotated[bool | str, *checked(condition, CONDITION_SCHEMA)]
Duration = Annotated[float, *checked(seconds(zero=True), DURATION_SCHEMA)]
Timeout = Annotated[float, *checked(seconds(zero=False), TIMEOUT_SCHEMA)]
AtLeastOne = Annotated[int, *checked(whole(1), {"type": "integer", "minimum": 1})]
Times = Annotated[int | str, *checked(times, {"anyOf": [{"type": "integer", "minimum": 0}, NOT_BLANK]})]
Factor = Annotated[float, *checked(factor, {"type": "number", "minimum": 1})]
Items = Annotated[list[Any] | str, *checked(items, {"anyOf": [{"type": "array"}, NOT_BLANK]})]
Bound = Annotated[int | float, *checked(bound, {"type": "number"})]
Classes = Annotated[
    tuple[str, ...], *checked(classes, {"anyOf": [NOT_BLANK, {"type": "array", "minItems": 1, "items": NOT_BLANK}]})
]
TypeName = Annotated[
    str, *checked(type_name, {"type": "string", "pattern": rf"^\s*(list\s*\[\s*)*({'|'.join(TYPES)})(\s*\])*\s*$"})
]
FailOrContinue = Annotated[Literal["fail", "continue"], *checked(choice(*FAIL_OR_CONTINUE), one_of(FAIL_OR_CONTINUE))]
Executor = Annotated[Literal["thread", "process", "loop", "dask"], *checked(choice(*EXECUTORS), one_of(EXECUTORS))]
