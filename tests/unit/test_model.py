"""What a spec may be, every mistake at once, and what is understood in spite of them."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_jupyter.spec.model import StepSpec, TaskSpec, duration, validate
from aura_jupyter.spec.problems import Problem, SpecError, path_text
from aura_jupyter.spec.reader import read
from aura_jupyter.spec.wording import quote

STEP = {"name": "a", "action": "core.log"}


def task(**keys: Any) -> TaskSpec:
    """A valid spec with one step and these keys."""
    spec, problems = validate({"steps": [dict(STEP)], **keys})
    assert problems == []
    assert spec is not None
    return spec


def step(**keys: Any) -> StepSpec:
    return task(steps=[{**STEP, **keys}]).steps[0]


def problems(text: str) -> list[Problem]:
    return validate(read(text)[0])[1]


def said(text: str) -> list[str]:
    """Each problem's line, message and hint."""
    data, source = read(text)
    found = SpecError(validate(data)[1], source).problems
    return [f"{p.line}: {p.message}. {p.hint}" for p in found]


# --- what is understood ---------------------------------------------------------------------------------------------


def test_a_step_alone_has_the_defaults_of_the_language() -> None:
    spec = task()
    found = spec.steps[0]
    assert (spec.meta.title, spec.inputs, spec.finally_, spec.has_returns) == (None, None, [], False)
    assert (found.params, found.args, found.when, found.loop, found.retry, found.timeout) == (
        {},
        [],
        None,
        None,
        None,
        None,
    )
    assert (found.on_error, found.depends_on, found.executor, found.description) == (None, None, None, None)


def test_a_key_with_nothing_counts_as_not_given_but_default_and_returns() -> None:
    keys = [
        "name",
        "description",
        "params",
        "args",
        "when",
        "loop",
        "retry",
        "timeout",
        "on_error",
        "depends_on",
        "executor",
    ]
    spec = task(meta=None, steps=[{"action": "x", **dict.fromkeys(keys)}], **{"finally": None}, returns=None)
    assert spec.steps[0] == task(steps=[{"action": "x"}]).steps[0]
    assert spec.has_returns
    (given_,) = task(inputs=[{"name": "x", "type": None, "required": None, "default": None, "enum": None}]).inputs or []
    assert (given_.type, given_.has_default, given_.default, given_.required) == ("any", True, None, False)
    loop = step(loop={"times": 2, "parallelism": None, "max_iterations": None, "on_error": None, "while": None}).loop
    assert loop is not None
    assert (loop.parallelism, loop.max_iterations, loop.on_error) == (1, 1000, "fail")
    retry = step(
        retry={"attempts": 2, **dict.fromkeys(["delay", "backoff", "max_delay", "jitter", "on", "until"])}
    ).retry
    assert retry == step(retry=2).retry


def test_short_forms_are_short_for_mappings() -> None:
    assert step(retry=3).retry == step(retry={"attempts": 3}).retry
    assert step(loop=[1]).loop == step(loop={"for_each": [1]}).loop
    assert step(loop="inputs.x").loop == step(loop={"for_each": "inputs.x"}).loop
    assert step(depends_on="b").depends_on == ["b"]
    assert step(depends_on=[]).depends_on == []
    assert task(meta={"concurrency": "g"}).meta == task(meta={"concurrency": {"group": "g", "limit": 1}}).meta
    assert task(inputs=["x"]).inputs == task(inputs=[{"name": "x"}]).inputs
    assert step(retry={"attempts": 2, "on": "OSError"}).retry == step(retry={"attempts": 2, "on": ["OSError"]}).retry


