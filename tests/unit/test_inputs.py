"""Where inputs come from, and whether they are what the spec wants."""

from __future__ import annotations

import decimal
import fractions
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.spec.problems import SpecError
from tests.unit.running import Functions, on_clock


async def echo(value: Any = None) -> Any:
    return value


def taken(block: Any, given: dict[str, Any] | None = None, /, **variables: Any) -> Any:
    """The inputs of a task with this block, and where they come from; or why it was refused."""
    got: list[Any] = []

    async def main() -> None:
        async with Scheduler(namespace=Functions(echo=echo, **variables)) as made:
            spec = (
                {"steps": [{"action": "echo"}]} if block is None else {"inputs": block, "steps": [{"action": "echo"}]}
            )
            task = await made.run_ad_hoc_task(spec, given).wait()
            got.append((dict(task.inputs), dict(task.origins)))

    try:
        on_clock(main)()
    except SpecError as refused:
        return str(refused)
    return got[0]


def test_given_comes_before_the_default_and_that_before_the_variable() -> None:
    block = [{"name": "x", "default": "default"}]
    assert taken(block, {"x": "given"}, x="variable") == ({"x": "given"}, {"x": "given"})
    assert taken(block, x="variable") == ({"x": "default"}, {"x": "default"})
    assert taken(["x"], x="variable") == ({"x": "variable"}, {"x": "variable"})


def test_an_optional_input_takes_the_variable_if_there_is_one() -> None:
    block = [{"name": "x", "required": False}]
    assert taken(block, x=7) == ({"x": 7}, {"x": "variable"})
    assert taken(block)[0] == {"x": None}
    assert taken(block, {"x": None}, x=7)[0] == {"x": None}


def test_a_required_input_that_nobody_gives_is_refused() -> None:
    assert "'x'" in taken(["x", {"name": "y", "required": True}])
    assert "'y'" in taken(["x", {"name": "y", "required": True}])


def test_null_is_given_where_it_is_allowed_only() -> None:
    assert taken(["x"], {"x": None})[0] == {"x": None}
    assert taken([{"name": "x", "type": "string", "default": None}])[0] == {"x": None}
    assert taken([{"name": "x", "type": "string", "default": None}], {"x": None})[0] == {"x": None}
    assert "null" in taken([{"name": "x", "type": "string"}], {"x": None})
    assert "null" in taken([{"name": "x", "type": "string", "default": "a"}], {"x": None})


def test_undeclared_inputs_are_refused_and_without_a_block_all_are_taken() -> None:
    refused = taken(["origin"], {"origin": 1, "orign": 2})
    assert "orign" in refused
    assert "origin" in refused
    assert taken(None, {"anything": 1})[0] == {"anything": 1}
    assert "x" in taken([], {"x": 1})


def test_values_that_can_be_neither_shown_nor_compared_are_refused_in_words() -> None:
    class Closed(int):
        def __repr__(self) -> str:
            raise RuntimeError

        __eq__ = __ge__ = lambda *_: 1 / 0  # type: ignore[assignment]
        __hash__ = None  # type: ignore[assignment]

    closed = {"x": Closed(3)}
    assert "an object of type Closed" in taken([{"name": "x", "type": "string"}], closed)
    assert "an object of type Closed, and the allowed" in taken([{"name": "x", "enum": [1]}], closed)
    assert "an object of type Closed, and the smallest" in taken([{"name": "x", "min": 1}], closed)
    frame = pd.DataFrame({"a": [1, 2]})
    assert "'x' is a 0 1 1 2, and the allowed values are: 1." in taken([{"name": "x", "enum": [1]}], {"x": frame})


def test_inputs_that_are_no_values_by_name_are_refused() -> None:
    pairs: Any = [("x", 1)]
    for block in (None, ["x"]):
        assert "inputs: the inputs must be a mapping of names to values, and this is a list." in taken(block, pairs)
        numbered: Any = {"x": 1, 2: 3}
        assert "the name of an input must be text, and 2 is a whole number" in taken(block, numbered)


def test_the_inputs_are_named_in_the_order_of_the_block() -> None:
    block = [f"i{number}" for number in range(20)]
    assert f"The inputs are: {', '.join(block)}." in taken(block, {**dict.fromkeys(block), "other": 1})


def test_a_default_is_copied_for_each_task() -> None:
    seen = []

    async def main() -> None:
        async def grow(items: list[int]) -> None:
            items.append(1)
            seen.append(list(items))

        async with Scheduler(namespace=Functions(grow=grow)) as made:
            spec = """
                inputs: [{name: items, default: [0]}, {name: deep, default: {a: [[]]}}]
                steps:
                  - {action: grow, params: {items: "{{ inputs.items }}"}}
                  - {action: grow, params: {items: "{{ inputs.deep.a[0] }}"}}
            """
            for _ in range(2):
                await made.run_ad_hoc_task(spec)

    on_clock(main)()
    assert seen == [[0, 1], [1], [0, 1], [1]]


def test_given_values_are_the_very_objects() -> None:
    frame, items = pd.DataFrame({"a": [1]}), [1]
    inputs, _ = taken(["frame", {"name": "items", "type": "list"}], {"items": items}, frame=frame)
    assert inputs["frame"] is frame
    assert inputs["items"] is items


