"""What fits at the cursor of a spec that is being written, and what is said of it. `¦` is the cursor."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest

import aura_jupyter as aura
from aura_jupyter.actions.registry import Action, from_callable, registry
from aura_jupyter.assist import answers
from aura_jupyter.assist.completion import complete
from aura_jupyter.assist.explanation import explain
from aura_jupyter.assist.surroundings import Registered


class Notebook:
    """Stands in for a notebook with a function and a variable."""

    def actions(self, prefix: str) -> Iterable[str]:
        return ["clean", *registry.names()]

    def action(self, name: str) -> Action | None:
        return from_callable("clean", clean) if name == "clean" else registry.get(name)

    def variables(self) -> Iterable[str]:
        return ["flights"]


def clean(frame: object, origin: str = "JFK", *, context: aura.ActionContext, fast: bool = False) -> None:
    """Clean a frame."""


def offers(text: str) -> list[str]:
    text = textwrap.dedent(text)
    at = text.index("¦")
    found = complete(text.replace("¦", ""), at, Notebook())
    return [offer.text.strip().removesuffix(":") for offer in found.items]


def explained(text: str) -> str:
    at = text.index("¦")
    return explain(text.replace("¦", ""), at, Notebook())


BEFORE = """\
inputs:
  - flights
  - {name: rate, type: number}
steps:
  - name: pick
    action: core.set_context
    params: {threshold: 3}
    on_error:
      - {name: rescue, action: core.log}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¦", ["steps", "meta", "inputs", "finally", "returns"]),
        ("meta:\n  title: x\n¦\nsteps: []", ["inputs", "finally", "returns"]),
        ("meta:\n  ¦", ["title", "description", "timeout", "concurrency"]),
        ("meta: {title: x, ¦}", ["description", "timeout", "concurrency"]),
        ("meta:\n  concurrency:\n    group: g\n    ¦", ["limit"]),
        ("inputs:\n  - name: x\n    ¦", ["type", "required", "default", "description", "enum", "min", "max"]),
        ("steps:\n  - action: x\n    ret¦", ["retry"]),
        ("steps:\n  - ret¦\n    action: x", ["retry"]),
        ("steps:\n- action: x\n  ret¦\n- action: y", ["retry"]),
        ("steps:\n  - action: x\n    retry:\n      attempts: 3\n      de¦", ["delay"]),
        ("steps:\n  - {action: x, retry: {attempts: 3, de¦", ["delay"]),
        ("steps:\n  - action: x\n    loop:\n      while: true\n      ¦", ["max_iterations", "on_error"]),
        ("steps:\n  - action: x\n    loop: {times: 3, ¦}", ["parallelism", "on_error"]),
        ("steps:\n  - action: x\n    on_error:\n      - action: y\n        dep¦", []),
        ("steps:\n  - action: x\n    on_error: {steps: [], ¦}", ["then"]),
        ("finally:\n  - action: x\n    dep¦", []),
        ("steps:\n  ¦", ["- action", "- name"]),
        ("inputs:\n  ¦", ["- name"]),
    ],
)
def test_keys_are_offered_where_they_fit_and_are_not_given_yet(text: str, expected: list[str]) -> None:
    assert offers(text) == expected