def test_on_error_in_all_its_forms() -> None:
    inner = {"name": "b", "action": "x"}
    assert step(on_error="fail").on_error is None
    goes_on = step(on_error="continue").on_error
    assert goes_on is not None
    assert (goes_on.then, goes_on.steps) == ("continue", [])
    assert step(on_error=[inner]).on_error == step(on_error={"steps": [inner]}).on_error
    fails = step(on_error={"steps": [inner], "then": "fail"}).on_error
    assert fails is not None
    assert fails.then == "fail"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (2.5, 2.5),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h2m3s4ms", 3723.004),
        ("0.0001h200ms", 0.56),
        (".5s", 0.5),
        (" 5s ", 5),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (Fraction(1, 4), 0.25),
    ],
)
def test_durations(value: Any, seconds: float) -> None:
    assert duration(value) == pytest.approx(seconds)
    assert step(timeout=value).timeout == pytest.approx(seconds) if seconds else True


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "",
        "30",
        "5 m",
        "1m1h",
        "1s1s",
        "-1s",
        -1,
        True,
        None,
        [1],
        float("nan"),
        1e400,
        f"{'9' * 400}h",
        np.True_,
    ],
)
def test_what_is_no_duration(value: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(value)


def test_numbers_of_numpy_are_numbers() -> None:
    made = step(
        loop={"times": np.int64(3), "parallelism": np.int32(2)},
        retry={"attempts": np.int8(4), "backoff": np.float32(2)},
    )
    assert made.loop is not None
    assert made.retry is not None
    found = [made.loop.times, made.loop.parallelism, made.retry.attempts, made.retry.backoff]
    assert [(type(number), number) for number in found] == [(int, 3), (int, 2), (int, 4), (float, 2.0)]


def test_a_type_is_written_without_blanks() -> None:
    types = ["any", "list[ list [number] ]", "secret", "list[any]"]
    spec = task(inputs=[{"name": f"i{n}", "type": type_} for n, type_ in enumerate(types)])
    assert [item.type for item in spec.inputs or []] == ["any", "list[list[number]]", "secret", "list[any]"]


def test_each_step_knows_where_it_stands() -> None:
    inner = [{"action": "x"}, {"action": "y", "on_error": {"steps": [{"action": "z"}]}}]
    data = {"steps": [{"action": "a"}, {"action": "b", "on_error": inner}], "finally": [{"action": "c"}]}
    spec, _ = validate(data, ("steps", 7, "params", "task"))
    assert spec is not None
    on_error = spec.steps[1].on_error
    assert on_error is not None
    assert path_text(spec.steps[0].path) == "steps[7].params.task.steps[0]"
    assert path_text(on_error.steps[0].path) == "steps[7].params.task.steps[1].on_error[0]"
    deeper = on_error.steps[1].on_error
    assert deeper is not None
    assert path_text(deeper.steps[0].path) == "steps[7].params.task.steps[1].on_error[1].on_error.steps[0]"
    assert path_text(spec.finally_[0].path) == "steps[7].params.task.finally[0]"


def test_the_problems_of_a_spec_inside_another_have_its_path() -> None:
    _, found = validate({"inputs": ["a", "a"], "steps": [{"action": "x", "whn": "x"}]}, ("steps", 1, "params", "task"))
    assert [path_text(p.path) for p in found] == [
        "steps[1].params.task.steps[0].whn",
        "steps[1].params.task.inputs[1].name",
    ]


def test_values_are_the_very_objects() -> None:
    thing = object()
    assert step(params={"thing": thing}).params["thing"] is thing


# --- what is refused, and how ---------------------------------------------------------------------------------------


def one(text: str) -> str:
    found = said(text)
    assert len(found) == 1, found
    return found[0]


STEPS = "steps: [{name: a, action: x}]"
MISTAKES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text("utf-8"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["says"][:60])
def test_a_mistake_is_said_in_words_that_can_be_followed(mistake: dict[str, Any]) -> None:
    assert one(mistake["spec"]) == f"{mistake['line']}: {mistake['says']}"


ELSEWHERE: list[tuple[str, str, str]] = [
    ("with: {v: 1}", "step 'a' has no key 'with'", "Write 'params'."),
    ("if: x", "step 'a' has no key 'if'", "Write 'when'."),
    ("condition: x", "step 'a' has no key 'condition'", "Write 'when'."),
    ("needs: b", "step 'a' has no key 'needs'", "Write 'depends_on'."),
    ("after: b", "step 'a' has no key 'after'", "Write 'depends_on'."),
    ("for_each: [1]", "step 'a' has no key 'for_each'", "Write 'loop'."),
    ("foreach: [1]", "step 'a' has no key 'foreach'", "Write 'loop'."),
    ("with_items: [1]", "step 'a' has no key 'with_items'", "Write 'loop'."),
    ("on_failure: continue", "step 'a' has no key 'on_failure'", "Write 'on_error'."),
    ("catch: []", "step 'a' has no key 'catch'", "Write 'on_error'."),
    ("rescue: []", "step 'a' has no key 'rescue'", "Write 'on_error'."),
    ("ignore_errors: true", "step 'a' has no key 'ignore_errors'", "Write 'on_error: continue'."),
    ("continue_on_error: yes", "step 'a' has no key 'continue_on_error'", "Write 'on_error: continue'."),
    (
        "output_to: x",
        "step 'a' has no key 'output_to'",
        "Delete it, and write steps.a.output where the output is needed.",
    ),
    (
        "register: x",
        "step 'a' has no key 'register'",
        "Delete it, and write steps.a.output where the output is needed.",
    ),
    ("run: ls", "step 'a' has no key 'run'", "Write 'action: shell.run', and the command under 'params' as 'command'."),
    (
        "shell: ls",
        "step 'a' has no key 'shell'",
        "Write 'action: shell.run', and the command under 'params' as 'command'.",
    ),
    ("attempts: 3", "step 'a': 'attempts' belongs under 'retry'", "Move it under 'retry'."),
    ("parallelism: 3", "step 'a': 'parallelism' belongs under 'loop'", "Move it under 'loop'."),
    ("delay: 3", "step 'a': 'delay' belongs under 'retry'", "Move it under 'retry'."),
    ("finally: []", "step 'a': 'finally' belongs at the top level", "Move it there."),
    ("retry: {count: 3}", "'retry' of step 'a' has no key 'count'", "Write 'attempts'."),
    ("retry: {max_attempts: 3}", "'retry' of step 'a' has no key 'max_attempts'", "Write 'attempts'."),
    ("retry: {attempts: 3, interval: 2}", "'retry' of step 'a' has no key 'interval'", "Write 'delay'."),
    ("retry: {attempts: 3, timeout: 2}", "step 'a': 'timeout' belongs in a step", "Move it there."),
    ("loop: {times: 3, attempts: 2}", "step 'a': 'attempts' belongs under 'retry'", "Move it under 'retry'."),
]


@pytest.mark.parametrize(("written", "message", "hint"), ELSEWHERE)
def test_spellings_from_elsewhere_in_a_step(written: str, message: str, hint: str) -> None:
    assert one(f"steps:\n  - name: a\n    action: x\n    {written}\n") == f"4: {message}. {hint}"


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("meta: {inputs: [a]}", "'inputs' belongs at the top level", "Move it there."),
        ("meta: {steps: []}", "'steps' belongs at the top level", "Move it there."),
        ("title: x", "'title' belongs under 'meta'", "Move it under 'meta'."),
        ("timeout: 3", "'timeout' belongs under 'meta'", "Move it under 'meta'."),
        ("on_error: continue", "'on_error' belongs in a step", "Move it there."),
        ("always: [{action: x}]", "the spec has no key 'always'", "Write 'finally'."),
        ("outputs: {}", "the spec has no key 'outputs'", "Write 'returns'."),
        ("inputs: [{name: a, options: [1]}]", "input 'a' has no key 'options'", "Write 'enum'."),
        ("inputs: [{name: a, type: int}]", "'type' must be a type, and 'int' is none", "Write 'integer'."),
        ("inputs: [{name: a, type: float}]", "'type' must be a type, and 'float' is none", "Write 'number'."),
        ("inputs: [{name: a, type: str}]", "'type' must be a type, and 'str' is none", "Write 'string'."),
        ("inputs: [{name: a, type: bool}]", "'type' must be a type, and 'bool' is none", "Write 'boolean'."),
        (
            "inputs: [{name: a, type: list<string>}]",
            "'type' must be a type, and 'list<string>' is none",
            "Write 'list[string]'.",
        ),
        (
            "inputs: [{name: a, type: 'list[str]'}]",
            "'type' must be a type, and 'list[str]' is none",
            "Write 'list[string]'.",
        ),
        (
            "inputs: [{name: a, type: 'dict[str, int]'}]",
            "'type' must be a type, and 'dict[str, int]' is none",
            "Write 'dict'.",
        ),
    ],
)
def test_spellings_from_elsewhere_at_the_top(written: str, message: str, hint: str) -> None:
    assert one(f"{written}\n{STEPS}\n") == f"1: {message}. {hint}"


