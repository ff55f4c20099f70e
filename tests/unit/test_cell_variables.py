from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from aura_jupyter.notebook.options import GivenInput, LineError, Word
from aura_jupyter.notebook.variables import Variables


def variables(**values: Any) -> Variables:
    machinery = {"In": [], "exit": exit, "_": 7}
    names = {**machinery, **values}
    return Variables(SimpleNamespace(user_ns=names, user_global_ns=names, user_ns_hidden=machinery))


def give(name: str, expression: str | None) -> GivenInput:
    return GivenInput(name, expression, Word(f"{name}={expression}", 3, 9))


def test_ipythons_own_names_are_no_variables() -> None:
    some = variables(flights=1, _1=2, _i=3, _private=4)
    assert some.variables() == ["flights", "_private"]
    assert "exit" not in some
    assert some.find("exit") is None


def test_a_name_of_ipythons_that_the_person_has_set_is_a_variable() -> None:
    assert variables(In=[1])["In"] == [1]


def test_actions_are_found_by_dotted_names() -> None:
    some = variables(math=math, clean=len)
    assert some.find("math.sqrt") is math.sqrt
    assert some.find("clean") is len
    assert some.find("math.nothing.there") is None
    assert some.find("nothing") is None
    assert some.names() == ["clean"]


def test_a_variable_is_given_as_the_very_object() -> None:
    frame = object()
    assert variables(frame=frame).given([give("frame", None)])["frame"] is frame


def test_an_expression_is_evaluated_with_the_persons_variables() -> None:
    assert variables(k=3).given([give("n", "[2 * k for _ in range(k)]")]) == {"n": [6, 6, 6]}


@pytest.mark.parametrize(
    ("name", "expression", "message", "hint"),
    [
        ("flihgts", None, "there is no variable 'flihgts'", "Did you mean 'flights'?"),
        ("zzz", None, "there is no variable 'zzz'", "zzz=EXPRESSION"),
        ("n", "2 *", "-i n: not an expression of Python", "in quotes"),
        ("n", "1 / 0", "-i n: ZeroDivisionError: division by zero", "raised this"),
        ("n", "flihgts", "-i n: NameError: name 'flihgts' is not defined", "Did you mean 'flights'?"),
    ],
)
def test_a_value_that_cannot_be_had_is_a_mistake_of_its_option(
    name: str, expression: str | None, message: str, hint: str
) -> None:
    with pytest.raises(LineError) as mistake:
        variables(flights=1).given([give(name, expression)])
    assert message in mistake.value.message
    assert hint in mistake.value.hint
    assert (mistake.value.word.start, mistake.value.word.end) == (3, 9)
