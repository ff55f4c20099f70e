"""What is refused before anything runs, beyond the shape of the spec."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter.engine.planner import compile_spec
from aura_jupyter.spec.problems import Source, SpecError
from aura_jupyter.spec.reader import read_text


class Notebook:
    """A notebook's variables, as the engine sees them."""

    def __init__(self, **variables: Any) -> None:
        self._variables = variables

    def find(self, name: str) -> Any:
        first, *rest = name.split(".")
        value = self._variables.get(first)
        for part in rest:
            value = getattr(value, part, None)
        return value

    def names(self) -> Iterable[str]:
        return [name for name, value in self._variables.items() if callable(value)]

    def __contains__(self, name: str) -> bool:
        return name in self._variables

    def __getitem__(self, name: str) -> Any:
        return self._variables[name]


def refusal(text: str, notebook: Notebook | None = None) -> str:
    source = Source(text)
    with pytest.raises(SpecError) as caught:
        compile_spec(read_text(source), source, notebook)
    return str(caught.value).replace("\n", " | ")


def planned(text: str, notebook: Notebook | None = None) -> Any:
    source = Source(text)
    return compile_spec(read_text(source), source, notebook)


def join_planes(left: Any, right: Any = None) -> Any:
    return left, right


def step(action: str, more: str = "") -> str:
    return f"steps:\n  - {{name: a, action: {action}{more}}}\n"


@pytest.mark.parametrize(
    ("bare", "known"), [("log", "core.log"), ("sleep", "core.sleep"), ("set_variable", "core.set_context")]
)
def test_a_bare_action_is_one_of_core(bare: str, known: str) -> None:
    assert refusal(step(bare)) == f"line 2: step 'a': no action is called '{bare}'. Write '{known}'."


def test_a_notebook_may_have_a_function_called_log() -> None:
    plan = planned(step("log", ", params: {left: 1}"), Notebook(log=join_planes))
    assert plan.bind(Notebook(log=join_planes), plan.source)[0].function is join_planes


def test_the_nearest_function_of_the_notebook_is_named() -> None:
    message = refusal(step("join_plane", ", params: {left: 1}"), Notebook(join_planes=join_planes))
    assert message == (
        "line 2: step 'a': no action is called 'join_plane'. The notebook has 'join_planes'. Is that the one?"
    )


def test_a_variable_that_is_no_function_is_no_action() -> None:
    assert "'rows' is a list, not a function" in refusal(step("rows"), Notebook(rows=[1]))


def test_dots_lead_into_the_notebooks_objects() -> None:
    class Model:
        def fit(self, rows: Any) -> Any:
            return rows

    notebook = Notebook(model=Model())
    assert "model.fit has no parameter 'x'" in refusal(step("model.fit", ", params: {x: 1}"), notebook)
    planned(step("model.fit", ", params: {rows: 1}"), notebook)


def test_a_function_that_was_defined_anew_is_checked_anew() -> None:
    plan = planned(step("f", ", params: {left: 1}"), Notebook(f=join_planes))

    def f(other: Any) -> Any:
        return other

    with pytest.raises(SpecError, match="f has no parameter 'left'"):
        plan.bind(Notebook(f=f), plan.source)


def test_problems_of_a_text_under_run_task_stand_at_their_own_line() -> None:
    text = (
        "steps:\n  - action: core.run_task\n    params:\n      task: |\n        steps:\n"
        "          - action: core.log\n            prams: {message: 3}\n"
    )
    assert refusal(text) == "line 7: step 'core.log' has no key 'prams'. Write 'params'."


def test_a_step_beside_another_is_told_what_to_wait_for() -> None:
    text = (
        "steps:\n  - {name: left, action: core.log, depends_on: [], params: {message: 1}}\n"
        "  - {name: right, action: core.log, depends_on: [], params: {message: '{{ steps.left.output }}'}}\n"
    )
    assert refusal(text) == (
        "line 3: step 'right': 'left' has not surely ended by then. Write 'depends_on: [left]' in step 'right'."
    )


def test_a_step_further_down_cannot_be_helped_by_depends_on() -> None:
    text = (
        "steps:\n  - {name: one, action: core.log, params: {message: '{{ steps.two.output }}'}}\n"
        "  - {name: two, action: core.log, params: {message: 1}}\n"
    )
    assert refusal(text) == "line 2: step 'one': 'two' runs later. Move 'two' above 'one'."


def test_a_step_that_waits_for_its_reader_is_named_with_what_it_waits_for() -> None:
    text = (
        "steps:\n  - {name: one, action: core.log, depends_on: two, params: {message: 1}}\n"
        "  - {name: two, action: core.log, depends_on: [], params: {message: '{{ steps.one.output }}'}}\n"
    )
    assert "'one' runs later, since 'one' waits for 'two'. Let 'two' wait for 'one' instead" in refusal(text)


def test_a_step_cannot_read_what_runs_once_it_has_failed() -> None:
    text = (
        "steps:\n  - name: one\n    action: core.log\n    params: {message: '{{ steps.two.output }}'}\n"
        "    on_error: [{name: two, action: core.log, params: {message: 1}}]\n"
    )
    assert "'two' is an on_error step of 'one' and runs after it" in refusal(text)


def test_templates_in_a_tuple_are_rendered() -> None:
    params = {"left": (1, "{{ 1 + 1 }}", ["{{ 3 }}"]), "right": (1, "x")}
    result = aura.run({"steps": [{"action": "core.set_context", "params": params}]})
    assert result == {"left": (1, 2, [3]), "right": (1, "x")}


def test_a_key_of_any_kind_is_a_part_of_a_place() -> None:
    value = {None: "{{ nope }}", 1.5: "{{ nope }}", (1, 2): "{{ nope }}"}
    data = {"steps": [{"action": "core.log", "params": {"message": value}}]}
    with pytest.raises(SpecError) as caught:
        aura.run(data)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "steps[0].params.message.null",
        'steps[0].params.message["1.5"]',
        'steps[0].params.message["(1, 2)"]',
    ]


def test_a_title_reads_inputs_only() -> None:
    text = "meta: {title: '{{ steps.a.output }}'}\n" + step("core.log", ", params: {message: 1}")
    assert "a title can read the inputs only" in refusal(text)


def test_a_title_that_cannot_be_rendered_is_a_bad_spec() -> None:
    text = "meta: {title: '{{ inputs.n + 1 }}'}\ninputs: [n]\n" + step("core.log", ", params: {message: 1}")
    with pytest.raises(SpecError) as caught:
        aura.run(text, {"n": "x"})
    assert caught.value.line == 1


def test_every_problem_is_found_at_once() -> None:
    text = (
        "inputs: [rate]\nsteps:\n"
        "  - {name: a, action: core.logg, parms: {message: '{{ inputs.rat }}'}, timeout: soon}\n"
        "  - {name: b, action: core.log, params: {massage: 1}, depends_on: c}\nreturns: '{{ steps.d.output }}'\n"
    )
    source = Source(text)
    with pytest.raises(SpecError) as caught:
        compile_spec(read_text(source), source)
    codes = sorted(problem.code for problem in caught.value.problems)
    assert codes == [
        "bad-duration",
        "undefined-name",
        "unknown-action",
        "unknown-key",
        "unknown-parameter",
        "unknown-step",
        "unknown-step",
    ]


def test_a_long_way_of_names_that_are_made() -> None:
    many = "\n".join("  - {action: core.log, params: {message: x}}" for _ in range(2000))
    plan = planned(f"steps:\n{many}\n")
    assert list(plan.index)[:2] == ["log", "log_2"]
    assert list(plan.index)[-1] == "log_2000"