def test_a_key_that_has_its_colon_is_offered_without_one() -> None:
    assert [offer.text for offer in complete("steps:\n - ret: 3", 12, Notebook()).items] == ["retry"]
    assert [offer.text for offer in complete("steps:\n - ret", 12, Notebook()).items] == ["retry: "]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps:\n  - action: core.l¦", ["core.log"]),
        ("steps: [{action: 'cle¦'}]", ["clean"]),
        ("steps:\n  - executor: ¦", ["thread", "process", "loop", "dask"]),
        ("steps:\n  - on_error: ¦", ["fail", "continue"]),
        ("steps:\n  - on_error:\n      then: ¦", ["fail", "continue"]),
        ("steps:\n  - loop: {times: 3, on_error: c¦}", ["continue"]),
        ("inputs:\n  - {name: x, type: bo¦}", ["boolean"]),
        ("inputs:\n  - name: x\n    type: list[i¦", ["list[integer]"]),
        ("inputs:\n  - {name: x, required: ¦}", ["true", "false"]),
        ("inputs: [fl¦]", ["flights"]),
        ("inputs:\n  - ¦", ["name", "type", "required", "default", "description", "enum", "min", "max", "flights"]),
        ("steps:\n  - timeout: 30¦", ["30s", "30h", "30m", "30ms"]),
        ("steps:\n  - timeout: 1h30¦", ["1h30s", "1h30m", "1h30ms"]),
        ("meta:\n  timeout: 5m¦", ["5m", "5ms"]),
        ("steps:\n  - retry: {attempts: 3, on: TimeoutE¦}", ["TimeoutError"]),
        ("steps:\n  - {name: a}\n  - {name: b}\n  - {name: c, depends_on: [a, ¦]}", ["b"]),
        ("steps:\n  - name: a\n    depends_on:\n      - ¦\n  - {name: b, depends_on: []}", ["b"]),
        ("steps:\n  - name: a\n    depends_on: ¦\n  - {name: b, depends_on: [a]}", []),
        ("steps:\n  - action: clean\n    params: {fast: ¦}", ["true", "false"]),
    ],
)
def test_values_are_offered_where_they_fit(text: str, expected: list[str]) -> None:
    assert offers(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps:\n  - action: clean\n    params:\n      ¦", ["frame", "origin", "fast"]),
        ("steps:\n  - action: clean\n    params: {origin: x, ¦}", ["frame", "fast"]),
        ("steps:\n  - params: {¦}\n    action: clean", ["frame", "origin", "fast"]),
        ("steps:\n  - action: clean\n    args: [1]\n    params:\n      ¦", ["origin", "fast"]),
        ("steps:\n  - action: nobody\n    params:\n      ¦", []),
    ],
)
def test_the_parameters_of_the_step_s_action_are_offered(text: str, expected: list[str]) -> None:
    assert offers(text) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ('when: "{{ inputs.¦ }}"', ["flights", "rate"]),
        ("when: inputs.r¦", ["rate"]),
        ('params: {x: "all {{ inputs.fl¦ }} of them"}', ["flights"]),
        ('params:\n      x: "{{ inputs.fl¦', ["flights"]),
        ("params:\n      x: |\n        a\n        {{ inputs.fl¦ }}", ["flights"]),
        ("when: steps.¦", ["pick", "rescue"]),
        ("when: steps.pick.¦", ["output", "status", "error", "errors", "attempts", "duration"]),
        ("when: steps.pick.error.¦", ["type", "message"]),
        ("when: steps['¦']", ["pick", "rescue"]),
        ("when: steps.pick.status == '¦'", ["COMPLETED", "FAILED", "SKIPPED", "CANCELLED"]),
        ("when: steps.pick.status in ['FAILED', 'C¦']", ["COMPLETED", "CANCELLED"]),
        ("when: ctx.¦", ["threshold"]),
        ("when: task.¦", ["id", "title", "status"]),
        ("when: in¦", ["inputs"]),
        ("when: tr¦", ["true"]),
        ("when: not steps.pi¦", ["pick"]),
        ('params: {x: "{{ inputs.rate | rou¦ }}"}', ["round"]),
        ("when: inputs.rate is defi¦", ["defined"]),
        ('params: {x: "{% fo¦"}', ["for"]),
        ('params: {x: "{% if inputs.ra¦"}', ["rate"]),
        ('params: {x: "{{ 1 }} plain inputs.¦"}', []),
        ("description: plain inputs.¦", []),
        ("when: \"{{ 'text ¦' }}\"", []),
        ('loop: 3\n    params: {x: "{{ it¦ }}"}', ["item"]),
        ('loop: {times: 3}\n    params: {x: "{{ loop.¦ }}"}', ["index", "length", "item"]),
        ("loop: {while: loop.¦}", ["index"]),
        ("loop: {while: steps.me¦}\n    name: me", ["me"]),
        ("retry: {attempts: 3, until: out¦}", ["output"]),
        ("when: out¦", []),
        ("when: err¦", []),
        ("on_error:\n      - {action: x, when: error.¦}", ["type", "message", "step"]),
        ("name: me\n    on_error:\n      - {action: x, when: steps.¦}", ["pick", "rescue", "me"]),
        ("depends_on: []\n    when: steps.¦", []),
        ("action: core.assert\n    params: {that: inputs.ra¦}", ["rate"]),
        ("action: python.run\n    params:\n      code: |\n        inputs.¦", []),
    ],
)
def test_names_are_offered_inside_templates_and_bare_conditions(step: str, expected: list[str]) -> None:
    assert offers(f"{BEFORE}  - {step}\n") == expected