def test_uses_is_action() -> None:
    assert one("steps: [{name: a, uses: x}]\n") == "1: step 'a' has no key 'uses'. Write 'action'."


MANY = """\
meta: {titel: x}
inputs:
  - {name: rate, type: float, min: high}
  - rate
steps:
  - name: a
    action: x
    parms: {v: 1}
    retry: {attempts: three, backof: 2}
  - {name: a, actoin: y, timeout: soon}
  - name: c
    when: yes
    on_error:
      - {name: d, action: z, depends_on: a, executor: gpu}
finally: {clean: {action: x}}
extra: 1
"""


def test_all_mistakes_are_found_at_once() -> None:
    found = SpecError(problems(MANY), read(MANY)[1]).problems
    assert [(p.line, p.code, path_text(p.path)) for p in found] == [
        (1, "unknown-key", "meta.titel"),
        (3, "spelling", "inputs[0].type"),
        (3, "wrong-type", "inputs[0].min"),
        (4, "duplicate-name", "inputs[1].name"),
        (8, "unknown-key", "steps[0].parms"),
        (9, "wrong-type", "steps[0].retry.attempts"),
        (9, "unknown-key", "steps[0].retry.backof"),
        (10, "duplicate-name", "steps[1].name"),
        (10, "unknown-key", "steps[1].actoin"),
        (10, "bad-duration", "steps[1].timeout"),
        (11, "missing-key", "steps[2]"),
        (12, "yes-is-text", "steps[2].when"),
        (14, "misplaced-key", "steps[2].on_error[0].depends_on"),
        (14, "bad-value", "steps[2].on_error[0].executor"),
        (15, "wrong-type", "finally.clean"),
        (16, "unknown-key", "extra"),
    ]


