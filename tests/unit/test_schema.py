"""The JSON Schema that editors read."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from aura_jupyter.spec.model import json_schema, validate
from aura_jupyter.spec.reader import read

ROOT = Path(__file__).parents[2]
CASES = [
    *(ROOT / "tests" / "conformance" / "cases").glob("*.yaml"),  # ours
    *(ROOT.parent / "shared" / "conformance").glob("*.yaml"),  # the language's own, where it lies beside the repository
]
SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)
STEP = {"action": "core.log"}

VALID: list[dict[str, Any]] = [
    {"steps": [STEP]},
    {"meta": None, "inputs": None, "steps": [STEP], "finally": None, "returns": None},
    {"meta": {"concurrency": "g", "timeout": "1h30m", "title": "x"}, "steps": [STEP]},
    {"meta": {"concurrency": {"group": "g", "limit": 2}}, "steps": [STEP]},
    {"inputs": ["a", {"name": "b", "type": "list[list[integer]]", "default": [], "required": None}], "steps": [STEP]},
    {"steps": [{**STEP, "loop": [1, 2]}, {**STEP, "loop": "{{ inputs.x }}"}, {**STEP, "loop": {"times": "inputs.n"}}]},
    {"steps": [{**STEP, "loop": {"while": True, "for_each": None}}, {**STEP, "loop": {"for_each": []}}]},
    {
        "steps": [
            {**STEP, "retry": 3},
            {**STEP, "retry": {"attempts": 1, "delay": "100ms", "on": "OSError", "until": "output"}},
        ]
    },
    {
        "steps": [
            {**STEP, "on_error": "continue"},
            {**STEP, "on_error": [STEP]},
            {**STEP, "on_error": {"steps": [STEP], "then": "fail"}},
        ]
    },
    {"steps": [{**STEP, "depends_on": "a"}, {**STEP, "depends_on": []}, {**STEP, "depends_on": None}]},
    {"steps": [{**STEP, "params": None, "args": None, "when": None, "timeout": None, "executor": None, "name": None}]},
    {"steps": [{**STEP, "when": "inputs.n > 3"}, {**STEP, "when": False}, {**STEP, "timeout": 0.5}]},
]
INVALID: list[dict[str, Any]] = [
    {},
    {"steps": []},
    {"steps": {"a": STEP}},
    {"steps": [STEP], "step": []},
    {"steps": [{}]},
    {"steps": [{"action": ""}]},
    {"steps": [{**STEP, "parms": {}}]},
    {"steps": [{**STEP, "params": []}]},
    {"steps": [{**STEP, "args": {}}]},
    {"steps": [{**STEP, "when": 1}]},
    {"steps": [{**STEP, "when": "yes"}]},
    {"steps": [{**STEP, "name": 3}]},
    {"steps": [{**STEP, "loop": 3}]},
    {"steps": [{**STEP, "loop": {}}]},
    {"steps": [{**STEP, "loop": {"times": 3, "for_each": [1]}}]},
    {"steps": [{**STEP, "loop": {"times": -1}}]},
    {"steps": [{**STEP, "loop": {"times": 3, "parallelism": 0}}]},
    {"steps": [{**STEP, "loop": {"times": 3, "on_error": "skip"}}]},
    {"steps": [{**STEP, "retry": 0}]},
    {"steps": [{**STEP, "retry": {"delay": 1}}]},
    {"steps": [{**STEP, "retry": {"attempts": 2, "backoff": 0.5}}]},
    {"steps": [{**STEP, "timeout": 0}]},
    {"steps": [{**STEP, "timeout": "soon"}]},
    {"steps": [{**STEP, "on_error": "ignore"}]},
    {"steps": [{**STEP, "on_error": [{**STEP, "depends_on": "a"}]}]},
    {"steps": [STEP], "finally": [{**STEP, "depends_on": []}]},
    {"steps": [{**STEP, "executor": "threads"}]},
    {"steps": [{**STEP, "depends_on": [1]}]},
    {"inputs": [{"type": "any"}], "steps": [STEP]},
    {"inputs": [{"name": "a", "type": "float"}], "steps": [STEP]},
    {"inputs": [{"name": "a", "required": "yes"}], "steps": [STEP]},
    {"meta": {"concurrency": {"limit": 1}}, "steps": [STEP]},
]


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in str(SCHEMA)


def valid_cases() -> list[Any]:
    cases = [case for file in sorted(CASES) for case in yaml.safe_load(file.read_text("utf-8"))]
    return [pytest.param(case["spec"], id=case["name"]) for case in cases if "spec_error" not in case["expect"]]


@pytest.mark.parametrize("text", valid_cases())
def test_every_spec_that_the_language_page_calls_valid_is_valid(text: str) -> None:
    data, _ = read(text)
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []


@pytest.mark.parametrize("spec", VALID)
def test_what_the_models_take_the_schema_takes(spec: dict[str, Any]) -> None:
    assert validate(copy.deepcopy(spec))[1] == []
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []


@pytest.mark.parametrize("spec", INVALID)
def test_what_the_models_refuse_the_schema_refuses(spec: dict[str, Any]) -> None:
    assert validate(copy.deepcopy(spec))[1] != []
    assert not VALIDATOR.is_valid(spec)


def test_every_key_says_what_it_is_for() -> None:
    mappings = {"the spec": SCHEMA, **SCHEMA["definitions"]}
    silent = [
        f"{name}: {key}"
        for name, mapping in mappings.items()
        for key, schema in mapping["properties"].items()
        if not schema.get("description")
    ]
    assert silent == []


def test_nothing_stands_beside_a_reference_where_draft_7_would_not_see_it() -> None:
    def beside(node: Any) -> list[Any]:
        if isinstance(node, list):
            return [found for item in node for found in beside(item)]
        if not isinstance(node, dict):
            return []
        own = [node] if "$ref" in node and len(node) > 1 else []
        return own + [found for item in node.values() for found in beside(item)]

    assert beside(SCHEMA) == []