def test_in_finally_and_returns_all_steps_may_be_read() -> None:
    assert offers(BEFORE + "finally:\n  - when: steps.¦") == ["pick", "rescue"]
    assert offers(BEFORE + 'returns:\n  x: "{{ steps.¦ }}"\n') == ["pick", "rescue"]
    assert offers(BEFORE + "finally:\n  - when: error.t¦") == ["type"]


def test_a_step_without_a_name_is_offered_by_the_name_that_it_will_have() -> None:
    assert offers("steps:\n  - action: core.log\n  - action: core.log\n  - when: steps.¦") == ["log", "log_2"]


def test_a_name_that_is_no_identifier_is_offered_in_brackets() -> None:
    text = "steps:\n  - {name: a name}\n  - when: steps.a"
    found = complete(text, len(text), Notebook())
    assert [offer.text for offer in found.items] == ['steps["a name"]']
    assert text[found.start :] == "steps.a"


def test_a_spec_under_core_run_task_has_names_of_its_own() -> None:
    outer = (
        "inputs: [outer]\nsteps:\n  - action: core.run_task\n    params:\n      task:\n        inputs: [own]\n        "
    )
    assert offers(outer + "steps:\n          - when: inputs.¦") == ["own"]
    assert offers(outer + "st¦") == ["steps"]


@pytest.mark.parametrize("text", ["# ¦", "steps: [] # st¦", "meta:\n  title: st¦", "steps:\n  - name: st¦"])
def test_nothing_is_offered_where_nothing_of_the_language_can_stand(text: str) -> None:
    assert offers(text) == []


@pytest.mark.parametrize(
    "broken",
    ["}}}\n", "inputs: [{a: [}\n", "  odd\n", "meta: {title: 'x\n", '- "\n', "a: b: c\n", "\tmeta:\n", "meta: |\n"],
)
def test_what_stands_above_may_be_broken(broken: str) -> None:
    assert offers(f"{broken}steps:\n  - action: core.lo¦\n") == ["core.log"]


def test_whatever_the_text_and_the_place_an_answer_comes() -> None:
    text = BEFORE + 'returns: {a: "{{ steps.pick.output | length }}", b: [1, {c: "x"}]}\nfinally:\n- action: core.log\n'
    for at in range(len(text) + 1):
        for piece in (text, text[:at], text[:at] + "\n" + text[at:], text[:at] + "'" + text[at:]):
            found = complete(piece, at, Registered())
            assert 0 <= found.start <= at
            explain(piece, at, Registered())


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_brackets_that_are_deeper_than_any_spec_s_end_nothing(opening: str) -> None:
    text = "steps: " + opening * 20_000
    assert complete(text, len(text), Notebook()).items == ()
    assert explain(text, len(text), Notebook()) == ""


def test_a_step_is_not_offered_what_waits_for_it_however_far() -> None:
    assert offers(
        """
        steps:
          - {name: a, depends_on: [d]}
          - {name: b, depends_on: []}
          - {name: c, depends_on: [b]}
          - name: d
            depends_on: [¦]
          - {name: e, depends_on: [b]}
          - name: f
        """
    ) == ["b", "c", "e"]


def test_of_very_many_problems_the_first_are_told() -> None:
    problems = answers.validated("steps:\n" + "- x\n" * (answers.MOST + 500), None).problems
    assert [each.line for each in problems] == list(range(2, answers.MOST + 2))


def test_500_lines_are_read() -> None:
    step = "  - name: s{}\n    action: clean\n    when: inputs.f\n    params: {{frame: a, fast: true}}\n    retry: 3\n"
    text = "inputs: [f]\nsteps:\n" + "".join(map(step.format, range(100))) + "  - when: steps.s"
    assert len(complete(text, len(text), Notebook()).items) == 100


def test_an_action_comes_with_its_signature() -> None:
    text = "steps: [{action: clean"
    (offer,) = [each for each in complete(text[:-3], len(text) - 3, Notebook()).items if each.text == "clean"]
    assert offer.signature == "(frame, origin='JFK', *, fast=False)"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("steps:\n  - ret¦ry: 3", "attempts   How many attempts in all"),
        ("me¦ta: {}", "concurrency"),
        ("steps:\n  - retry: {dela¦y: 3}", "default 0"),
        ("steps:\n  - acti¦on: x", "needed"),
        ("steps:\n  - action: cle¦an", "Clean a frame."),
        ("steps:\n  - action: clean\n    params: {fra¦me: 1}", "clean(frame"),
        ('steps:\n  - params: {x: "{{ inputs.x | rou¦nd }}"}', "Round the number"),
        ("steps:\n  - executor: thr¦ead", "Where a plain function runs"),
    ],
)
def test_a_key_an_action_and_a_filter_are_explained(text: str, part: str) -> None:
    assert part in explained(text)