FITS: list[tuple[str, Any]] = [
    ("any", object()),
    ("any", None),
    ("string", ""),
    ("string", np.str_("x")),
    ("secret", "x"),
    ("integer", 0),
    ("integer", 10**30),
    ("integer", np.int64(3)),
    ("integer", np.uint8(3)),
    ("number", 3),
    ("number", 1.5),
    ("number", np.float32(1.5)),
    ("number", np.int16(1)),
    ("number", fractions.Fraction(1, 3)),
    ("number", float("nan")),
    ("boolean", True),
    ("boolean", np.bool_(False)),
    ("list", []),
    ("list", (1, 2)),
    ("dict", {}),
    ("dict", Functions(a=1)),
    ("list[integer]", [1, np.int32(2)]),
    ("list[integer]", ()),
    ("list[list[string]]", [["a"], []]),
    ("list[dict]", [{}]),
    ("list[any]", [None, 1]),
    ("list[secret]", ["a"]),
]

MISFITS: list[tuple[str, Any]] = [
    ("string", 1),
    ("string", b"x"),
    ("string", None),
    ("integer", 3.0),
    ("integer", np.float64(3.0)),
    ("integer", True),
    ("integer", np.bool_(True)),
    ("integer", "3"),
    ("number", True),
    ("number", "1.5"),
    ("number", 1j),
    ("integer", np.timedelta64(3, "s")),
    ("number", decimal.Decimal("1.5")),
    ("boolean", 1),
    ("boolean", "true"),
    ("boolean", np.int64(1)),
    ("list", "abc"),
    ("list", {1, 2}),
    ("list", {"a": 1}),
    ("list", np.array([1])),
    ("list", (n for n in range(3))),
    ("dict", [("a", 1)]),
    ("dict", pd.DataFrame()),
    ("list[integer]", [1, 2.0]),
    ("list[integer]", [1, True]),
    ("list[string]", "abc"),
    ("list[list[string]]", [["a"], "b"]),
    ("secret", 5),
]


@pytest.mark.parametrize(("kind", "value"), FITS)
def test_a_value_of_the_type_is_taken_as_it_is(kind: str, value: Any) -> None:
    assert taken([{"name": "x", "type": kind}], {"x": value})[0]["x"] is value


@pytest.mark.parametrize(("kind", "value"), MISFITS)
def test_a_value_of_another_type_is_told_with_what_it_is(kind: str, value: Any) -> None:
    refused = taken([{"name": "x", "type": kind}], {"x": value})
    assert isinstance(refused, str)
    assert kind in refused
    while isinstance(value, list | tuple) and kind.startswith("list["):
        kind, value = kind[5:-1], value[-1]
    assert ("null" if value is None else type(value).__name__) in refused


def test_where_in_a_list_the_wrong_one_stands_is_told() -> None:
    assert "item 1" in taken([{"name": "x", "type": "list[integer]"}], {"x": [1, "x"]})
    assert "item 2 of item 0" in taken([{"name": "x", "type": "list[list[integer]]"}], {"x": [[7, 7, "x"]]})


@pytest.mark.parametrize(
    ("block", "value", "words"),
    [
        ({"type": "integer", "min": 1, "max": 5}, 1, None),
        ({"type": "integer", "min": 1, "max": 5}, 5, None),
        ({"type": "integer", "min": 1, "max": 5}, 6, ["6", "largest", "5"]),
        ({"type": "number", "min": 0.5}, 0.25, ["0.25", "smallest", "0.5"]),
        ({"type": "number", "min": 0}, float("nan"), ["nan"]),
        ({"type": "number", "max": 2}, np.float64(2.5), ["2.5"]),
        ({"min": 3}, "text", ["number"]),
        ({"min": 3}, True, ["number"]),
        ({"enum": ["a", 1]}, "a", None),
        ({"enum": ["a", 1]}, 1, None),
        ({"enum": ["a", 1]}, True, ["true", "a, 1"]),
        ({"enum": ["a", 1]}, "b", ["'b'", "a, 1"]),
        ({"enum": ["a", 1]}, np.array([1, 2]), ["allowed values"]),
        ({"enum": ["a", 1]}, pd.DataFrame({"a": [1, 2]}), ["allowed values"]),
        ({"enum": [[1], [2]]}, [1], None),
        ({"enum": ["a"], "required": False}, None, None),
        ({"type": "integer", "min": 3, "required": False}, None, None),
    ],
)
def test_limits_and_choices_are_kept(block: dict[str, Any], value: Any, words: list[str] | None) -> None:
    got = taken([{"name": "x", **block}], {"x": value})
    if words is None:
        assert got[0]["x"] is value
    else:
        assert isinstance(got, str)
        assert all(word in got for word in words), got


def test_all_that_is_wrong_with_the_inputs_is_told_at_once() -> None:
    refused = taken(["a", {"name": "b", "type": "integer"}], {"b": "x", "c": 1})
    assert all(f"{name}" in refused for name in ("'a'", "b", "'c'"))
    assert refused.startswith("3 problems")


def test_the_words_for_where_a_given_input_came_from_are_kept() -> None:
    async def main() -> None:
        async with Scheduler(namespace=Functions(echo=echo)) as made:
            spec = {"inputs": ["x", "y"], "steps": [{"action": "echo"}]}
            task = made.run_ad_hoc_task(spec, {"x": 1, "y": 2}, origins={"x": "given with -i"})
            await task
            assert task.origins == {"x": "given with -i", "y": "given"}

    on_clock(main)()
