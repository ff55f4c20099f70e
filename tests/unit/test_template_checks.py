from __future__ import annotations

import pytest

from aura_jupyter.engine.templates import Finding, check, condition, template


class Here:
    """What a template may read in these tests: steps `fetch`, `a-b` and `a name` have ended, `later` has not."""

    def __init__(
        self,
        inputs: tuple[str, ...] | None = ("flights", "rate", "by_month", "new-text", "limit"),
        locals: frozenset[str] = frozenset(),  # noqa: A002
        loop_fields: frozenset[str] = frozenset({"index", "length", "item"}),
        *,
        only_inputs: bool = False,
    ) -> None:
        self.inputs = inputs
        self.locals = locals
        self.loop_fields = loop_fields
        self.only_inputs = only_inputs

    def step(self, name: str) -> Finding | None:
        if name in ("fetch", "a-b", "a name"):
            return None
        if name == "later":
            return Finding("step-not-ended", "step 'later' has not ended by then", "Add 'later' to 'depends_on'.")
        return Finding("unknown-step", f"there is no step {name!r}", "Did you mean 'fetch'?")

    def hint_for(self, name: str) -> str:
        return f"'{name}' is known elsewhere."


IN_A_LOOP = frozenset({"item", "loop", "error"})


def findings(text: str, here: Here | None = None) -> list[Finding]:
    found = template(text)
    assert found is not None
    return check(found, here or Here())


def the_finding(text: str, here: Here | None = None) -> Finding:
    (finding,) = findings(text, here)
    return finding


def shown(text: str, here: Here | None = None) -> list[str]:
    return [f"{finding.message} {finding.hint}" for finding in findings(text, here)]


def underlined(text: str, finding: Finding) -> int:
    """Where in the text the finding's fragment stands."""
    place = -1
    for _ in range(finding.occurrence + 1):
        place = text.index(finding.fragment, place + 1)
    return place