@pytest.mark.parametrize("text", ["# ret¦ry", "steps:\n  - par¦ms: 1", "steps:\n  - action: nobod¦y", "a¦: 1"])
def test_what_is_unknown_is_not_explained(text: str) -> None:
    assert explained(text) == ""


@pytest.fixture(autouse=True)
def _no_more_actions() -> Iterator[None]:
    before = set(registry.names())
    yield
    assert set(registry.names()) == before


TEMPLATES = [
    ('"{% set total = 3 %}{{ to¦ }}"', ["total"]),
    ('"{% set a, bee = 1, 2 %}{{ be¦ }}"', ["bee"]),
    ('"{% for row in inputs.flights %}{{ ro¦ }}{% endfor %}"', ["row"]),
    ('"{% for row in inputs.flights %}{% endfor %}{{ ro¦ }}"', []),
    ('"{% for key, val in x %}{% if va¦ %}{% endif %}{% endfor %}"', ["val"]),
    ('"{% for row in x %}{{ loop.inde¦ }}{% endfor %}"', ["index", "index0"]),
    ('"{% with width = 3 %}{{ wid¦ }}{% endwith %}"', ["width"]),
    ('"{% macro shout(word, many=1) %}{{ man¦ }}{% endmacro %}"', ["many"]),
    ('"{% macro shout(word) %}{% endmacro %}{{ sho¦ }}"', ["shout"]),
    ("'{% set ns = namespace(found=0) %}{% set ns.last = 1 %}{{ ns.¦ }}'", ["found", "last"]),
    ('\'{% set row = {"origin": 1, "dest": 2} %}{{ row.d¦ }}\'', ["dest"]),
    ('\'{% set row = {"origin": 1} %}{{ row["or¦"] }}\'', ["origin"]),
    ("|\n      {%- set far = 3 -%}\n      {{ fa¦ }}", ["far"]),
    ('"{% set steps = {} %}{{ steps.¦ }}"', []),
]


@pytest.mark.parametrize(("value", "expected"), TEMPLATES)
def test_names_that_the_template_has_set_are_offered_where_they_are_in_scope(value: str, expected: list[str]) -> None:
    assert offers(f"steps:\n  - action: core.log\n    params:\n     message: {value}\n") == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("action: shell.run", ["exit_code", "stdout", "stderr"]),
        ("action: http.request", ["status", "headers", "text", "json"]),
        ("{action: core.set_context, params: {rate: 1, far: 2}}", ["rate", "far"]),
        ("{action: shell.run, loop: {times: 3}}", []),
        ("action: core.log", []),
    ],
)
def test_the_keys_of_a_step_s_output_are_offered_where_its_action_tells_them(step: str, expected: list[str]) -> None:
    step = step if step.startswith("{") else f"{{{step}}}"
    step = step.replace("{action", "{name: one, action", 1)
    assert offers(f"steps:\n  - {step}\nreturns: '{{{{ steps.one.output.¦ }}}}'") == expected


class Found(NamedTuple):
    count: int
    names: list[str]


@dataclasses.dataclass
class Rows:
    total: int


def missing(x: int) -> NoSuchThing:  # type: ignore[name-defined] # noqa: F821
    ...


@pytest.mark.parametrize(
    ("kind", "expected"), [(Found, ("count", "names")), (Rows, ("total",)), (dict, ()), (None, ())]
)
def test_the_fields_of_an_output_are_those_of_its_annotation(kind: Any, expected: tuple[str, ...]) -> None:
    def act() -> Any: ...

    act.__annotations__["return"] = kind
    assert from_callable("act", act).output_fields == expected
    assert from_callable("missing", missing).output_fields == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs: [{name: a, type: list[st¦}]", ['"list[string]"']),
        ("inputs: [{name: a, type: list[¦", ['"list[string]"', '"list[integer]"']),
        ('inputs:\n  - {name: a, type: "list[st¦"}', ["list[string]"]),
        ("inputs:\n  - {name: a, type: lis¦}", ["list", '"list[string]"']),
        ("inputs:\n  - name: a\n    type: lis¦", ["list", "list[string]"]),
        ("inputs: [{name: a, type: bool¦}]", ["boolean"]),
    ],
)
def test_a_list_of_something_is_quoted_within_braces(text: str, expected: list[str]) -> None:
    assert offers(text)[: len(expected)] == expected
