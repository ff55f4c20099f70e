"""The JSON Schema of a spec, for editors and for other programs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
_JUST_ONE = ("for_each", "times", "while")
_ABOUT = ("description", "default")  # what is said of a key, beside what it takes


def draft_7(model: type[BaseModel]) -> Schema:
    """The schema of a model in draft 7, the last one that YAML editors read.

    Args:
        model: the model of the whole spec.
    """
    made = model.model_json_schema(ref_template="#/definitions/{model}")
    definitions = {name: _mapping(schema) for name, schema in made.pop("$defs").items()}
    top = _mapping(made)
    _lists_of_steps(definitions, top["properties"])
    definitions["LoopSpec"]["oneOf"] = [
        {"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in _JUST_ONE
    ]
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Aura task"}
    return {**head, **top, "definitions": definitions}


def _mapping(schema: Schema) -> Schema:
    """A mapping of the spec: a key with null counts as not given, so null is allowed wherever a key may be left out."""
    required = schema.get("required", [])
    keys = {key: _key(inner, nullable=key not in required) for key, inner in schema["properties"].items()}
    return {**{k: v for k, v in schema.items() if k != "title"}, "properties": keys}


def _key(schema: Schema, *, nullable: bool) -> Schema:
    about = {name: schema[name] for name in _ABOUT if schema.get(name) is not None}
    takes = [
        _untitled(choice) for choice in _choices({k: v for k, v in schema.items() if k not in _ABOUT and k != "title"})
    ]
    if takes == [{}]:
        return about
    if nullable and {"type": "null"} not in takes:
        takes.append({"type": "null"})
    return {**about, **takes[0]} if len(takes) == 1 and "$ref" not in takes[0] else {**about, "anyOf": takes}


def _choices(schema: Schema) -> Iterator[Schema]:
    """What a key takes, one by one."""
    if schema.keys() == {"anyOf"}:
        for choice in schema["anyOf"]:
            yield from _choices(choice)
    else:
        yield schema


def _untitled(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}


def _lists_of_steps(definitions: Schema, top: Schema) -> None:
    """Steps of `on_error` and `finally` take no `depends_on`, and `on_error` may be a bare list of them."""
    handler = copy.deepcopy(definitions["StepSpec"])
    del handler["properties"]["depends_on"]
    definitions["HandlerStepSpec"] = handler
    steps = {"type": "array", "items": {"$ref": "#/definitions/HandlerStepSpec"}}
    definitions["OnErrorSpec"]["properties"]["steps"].update(steps)
    for step in (definitions["StepSpec"], handler):
        step["properties"]["on_error"]["anyOf"].insert(1, steps)
    top["finally"]["anyOf"][0] = steps