@pytest.mark.parametrize(
    ("text", "message", "hint", "fragment"),
    [
        (
            "{{ inputs.rat }}",
            "there is no input 'rat'",
            "Did you mean 'inputs.rate'? The inputs are: flights, rate, by_month, new-text, limit.",
            "inputs.rat",
        ),
        ("{{ inputs['xyz'].a + 1 }}", "there is no input 'xyz'", "The inputs are: flights, rate,", "inputs['xyz']"),
        (
            "{{ inputs.new_text }}",
            "there is no input 'new_text'",
            "Did you mean 'inputs[\"new-text\"]'?",
            "inputs.new_text",
        ),
        ("{{ steps.fecth.output }}", "there is no step 'fecth'", "Did you mean 'fetch'?", "steps.fecth"),
        ('{{ 1 if steps["fecth"].output else 2 }}', "there is no step 'fecth'", "Did you mean", 'steps["fecth"]'),
        ("{{ steps.later.output }}", "step 'later' has not ended by then", "Add 'later'", "steps.later"),
        ("{{ steps.fetch.result }}", "a step has no field 'result'", "Write '.output'.", "steps.fetch.result"),
        ("{{ steps.fetch.outptu.x }}", "a step has no field 'outptu'", "Did you mean '.output'?", "steps.fetch.outptu"),
        ("{{ steps['a name'].x }}", "a step has no field 'x'", "It has: output,", "steps['a name'].x"),
        (
            "{{ steps.fetch.error.text }}",
            "a step's error has no field 'text'",
            "It has: type,",
            "steps.fetch.error.text",
        ),
        ("{{ task.name }}", "'task' has no field 'name'", "It has: id, title, status.", "task.name"),
        ("{{ rate }}", "'rate' is not defined here", "Write 'inputs.rate'.", "rate"),
        ("the rates are {{ rates }}", "'rates' is not defined here", "Did you mean 'inputs.rate'?", "rates"),
        ("{{ xyz.a }}", "'xyz' is not defined here", "Known here are: inputs, steps, ctx, task.", "xyz"),
        ("{{ step.a.output }}", "'step' is not defined here", "Did you mean 'steps'?", "step"),
        ("{{ item }}", "'item' is not defined here", "'item' is known elsewhere.", "item"),
        ("{{ error.message }}", "'error' is not defined here", "'error' is known elsewhere.", "error"),
        ("{{ null }}", "'null' is not defined here", "Write none,", "null"),
        ("{{ len(inputs.rate) }}", "'len' is not defined here", "Write it as a filter: … | length.", "len"),
        ("{{ lipsum() }}", "'lipsum' is not defined here", "Known here", "lipsum"),
        ("{{ [1] | lenght }}", "there is no filter 'lenght'", "Did you mean 'length'?", "lenght"),
        ("{{ [1] | map('uper') }}", "there is no filter 'uper'", "Did you mean 'upper'?", "uper"),
        ("{{ 2 is evne }}", "there is no test 'evne'", "Did you mean 'even'?", "evne"),
        ("{{ 2 is not evne }}", "there is no test 'evne'", "Did you mean 'even'?", "evne"),
        ("{{ [1] | select('evne') }}", "there is no test 'evne'", "Did you mean 'even'?", "evne"),
        ("{{ nodes.fetch.output }}", "'nodes' is not defined here", "Write 'steps'.", "nodes"),
        ("{{ params.rate }}", "'params' is not defined here", "Write 'inputs'.", "params"),
        ("{{ state.x }}", "'state' is not defined here", "Write 'ctx'.", "state"),
        ("{{ initial.x }}", "'initial' is not defined here", "Write 'ctx'.", "initial"),
        ("{{ env.HOME }}", "'env' is not available in templates", "Give the value as an input.", "env"),
        ("{{ inputs.new-text | upper }}", "is a minus to Jinja2", "Write 'inputs[\"new-text\"]'.", "inputs.new-text"),
        ("{{ 1 + steps.a-b.output }}", "is a minus to Jinja2", "Write 'steps[\"a-b\"]'.", "steps.a-b"),
    ],
)
def test_a_mistake_is_found_with_words_and_place(text: str, message: str, hint: str, fragment: str) -> None:
    finding = the_finding(text)
    assert message in finding.message
    assert finding.hint.startswith(hint)
    assert finding.fragment == fragment


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.rate }}",
        "{{ inputs }}",
        "{{ inputs[inputs.rate] }}",
        '{{ inputs["new-text"] }}',
        "{{ inputs.limit-1 }}",
        "{{ inputs.limit - inputs.rate }}",
        "{{ steps.fetch.output.whatever.it[0].holds }}",
        "{{ steps.fetch.error.type }}",
        "{{ steps.fetch.status.lower() }}",
        "{{ steps[inputs.rate].anything }}",
        "{{ steps['a name'].output }}",
        "{{ ctx.whatever.it.holds }}",
        "{{ task.id }}",
        "{{ range(3) | sum }} {{ dict(a=1) }} {{ namespace(a=1).a }} {{ cycler(1).next() }} {{ joiner() }}",
        "{{ true and none is none }}",
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.other | default('none') }}",
        "{{ inputs.other.below | d(1) }}",
        "{{ steps.nowhere.output | default(1) }}",
        "{{ steps.fetch.nothing | default(1) }}",
        "{{ item | default('no item') }}",
        "{{ (inputs.a if inputs.rate else inputs.b) | default(1) }}",
        "{{ inputs.a | default(inputs.b) | default(1) }}",
        "{{ inputs.a | attr('x') | default(1) }}",
        "{{ steps.c is defined }}",
        "{{ nobody is not defined }}",
        "{{ nobody is undefined }}",
        "{{ steps.c.output if steps.c is defined else 'not yet' }}",
        "{% if steps.nowhere.output is defined %}{{ steps.nowhere.output }}{% endif %}.",
        "{% if steps['nowhere'] is defined %}{{ steps.nowhere.output.x }}{% endif %}.",
    ],
)
def test_what_is_guarded_is_left_to_the_run(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("{{ inputs.rate | default(inputs.b) }}", "inputs.b"),
        ("{{ inputs.a | upper | default(1) }}", "inputs.a"),
        ("{{ (inputs.a + 1) | default(1) }}", "inputs.a"),
        ("{{ (1 if inputs.a else 2) | default(1) }}", "inputs.a"),
        ("{{ ctx[inputs.a] | default(1) }}", "inputs.a"),
        ("{{ steps.nowhere.status if steps.c is defined }}", "steps.nowhere"),
        ("{{ inputs.a if inputs is defined }}", "inputs.a"),
        ("{{ steps.fetch.reslt if steps.fetch is defined }}", "steps.fetch.reslt"),
        ("{{ steps[inputs.a].output }}", "inputs.a"),
        ("{{ inputs.a() }}", "inputs.a"),
        ("{{ dict(x=inputs.a) }}", "inputs.a"),
        ("{{ [1][inputs.a:2] }}", "inputs.a"),
        ("{{ {'k': [inputs.a]} }}", "inputs.a"),
        ("{{ 'x' ~ inputs.a ~ 'y' }}", "inputs.a"),
        ("{{ 1 < inputs.a < 3 }}", "inputs.a"),
        ("{{ 1 in inputs.a }}", "inputs.a"),
        ("{{ [1] | join(inputs.a) }}", "inputs.a"),
        ("{{ [1] | join(d=inputs.a) }}", "inputs.a"),
        ("{{ 4 is divisibleby(inputs.a) }}", "inputs.a"),
        ("{{ range(*inputs.a) }}", "inputs.a"),
        ("{{ dict(**inputs.a) }}", "inputs.a"),
        ("{% if inputs.a %}{% endif %}", "inputs.a"),
        ("{% if 1 %}{% elif inputs.a %}{% else %}{% endif %}", "inputs.a"),
        ("{% for x in [] %}{% else %}{{ inputs.a }}{% endfor %}", "inputs.a"),
        ("{% for x in [1] if inputs.a %}{% endfor %}", "inputs.a"),
        ("{% filter join(inputs.a) %}x{% endfilter %}", "inputs.a"),
        ("{% filter nobody %}x{% endfilter %}", "nobody"),
        ("{% set x %}{{ inputs.a }}{% endset %}", "inputs.a"),
        ("{% set x | nobody %}a{% endset %}", "nobody"),
        ("{% macro m(x=inputs.a) %}{% endmacro %}", "inputs.a"),
        ("{% macro m() %}{{ inputs.a }}{% endmacro %}", "inputs.a"),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ inputs.a }}{% endcall %}", "inputs.a"),
        ("{% autoescape true %}{{ inputs.a }}{% endautoescape %}", "inputs.a"),
        ("{% set n.x = 1 %}", "n"),
    ],
)
def test_a_mistake_is_found_wherever_it_stands(text: str, fragment: str) -> None:
    assert the_finding(text).fragment == fragment


