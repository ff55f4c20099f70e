"""What an editor may write in place of a mistake: where there is one, writing it leaves the mistake no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aura_jupyter.engine.planner import compile_spec
from aura_jupyter.spec.problems import Source, SpecError
from aura_jupyter.spec.reader import read_text

MISTAKES = [case["spec"] for case in yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text("utf-8"))]


class Notebook:
    """A namespace with one function."""

    def find(self, name: str) -> Any:
        return len if name == "clean_flights" else None

    def names(self) -> list[str]:
        return ["clean_flights"]


def problems(text: str) -> list[dict[str, Any]]:
    source = Source(text)
    try:
        compile_spec(read_text(source), source, Notebook())
    except SpecError as error:
        return error.to_json()
    return []


def fixed(text: str, problem: dict[str, Any]) -> str:
    lines = text.split("\n")
    line = lines[problem["line"] - 1]
    lines[problem["line"] - 1] = line[: problem["column"] - 1] + problem["fix"] + line[problem["end_column"] - 1 :]
    return "\n".join(lines)


FIXES = {
    "{action: core.log, parms: {message: x}}": "{action: core.log, params: {message: x}}",
    "{action: core.log, with: {message: x}}": "{action: core.log, params: {message: x}}",
    "{action: core.lgo, params: {message: x}}": "{action: core.log, params: {message: x}}",
    '{action: "core.lgo", params: {message: x}}': '{action: "core.log", params: {message: x}}',
    "{action: log, params: {message: x}}": "{action: core.log, params: {message: x}}",
    "{action: clean_flihgts, args: [x]}": "{action: clean_flights, args: [x]}",
    "{action: core.log, params: {mesage: x}}": "{action: core.log, params: {message: x}}",
    "{action: clean_flights, args: [x], executor: threads}": "{action: clean_flights, args: [x], executor: thread}",
    "{action: core.log, params: {message: x}, when: yes}": "{action: core.log, params: {message: x}, when: true}",
    "{action: core.log, params: {message: x}, timeout: 5 minutes}": (
        "{action: core.log, params: {message: x}, timeout: 5m}"
    ),
    "{name: 3, action: core.log, params: {message: x}}": '{name: "3", action: core.log, params: {message: x}}',
    "{action: core.log, params: {message: '{{ steps.firts.output }}'}}": (
        "{action: core.log, params: {message: '{{ steps.first.output }}'}}"
    ),
    "{action: core.log, params: {message: '{{ steps.first.result }}'}}": (
        "{action: core.log, params: {message: '{{ steps.first.output }}'}}"
    ),
    "{action: core.log, params: {message: '{{ steps[\"firts\"].output }}'}}": (
        "{action: core.log, params: {message: '{{ steps.first.output }}'}}"
    ),
    "{action: core.log, params: {message: '{{ inputs.citty }}'}}": (
        "{action: core.log, params: {message: '{{ inputs.city }}'}}"
    ),
    "{action: core.log, params: {message: '{{ city }}'}}": (
        "{action: core.log, params: {message: '{{ inputs.city }}'}}"
    ),
    '{action: core.log, params: {message: "{{ inputs.big-city }}"}}': (
        "{action: core.log, params: {message: \"{{ inputs['big-city'] }}\"}}"
    ),
    "{action: core.log, params: {message: '{{ inputs.city | lenght }}'}}": (
        "{action: core.log, params: {message: '{{ inputs.city | length }}'}}"
    ),
    "{action: core.log, params: {message: x}, depends_on: [firts]}": (
        "{action: core.log, params: {message: x}, depends_on: [first]}"
    ),
    "{action: core.log, params: {message: '😀 城 {{ inputs.citty }}'}}": (
        "{action: core.log, params: {message: '😀 城 {{ inputs.city }}'}}"
    ),
}


@pytest.mark.parametrize("step", FIXES)
def test_the_hint_that_is_a_replacement_is_one_for_editors_too(step: str) -> None:
    above = (
        "inputs: [{name: city, default: x}, {name: big-city, default: y}]\n"
        "steps:\n"
        "  - {name: first, action: core.sleep, params: {seconds: 0}}\n"
    )
    text = f"{above}  - {step}\n"
    (found,) = problems(text)
    assert fixed(text, found) == f"{above}  - {FIXES[step]}\n"
    assert problems(fixed(text, found)) == []


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_that_was_fixed_is_there_no_more(text: str) -> None:
    found = problems(text)
    for problem in found:
        if problem["fix"] is not None:
            left = problems(fixed(text, problem))
            assert (problem["code"], problem["message"]) not in [(each["code"], each["message"]) for each in left]


def test_quotes_are_left_to_the_person_where_they_make_true_a_text() -> None:
    (found,) = problems('inputs: [{name: a, required: "yes"}]\nsteps: [{action: core.sleep, params: {seconds: 0}}]')
    assert (found["hint"], found["fix"]) == ("Write true.", None)


def test_a_sentence_that_is_no_replacement_gives_no_fix() -> None:
    (found,) = problems("steps: [{action: core.log, params: {message: x}, zzzzz: 1}]")
    assert found["fix"] is None


def test_a_step_without_an_action_is_a_problem_beside_calls_that_are_right() -> None:
    (found,) = problems("steps: [{name: a}, {action: core.sleep, params: {seconds: 0}}]")
    assert found["code"] == "missing-key"
