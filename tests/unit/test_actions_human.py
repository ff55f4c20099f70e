from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aura_jupyter.errors import TaskError
from tests.unit.ports import Port, call, complaints


def approve(port: Port, /, **params: Any) -> Any:
    return asyncio.run(call("human.approve", port, **params))


def test_the_choice_of_a_person_is_the_output() -> None:
    port = Port(answer="Approve")
    assert approve(port, message="Publish?") == "Approve"
    assert port.questions == [("Publish?", ["Approve", "Reject"], None)]


def test_reject_fails_the_step() -> None:
    with pytest.raises(TaskError, match=r"'Publish\?' was rejected"):
        approve(Port(answer="Reject"), message="Publish?")


def test_other_choices_and_a_default_are_handed_on() -> None:
    port = Port()
    assert approve(port, message="Which?", choices=["small", "large"], default="large") == "large"
    assert port.questions == [("Which?", ["small", "large"], "large")]


@pytest.mark.parametrize(
    ("params", "parameter", "words"),
    [
        ({"message": ""}, "message", "'message' is empty"),
        ({"message": "m", "choices": []}, "choices", "'choices' is empty"),
        ({"message": "m", "choices": "yes"}, "choices", "must be a list of texts"),
        ({"message": "m", "choices": [1, 2]}, "choices", "Put it in quotes."),
        ({"message": "m", "choices": ["a", "b", "a"]}, "choices", "has 'a' twice"),
        ({"message": "m", "default": "approve"}, "default", "Write 'Approve' or 'Reject'."),
        ({"message": "m", "choices": ["a", "b"], "default": "Approve"}, "default", "Write 'a' or 'b'."),
    ],
)
def test_what_cannot_be_right_is_found_before_anything_runs(params: dict[str, Any], parameter: str, words: str) -> None:
    [(where, found)] = complaints("human.approve", **params)
    assert where == parameter
    assert words in found


def test_choices_that_are_a_template_are_checked_when_they_are_there() -> None:
    assert complaints("human.approve", message="m", choices="{{ inputs.choices }}", default="a") == []
    with pytest.raises(ValueError, match="none of the choices"):
        approve(Port(), message="m", choices=["b"], default="a")