@pytest.mark.parametrize(
    "text",
    [
        "{% set n = namespace(n=0) %}{% for x in inputs.rate %}{% set n.n = n.n + x %}{% endfor %}{{ n.n }}",
        "{% for k, v in dict(p=1).items() %}{{ k }}{{ v }}{{ loop.first }}{{ loop.whatever }}{% endfor %}",
        "{% for x in [1] if x > 0 %}{{ x }}{% endfor %}",
        "{% for x in [[1]] recursive %}{{ loop(x) }}{% endfor %}",
        "{% macro twice(t, u=t) %}{{ t }}{{ u }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ twice(1) }}",
        "{% macro down(n) %}{{ down(n - 1) if n else '' }}{% endmacro %}",
        "{% macro m() %}{{ later }}{% endmacro %}{% set later = 1 %}{{ m() }}",
        "{% with y = 4, z = inputs.rate %}{{ y }}{{ z }}{% endwith %}",
        "{% macro m() %}{{ caller(1) }}{% endmacro %}{% call(u) m() %}{{ u }}{% endcall %}",
        "{% if inputs.rate %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}",
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
        "{% set block %}text{% endset %}{{ block }}",
        "{% set rates = inputs.rate %}{{ rates }}",
        "{% set steps = {'x': 1} %}{{ steps.x }}",
        "{% raw %}{{ nobody }}{% endraw %}",
        "{# {{ nobody }} #}{{ inputs.rate }}",
        "{{ '{{ nobody }}' }}",
    ],
)
def test_names_that_the_template_sets_itself_are_known(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{% for x in [1] %}{% endfor %}{{ x }}", "x"),
        ("{% for x in [1] %}{% set y = 1 %}{% endfor %}{{ y }}", "y"),
        ("{% for x in x %}{% endfor %}", "x"),
        ("{% with y = 4 %}{% endwith %}{{ y }}", "y"),
        ("{% macro m(t) %}{% endmacro %}{{ t }}", "t"),
        ("{{ late }}{% set late = 1 %}", "late"),
        ("{% for x in [1] %}{% else %}{{ loop.index }}{% endfor %}", "loop"),
        ("{{ caller() }}", "caller"),
    ],
)
def test_names_are_forgotten_where_their_part_of_the_template_ends(text: str, name: str) -> None:
    assert the_finding(text).fragment == name


def test_without_an_inputs_block_any_input_may_be_read() -> None:
    assert findings("{{ inputs.anything }}", Here(inputs=None)) == []
    assert shown("{{ inputs.anything }}", Here(inputs=())) == [
        "there is no input 'anything' The task declares no inputs."
    ]


def test_locals_are_known_where_they_are_in_scope() -> None:
    here = Here(locals=IN_A_LOOP)
    assert (
        findings(
            "{{ item.x }} {{ loop.index }} {{ loop.length }} {{ loop.item.x }} {{ error.type }} {{ error.step }}", here
        )
        == []
    )
    assert shown("{{ error.text }}", here) == ["'error' has no field 'text' It has: type, message, step."]
    assert shown("{{ loop.index0 }}", here) == ["'loop' has no field 'index0' Write 'loop.index'."]


def test_the_loop_of_a_while_has_no_length() -> None:
    here = Here(locals=IN_A_LOOP, loop_fields=frozenset({"index", "item"}))
    assert "It has: index, item." in shown("{{ loop.length }}", here)[0]