def test_what_could_be_understood_is_kept() -> None:
    data, _ = read(MANY)
    before = copy.deepcopy(data)
    spec, _ = validate(data)
    assert data == before
    assert spec is not None
    first, second, third = spec.steps
    assert (first.name, first.action, first.params, first.retry) == ("a", "x", {"v": 1}, None)
    assert (second.action, second.timeout) == ("y", None)
    assert (third.action, third.when, third.path) == ("", None, ("steps", 2))
    assert third.on_error is not None
    assert third.on_error.steps[0].path == ("steps", 2, "on_error", 0)
    assert [item.name for item in spec.inputs or []] == ["rate", "rate"]


def test_without_steps_nothing_is_understood() -> None:
    assert validate({"meta": {}})[0] is None
    assert validate({"steps": {"a": {"action": "x"}}})[0] is None
    assert validate([])[0] is None


def test_an_input_that_cannot_be_understood_leaves_no_inputs_block() -> None:
    spec, found = validate({"inputs": ["a", 3], "steps": [STEP]})
    assert len(found) == 1
    assert spec is not None
    assert spec.inputs is None


def test_a_mistake_inside_of_a_misspelled_key_is_found_too() -> None:
    assert said("steps:\n  - name: a\n    action: x\n    retyr: {attempts: three}\n") == [
        "4: step 'a' has no key 'retyr'. Write 'retry'.",
        "4: step 'a': 'attempts' must be a whole number, and this is text. Write a number, for example 3.",
    ]


def test_names_in_messages_stand_on_one_line_and_are_cut() -> None:
    assert quote("a\nb\x1b") == r"'a\nb\x1b'"
    assert len(quote("x" * 1000)) == 62


# --- nothing breaks it ----------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        *("meta", "inputs", "steps", "finally", "returns", "title", "timeout", "concurrency", "group", "limit", "name"),
        *("type", "required", "default", "enum", "min", "max", "action", "params", "args", "when", "loop", "retry"),
        *("on_error", "depends_on", "executor", "for_each", "times", "while", "parallelism", "attempts", "delay", "on"),
        *("until", "then", "with", "uses", "stpes"),
    ]
)
WORDS = SCALARS | st.sampled_from(
    ["x", "fail", "continue", "yes", "3s", "core.log", "log", "list[integer]", "{{ x }}", "thread"]
)
DATA = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | SCALARS, inner, max_size=5),
    max_leaves=25,
)
SHAPED = st.fixed_dictionaries(
    {"steps": st.lists(st.dictionaries(KEYS, DATA, max_size=5) | DATA, max_size=4)},
    optional={
        "inputs": st.lists(st.dictionaries(KEYS, DATA, max_size=5) | DATA, max_size=3),
        "meta": DATA,
        "finally": DATA,
    },
)


@settings(max_examples=400, deadline=None)
@given(DATA | SHAPED)
def test_any_data_is_understood_or_refused_in_words(data: Any) -> None:
    before = repr(data)
    spec, found = validate(data)
    assert repr(data) == before
    assert spec is not None or found
    assert all(problem.message and problem.code and "Input should" not in problem.message for problem in found)
    assert str(SpecError(found, read("steps: []")[1]))


def test_a_deep_on_error_is_understood_or_refused() -> None:
    data: dict[str, Any] = {"action": "x"}
    for _ in range(400):
        data = {"action": "x", "on_error": [data]}
    _, found = validate({"steps": [data]})
    assert isinstance(found, list)


def test_ten_thousand_faulty_steps_are_told_one_by_one() -> None:
    _, found = validate(
        {"steps": [{"name": f"s{n}", "action": "x", "timeout": "soon", "parms": {}} for n in range(10_000)]}
    )
    assert len(found) == 20_000
