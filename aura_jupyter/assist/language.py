"""What the language says of a place: its keys and values, read from the JSON Schema of specs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

Schema = dict[str, Any]


@cache
def _whole() -> Schema:
    from ..spec.model import json_schema  # noqa: PLC0415 - 100 ms that loading the extension would have to wait for

    return json_schema()


@cache
def _types() -> tuple[str, ...]:
    from ..spec.fields import TYPES  # noqa: PLC0415 - slow: pydantic

    return TYPES


@cache
def _duration() -> str:
    from ..spec.durations import PATTERN  # noqa: PLC0415 - slow: pydantic

    return PATTERN


class Spot:
    """What may stand at a place of a spec.

    Args:
        path: keys and numbers of items, from the top of the spec.
    """

    def __init__(self, path: Sequence[str | int]) -> None:
        self.path = tuple(path)
        self._choices = _at(self.path)

    @property
    def keys(self) -> dict[str, Schema]:
        """The keys of a mapping here, those that it needs first, each with its schema."""
        found: dict[str, Schema] = {}
        for choice in self._choices:
            needed = choice.get("required", ())
            keys: Schema = choice.get("properties", {})
            found.update(sorted(keys.items(), key=lambda pair: pair[0] not in needed))
        return found

    @property
    def just_one(self) -> list[str]:
        """Of these keys just one may be given."""
        return [key for choice in self._choices for other in choice.get("oneOf", ()) for key in other["required"]]

    @property
    def words(self) -> list[str]:
        """The words that a value here may be."""
        found = [str(word) for choice in self._choices for word in choice.get("enum", ())]
        if any(choice.get("type") == "boolean" for choice in self._choices):
            found += ["true", "false"]
        if any("list\\s*" in choice.get("pattern", "") for choice in self._choices):
            found += [*_types(), *(f"list[{name}]" for name in _types() if name not in {"any", "secret"})]
        return found

    @property
    def is_duration(self) -> bool:
        """Whether a value here is a duration."""
        return any(_duration() in choice.get("pattern", "") for choice in self._choices)

    @property
    def is_condition(self) -> bool:
        """Whether a value here is a condition."""
        return any("not" in choice and choice.get("type") == "string" for choice in self._choices)

    @property
    def is_list(self) -> bool:
        """Whether a list of mappings may stand here."""
        return any("properties" in choice for choice in _at((*self.path, 0)))

    @property
    def is_nested(self) -> bool:
        """Whether nothing but a mapping or a list may stand here."""
        kinds = {choice.get("type") for choice in self._choices} - {"null"}
        return bool(kinds) and kinds <= {"array", "object"}

    def is_needed(self, key: str) -> bool:
        """Whether a mapping here must have this key."""
        return any(key in choice.get("required", ()) for choice in self._choices)

    @property
    def description(self) -> str:
        """What the language says of the key that stands here."""
        *above, key = self.path or ("",)
        if not isinstance(key, str):
            return ""
        return str(Spot(above).keys.get(key, {}).get("description", ""))


@cache
def _at(path: tuple[str | int, ...]) -> list[Schema]:
    choices = list(_flat(_whole()))
    for part in path:
        below: list[Schema] = []
        for choice in choices:
            inner = choice.get("items") if isinstance(part, int) else choice.get("properties", {}).get(part)
            if inner:
                below += _flat(inner)
        choices = below
    return choices


def _flat(schema: Schema) -> Iterator[Schema]:
    """What a schema allows, one by one."""
    if "$ref" in schema:
        yield from _flat(_whole()["definitions"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema:
        for choice in schema["anyOf"]:
            yield from _flat(choice)
    else:
        yield schema