@pytest.mark.parametrize(
    "text", ["{{ ctx.a }}", "{{ task.id }}", "{{ steps.fetch.output }}", "{{ steps[inputs.rate] }}"]
)
def test_a_title_can_read_the_inputs_only(text: str) -> None:
    assert the_finding(text, Here(only_inputs=True)).message == "a title can read the inputs only"
    assert not findings(text + "{{ inputs.rate }}", Here())


def test_a_hyphen_is_a_minus_only_where_something_has_that_name() -> None:
    here = Here(inputs=("a-b-c", "a", "x-1"), locals=frozenset({"item"}))
    assert shown("{{ inputs.a-b-c }}", here) == ["'inputs.a-b-c' is a minus to Jinja2 Write 'inputs[\"a-b-c\"]'."]
    assert shown("{{ inputs.x-1 }}", here)[0].startswith("'inputs.x-1' is a minus")
    assert findings("{{ inputs.a - 1 }}", here) == []
    assert findings("{{ inputs.a-item }}", here) == []


def test_all_mistakes_of_a_template_are_found_at_once() -> None:
    text = "{{ inputs.a | nobody }} and {{ steps.b.output }}{% if xyz is evne %}{% endif %}"
    assert [finding.fragment for finding in findings(text)] == ["inputs.a", "nobody", "steps.b", "xyz", "evne"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("inputs.rat is {{ inputs.rat }}", 17),
        ("rates: {{ 'rates' ~ rates }}", 20),
        ("{{ inputs.rat | default(1) }} {{ inputs.rat }}", 33),
        ("{{ inputs.rats | default(1) }} {{ inputs.rat }}", 34),
        ("{{ ctx.rates }}{{ rates }}", 18),
        ("{{ inputs.rat if inputs.rate else 1 }}", 3),
        ("{{ 1 if inputs.rat else inputs.rate }}", 8),
        ("{{ 'lenght' | lenght }}", 14),
        ("{{- inputs.rate -}} {{-  rates   -}}", 25),
        ("{# rates #}\n{{ rates }}", 15),
    ],
)
def test_the_right_place_is_underlined(text: str, place: int) -> None:
    assert underlined(text, the_finding(text)) == place


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ steps.join.output | title }", "the template has no end", "It begins with '{{' and needs '}}' at its end."),
        ("a {{ b ", "the template has no end", "What begins with '{{' and needs '}}' at its end."),
        ("{% if a ", "the template has no end", "It begins with '{%' and needs '%}' at its end."),
        ("{% for a in [1] %}", "'{% for %}' has no end", "Write '{% endfor %}' where it ends."),
        ("{% if inputs.rate %}", "'{% if %}' has no end", "Write '{% endif %}' where it ends."),
        ("{% endif %}", "'{% endif %}' has no beginning", ""),
        ("{% do x %}", "there is no tag 'do'", ""),
        ("{% include 'x' %}", "there is no 'include' in a task's templates", ""),
        ("{% import 'x' as x %}", "there is no 'import' in a task's templates", ""),
        ("{% from 'x' import y %}", "there is no 'from … import' in a task's templates", ""),
        ("{% extends 'x' %}", "there is no 'extends' in a task's templates", ""),
        ("{{ a b }}", "'b' stands where '}}' is expected", "Write '}}' before 'b', or take 'b' out."),
        ("{{ a + }}", "an expression is not complete", "Write the rest of it."),
        ("{{ }}", "", ""),
        ("{{ a ? b }}", "'?' stands where it has no meaning", "Take '?' out."),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "the template is nested too deep", ""),
        ("{{ " + "a is defined and " * 3000 + "a }}", "the template is nested too deep", ""),
    ],
)
def test_a_broken_template_is_one_finding_for_the_whole_text(text: str, message: str, hint: str) -> None:
    finding = the_finding(text)
    assert (finding.code, finding.fragment) == ("broken-template", "")
    assert message in finding.message
    assert finding.hint.startswith(hint)
    assert finding.hint.endswith(".")


def test_a_condition_is_checked_with_or_without_braces() -> None:
    for text in ("inputs.xs | lenght > 1", "{{ inputs.xs | lenght > 1 }}"):
        assert [finding.fragment for finding in check(condition(text), Here())] == ["inputs.xs", "lenght"]
    assert check(condition(True), Here()) == []
    assert check(condition(""), Here()) == []
    assert check(condition("inputs.rate > 1"), Here()) == []
    assert [finding.code for finding in check(condition("inputs.rate >"), Here())] == ["broken-template"]
    assert [finding.code for finding in check(condition("inputs.rate limit"), Here())] == ["broken-template"]


def test_yes_and_no_as_expressions_are_told_what_to_write() -> None:
    (finding,) = check(condition("no"), Here())
    assert finding.hint.startswith("Write false")
