from __future__ import annotations

import copy
import pickle
import threading
from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from aura_jupyter.engine.templates import Fields, Scope, condition, is_true, template
from aura_jupyter.errors import TemplateError


@dataclass
class Step:
    output: Any = None
    status: str = "COMPLETED"
    error: Any = None
    errors: tuple[Any, ...] = ()
    attempts: int = 1
    duration: float = 0.5
    action: str = "secret of the engine"


def scope(inputs: dict[str, Any] | None = None, **more: Any) -> Scope:
    locals_ = {name: more.pop(name) for name in ("item", "loop", "error", "output", "attempt") if name in more}
    task = {"id": "T1", "title": "daily", "status": "RUNNING"}
    return Scope(inputs or {}, more.pop("steps", {}), more.pop("ctx", {}), more.pop("task", task), locals_)


def render(text: str, inputs: dict[str, Any] | None = None, **more: Any) -> Any:
    found = template(text)
    assert found is not None
    return found.render(scope(inputs, **more))


def failure(text: str, inputs: dict[str, Any] | None = None, **more: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(text, inputs, **more)
    assert "\n" not in str(caught.value)
    return caught.value


# what a text yields


@pytest.mark.parametrize("text", ["", "plain", "{ }", "{# a comment #}", "}} %}"])
def test_a_text_without_opening_braces_is_no_template(text: str) -> None:
    assert template(text) is None


def test_the_same_text_is_the_same_template() -> None:
    assert template("{{ inputs.same }}") is template("{{ inputs." + "same }}")


@pytest.mark.parametrize("text", ["{{ inputs.x }}", "{{inputs['x']}}", " {{- inputs.x -}}\n", "{{ (inputs.x) }}"])
def test_one_expression_yields_the_very_object(text: str) -> None:
    value = object()
    assert render(text, {"x": value}) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.n + 1 }}", 4),
        ("{{ inputs.s }}", "007"),
        ("{{ (inputs.s) }}", "007"),
        ("{{ inputs.s }}0", "0070"),
        ("{{ inputs.n }}{{ inputs.n }}", "33"),
        ("{{ inputs.n }} {{ inputs.n }}", "3 3"),
        ("n is {{ inputs.n }}{% if inputs.n > 2 %}, big{% endif %}", "n is 3, big"),
        ("one {{ inputs.n }}\ntwo\n", "one 3\ntwo\n"),
        ("one {{ inputs.n }}\r\ntwo\r\n", "one 3\r\ntwo\r\n"),
        ("{{ inputs.n +\r\n 1 }}", 4),
        ("{{ 'one\r\n' }}", "one\r\n"),
        ("one\r\n{%- if true %} two{% endif %}", "one two"),
        ("{{ '}}' }}", "}}"),
        ("{{ '{{' }}", "{{"),
        ("{{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{% raw %}{{ inputs.x }}{% endraw %}", "{{ inputs.x }}"),
        ("{{ none }}", None),
        ("{{ inputs.n, inputs.s }}", (3, "007")),
        ("{{ '[1]' }}", "[1]"),
        ("{% for x in 'pq' %}{{ loop.index }}{% endfor %}{{ loop.index }}", "120"),
        ("{% set t = namespace(n=0) %}{% for x in [1, 2] %}{% set t.n = t.n + x %}{% endfor %}{{ t.n }}", "3"),
        ("{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}{% with y = 4 %}{{ twice(y) }}{% endwith %}", "44"),
    ],
)
def test_a_text_renders_to_its_value(text: str, value: Any) -> None:
    found = render(text, {"n": 3, "s": "007"}, loop={"index": 0})
    assert (found, type(found)) == (value, type(value))


def test_what_a_template_yielded_is_not_rendered_again() -> None:
    assert render("<{{ inputs.evil }}>", {"evil": "{{ 7 * 7 }}"}) == "<{{ 7 * 7 }}>"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.xs | map('upper') }}", ["A", "B"]),
        ("{{ inputs.xs | select('equalto', 'b') }}", ["b"]),
        ("{{ inputs.xs | reverse }}", ["b", "a"]),
        ("{{ inputs.xs | batch(1) }}", [["a"], ["b"]]),
        ("{{ {'k': inputs.xs | map('upper')} }}", {"k": ["A", "B"]}),
        ("{{ inputs.xs | map('upper') if inputs.xs else 0 }}", ["A", "B"]),
        ("they are {{ inputs.xs | map('upper') }}", "they are ['A', 'B']"),
        ("{{ 'ab' | reverse }}", "ba"),
    ],
)
def test_what_a_filter_yields_bit_by_bit_is_a_list(text: str, value: Any) -> None:
    assert render(text, {"xs": ["a", "b"]}) == value


@pytest.mark.parametrize(
    "text", ["{{ inputs.g }}", "{{ (inputs.g) }}", "{{ inputs.g or 0 }}", "{{ inputs.none | default(inputs.g) }}"]
)
def test_a_generator_that_came_in_stays_itself(text: str) -> None:
    generator = (n for n in (1, 2))
    assert render(text, {"g": generator}) is generator
    assert list(generator) == [1, 2]


def test_marked_up_text_arrives_as_plain_text() -> None:
    assert type(render("{{ inputs.x | tojson }}", {"x": {"b": 1, "a": 2}})) is str


# what is missing


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ ctx.a | default(5) }}", 5),
        ("{{ ctx.a.b.c | default(5) }}", 5),
        ("{{ ctx.a['b'][0] | default(5) }}", 5),
        ("{{ inputs.none.b | d(5) }}", 5),
        ("{{ steps.later.output | default('none') }}", "none"),
        ("{{ item | default('no item') }}", "no item"),
        ("{{ ctx.a is defined }}", False),
        ("{{ ctx.a.b is defined }}", False),
        ("{{ ctx.a.b is undefined }}", True),
        ("{{ ctx.here is defined }}", True),
        ("{{ ctx.here.below.it | default(1) }}", 1),
        ("{{ 'a' in ctx }} {{ 'here' in ctx }}", "False True"),
    ],
)
def test_default_and_is_defined_see_what_is_missing_further_up(text: str, value: Any) -> None:
    assert render(text, {}, ctx={"here": {}}) == value


@pytest.mark.parametrize(
    "text",
    [
        "{{ M }}",
        "text {{ M }}",
        "{{ [M] }}",
        "{{ {'k': [1, (M, 2)]} }}",
        "text {{ [M] }}",
        "{{ M ~ 'x' }}",
        "{{ M + 1 }}",
        "{{ 1 + M }}",
        "{{ M == 1 }}",
        "{{ 1 == M }}",
        "{{ M < 1 }}",
        "{{ not M }}",
        "{{ M and 1 }}",
        "{{ M | length }}",
        "{{ M | list }}",
        "{{ M | int }}",
        "{{ M | upper }}",
        "{{ M | join }}",
        "{{ M() }}",
        "{{ M.x(1) }}",
        "{{ -M }}",
        "{{ {M: 1} }}",
        "{{ 1 in M }}",
        "{{ M in [1] }}",
        "{{ range(M) | list }}",
        "{{ dict(a=M) }}",
        "{{ '%r' | format(M) }}",
        "{{ '{}'.format(M) }}",
        "{{ 1 if M else 2 }}",
        "{% for x in M %}{% endfor %}",
        "{% if M %}{% endif %}",
        "{{ [1, 2][M] }}",
        "{{ [M] | map('string') }}",
        "{{ [{}] | map(attribute='nobody') }}",
    ],
)
def test_any_use_of_what_is_missing_is_an_error(text: str) -> None:
    error = failure(text.replace("M", "ctx.nobody"), ctx={"user": 1})
    assert "nobody" in str(error) or "[1, 2]" in text
    assert error.__cause__ is not None


def test_an_if_without_else_does_not_render_to_nothing() -> None:
    assert "no 'else'" in str(failure("a{{ 1 if false }}b"))
    assert "no 'else'" in str(failure("{{ 1 if false }}"))
    assert render("{{ 1 if true }}") == 1


def test_a_value_that_default_replaced_may_hold_anything() -> None:
    rows = [None] * 1000
    assert render("{{ ctx.a | default(inputs.rows) }}", {"rows": rows}) is rows


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("inputs.rat", "there is no input 'rat'; the inputs are: rate, row, xs, nothing, shape, text"),
        ("inputs['rat']", "there is no input 'rat'; the inputs are: rate, row, xs, nothing, shape, text"),
        ("ctx.usr", "ctx has no 'usr'; it has: user, n"),
        ("steps.fecth.output", "no step 'fecth' has ended; these have: fetch"),
        ("steps.fetch.result", "a step has no 'result'; it has: output, status, error, errors, attempts, duration"),
        ("steps.fetch.error.message", "'message' cannot be read from null"),
        ("steps.failed.error.text", "no step 'failed' has ended; these have: fetch"),
        ("inputs.row.rat", "this dict has no 'rat'; its keys are: rate, other"),
        ("inputs.row[7]", "this dict has no 7; its keys are: other, rate"),
        ("inputs.xs[7]", "this list has no item 7; its length is 2"),
        ("inputs.xs.foo", "this list has no 'foo'"),
        ("inputs.shape.widht", "this SimpleNamespace has no 'widht'; the nearest that it has is: width"),
        ("nobody", "'nobody' is not defined; there are: inputs, steps, ctx, task"),
        ("inputs.text.__class__", "a template may not read '__class__' of a value of type str"),
        ("inputs.xs.append", "a template may not read 'append' of a value of type list"),
    ],
)
def test_the_message_says_what_is_missing_and_what_there_is(path: str, message: str) -> None:
    inputs = {
        "row": {"other": 1, "rate": 3},
        "rate": 3,
        "xs": [1, 2],
        "nothing": None,
        "shape": SimpleNamespace(width=1),
        "text": "x",
    }
    more: dict[str, Any] = {"steps": {"fetch": Step(1)}, "ctx": {"n": 1, "user": 2}}
    for text in (f"{{{{ {path} }}}}", f"{{{{ ({path}) }}}}", f"a text with {{{{ {path} }}}}"):
        assert str(failure(text, inputs, **more)) == message


def test_an_empty_scope_is_named_as_empty() -> None:
    assert str(failure("{{ ctx.a }}")) == "ctx has no 'a': it is empty"
    assert str(failure("{{ inputs.a }}")) == "there is no input 'a'; the task has none"
    assert str(failure("{{ steps.a }}")) == "no step 'a' has ended; none has"


def test_messages_stay_short_whatever_the_values_are() -> None:
    class Huge(dict[str, Any]):
        def __repr__(self) -> str:
            raise AssertionError("never asked for")

    many = {f"key_{n}" * 50: n for n in range(100_000)}
    assert len(str(failure("{{ inputs.many.nobody }}", {"many": many}))) < 500
    assert len(str(failure("{{ (inputs.huge).nobody }}", {"huge": Huge(many)}))) < 500
    assert len(str(failure("{{ inputs.text + 1 }}", {"text": "x" * 10_000_000}))) < 250
    assert len(str(failure("{{ inputs.many[inputs.text] }}", {"many": {}, "text": "x" * 10_000_000}))) < 250


# plain paths are read as Jinja2 reads them


class Odd:
    """Has an attribute and an item of the same name."""

    both = "attribute"
    _hidden = 1

    def __getitem__(self, key: object) -> str:
        if key in ("both", "item", 3):
            return f"item {key}"
        raise KeyError(key)

    @property
    def broken(self) -> int:
        raise ValueError("a property that fails")

    def method(self) -> str:
        return "called"


@pytest.mark.parametrize(
    "path",
    [
        "inputs",
        "inputs.d",
        "inputs.d.k",
        "inputs.d.items",
        "inputs.d['items']",
        'inputs.d["k"]',
        "inputs.d.nobody",
        "inputs.d['nobody']",
        "inputs.d.clear",
        "inputs.d.nested.k",
        "inputs.d.nested.items.x",
        "inputs.d[1]",
        "inputs.d['1']",
        "inputs.xs[0]",
        "inputs.xs[-1]",
        "inputs.xs[9]",
        "inputs.xs.append",
        "inputs.xs.index",
        "inputs.odd.both",
        "inputs.odd['both']",
        "inputs.odd.item",
        "inputs.odd['method']",
        "inputs.odd[3]",
        "inputs.odd.broken",
        "inputs.odd._hidden",
        "inputs.odd['_hidden']",
        "inputs.odd.__class__",
        "inputs.odd.__init__.__globals__",
        "inputs.none",
        "inputs.none.x",
        "inputs.none['x']",
        "inputs.items",
        "inputs.keys.x",
        "inputs._private",
        "inputs['a name']",
        'inputs["a name"].k',
        "inputs.ordered.k",
        "inputs.ordered.clear",
        "inputs.text.upper",
        "inputs.text.nobody",
        "inputs.text[0]",
        "inputs.text['upper']",
        "inputs.function",
        "inputs.function.__code__",
        "inputs.generator",
        "inputs.generator.gi_frame",
        "inputs.kind.mro",
        "inputs.error",
        "inputs.name.δ",
        "steps",
        "steps.a",
        "steps.a.output",
        "steps.a.output.rows",
        "steps.a.status",
        "steps['a'].output",
        "steps.a['output']",
        "steps.a.action",
        "steps.a.error",
        "steps.bad.error.type",
        "steps.bad.error['message']",
        "steps.bad.error.step",
        "steps['b c'].output",
        "steps.nobody",
        "steps[0]",
        "ctx",
        "ctx.pop",
        "ctx.x.y",
        "ctx.nobody.below",
        "task",
        "task.id",
        "task.title",
        "task['status']",
        "task.nobody",
        "item",
        "item.k",
        "item.nobody",
        "loop.index",
        "loop.item.k",
        "error",
        "error.message",
        "error['type']",
        "error.nobody",
        "nobody",
        "nobody.x",
        "attempt",
        "output",
    ],
)
def test_a_plain_path_is_read_as_jinja_reads_it(path: str) -> None:
    inputs: dict[str, Any] = {
        "d": {"k": 1, "items": "an item", "nested": {"k": [1]}, 1: "one", "1": "text"},
        "xs": [1, 2],
        "odd": Odd(),
        "none": None,
        "items": [5],
        "keys": {"x": 1},
        "_private": 2,
        "a name": {"k": 1},
        "ordered": OrderedDict(k=1),
        "text": "abc",
        "function": lambda: 1,
        "generator": (x for x in ()),
        "kind": Odd,
        "name": {"δ": 1},
    }
    steps = {"a": Step({"rows": 3}), "bad": Step(error=ValueError("boom"), status="FAILED"), "b c": Step(4)}
    here = scope(
        inputs,
        steps=steps,
        ctx={"x": {"y": 1}, "pop": 3},
        item={"k": 1},
        loop={"index": 0, "item": {"k": 1}},
        error={"type": "ValueError", "message": "boom", "step": None},
        output=None,
    )

    def outcome(text: str) -> tuple[str, Any, Any]:
        found = template(text)
        assert found is not None
        try:
            value = found.render(here)
        except TemplateError as error:
            return "error", str(error), type(error.__cause__)
        return "value", value, type(value)

    plain, jinja = outcome("{{ " + path + " }}"), outcome("{{ (" + path + ") }}")
    if callable(plain[1]) and "format" not in path:
        assert plain[1] == jinja[1]
    assert plain == jinja


@pytest.mark.parametrize(
    "text", ['{{ inputs["a name"].k }}', "{{ inputs['a name']['k'] }}", '{{inputs["a name"] . k}}']
)
def test_names_that_are_no_identifiers_stand_in_brackets(text: str) -> None:
    assert render(text, {"a name": {"k": 1}}) == 1


# the names


def test_scope_objects_have_no_methods() -> None:
    inputs = {"items": [1], "keys": "k", "get": 2}
    assert render("{{ inputs.items }}", inputs) == [1]
    assert render("{{ (inputs.keys) }}", inputs) == "k"
    assert render("{{ inputs['get'] }}", inputs) == 2
    assert render("{{ inputs | attr('items') }}", inputs) == [1]
    assert render("{{ ctx.pop | default('none') }}") == "none"
    assert render("{{ steps.values.output }}", steps={"values": Step(5)}) == 5


def test_iterating_a_scope_object_yields_the_names() -> None:
    assert render("{% for n in inputs %}{{ n }},{% endfor %}", {"a": 1, "b": 2}) == "a,b,"
    assert render("{{ steps | list }}", steps={"a": Step(), "b": Step()}) == ["a", "b"]
    assert render("{{ ctx | length }}", ctx={"a": 1}) == 1


def test_a_scope_object_arrives_as_a_plain_dict() -> None:
    assert render("{{ inputs }}", {"a": 1}) == {"a": 1}
    assert render("{{ ctx or 0 }}", ctx={"a": 1}) == {"a": 1}
    assert render("{{ dict(ctx, b=2) }}", ctx={"a": 1}) == {"a": 1, "b": 2}
    assert render("{{ inputs | dictsort }}", {"b": 1, "a": 2}) == [("a", 2), ("b", 1)]
    assert render("{{ error | tojson }}", error={"type": "E", "message": "m"}) == '{"message": "m", "type": "E"}'
    assert set(render("{{ steps }}", steps={"a": Step(3)})["a"]) == {
        "output",
        "status",
        "error",
        "errors",
        "attempts",
        "duration",
    }


def test_a_step_has_its_six_fields_and_no_others() -> None:
    steps = {"a": Step([1], "FAILED", ValueError("boom"), ({"index": 0},), 3, 1.5)}
    text = "{{ steps.a.status }} {{ steps.a.error.type }} {{ steps.a.error.message }} {{ steps.a.attempts }}"
    assert render(text, steps=steps) == "FAILED ValueError boom 3"
    assert render("{{ steps.a.duration }}", steps=steps) == 1.5
    assert render("{{ steps.a.errors | map(attribute='index') }}", steps=steps) == [0]
    assert render("{{ steps.a.error is none }}", steps={"a": Step()}) is True
    failure("{{ steps.a.action }}", steps=steps)
    failure("{{ (steps.a).action }}", steps=steps)


def test_an_error_inside_text_reads_as_in_a_traceback() -> None:
    error = {"type": "ValueError", "message": "boom", "step": "a"}
    assert render("it failed: {{ error }}", error=error) == "it failed: ValueError: boom"


def test_scope_objects_are_read_by_attribute_in_python_too() -> None:
    here = scope({"n": 5, "items": 1}, steps={"a": Step(2)}, item=3)
    assert here.names["inputs"].n + here.names["steps"].a.output + here.names["item"] == 10
    assert here.names["inputs"].items == 1
    with pytest.raises(AttributeError):
        _ = here.names["inputs"].nobody


def test_a_turn_of_a_loop_sees_its_item_and_leaves_the_scope_as_it_was() -> None:
    here = scope({"n": 1})
    turn = here.with_locals(item=7, loop={"index": 2, "item": 7})
    found = template("{{ item }} {{ loop.index }} {{ inputs.n }}")
    assert found is not None
    assert found.render(turn) == "7 2 1"
    assert turn.locals["item"] == 7
    assert here.locals == {}


def test_what_is_added_to_ctx_is_seen_at_once() -> None:
    ctx: dict[str, Any] = {}
    here = scope(ctx=ctx)
    ctx["late"] = 1
    found = template("{{ ctx.late }}")
    assert found is not None
    assert found.render(here) == 1


def test_a_view_is_a_mapping_of_any_kind() -> None:
    view = Fields(OrderedDict(a=1), "ctx")
    assert ("a" in view, list(view), len(view), view.a, view["a"]) == (True, ["a"], 1, 1, 1)


# conditions


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("inputs.n > 3", False),
        ("{{ inputs.n > 3 }}", False),
        ("inputs.n", 3),
        ("inputs['n']", 3),
        (" inputs.n == 3 ", True),
        ("true", True),
        (True, True),
        (False, False),
        ("", ""),
        ("{% if inputs.n %}yes{% endif %}", "yes"),
        ("{'a': {'b': 1}}", {"a": {"b": 1}}),
    ],
)
def test_a_condition_stands_with_or_without_braces(value: bool | str, result: Any) -> None:
    assert condition(value).render(scope({"n": 3})) == result


def test_the_same_text_is_an_expression_as_a_condition_and_no_template_elsewhere() -> None:
    assert template("inputs.n") is None
    assert condition("inputs.n") is condition("inputs" + ".n")


@pytest.mark.parametrize("value", ["true", "YES", "On", "1", [0], 1, object()])
def test_what_counts_as_true(value: Any) -> None:
    assert is_true(value, "when") is True


@pytest.mark.parametrize("value", ["", "false", "No", "OFF", "0", [], 0, None, {}])
def test_what_counts_as_false(value: Any) -> None:
    assert is_true(value, "when") is False


def test_other_text_is_no_condition() -> None:
    with pytest.raises(TemplateError, match="'when' gave the text 'maybe'"):
        is_true("maybe", "when")
    with pytest.raises(TemplateError) as caught:
        is_true("x" * 1_000_000, "until")
    assert len(str(caught.value)) < 200


def test_a_value_without_a_truth_is_no_condition() -> None:
    class Frame:
        def __bool__(self) -> bool:
            raise ValueError("the truth value of a Frame is ambiguous")

    with pytest.raises(TemplateError, match=r"'while' gave a Frame.*ambiguous"):
        is_true(Frame(), "while")


# what goes wrong


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{{ 1 / 0 }}", ZeroDivisionError),
        ("{{ inputs.n + 'x' }}", TypeError),
        ("{{ range(10 ** 9) }}", OverflowError),
        ("{{ inputs.odd.broken }}", ValueError),
        ("{{ (inputs.odd).broken }}", ValueError),
        ("{{ inputs.deep() }}", RecursionError),
    ],
)
def test_whatever_is_raised_while_rendering_is_the_cause(text: str, cause: type[Exception]) -> None:
    def deep() -> Any:
        return deep()

    error = failure(text, {"n": 1, "odd": Odd(), "deep": deep})
    assert isinstance(error.__cause__, cause)
    assert cause.__name__ in str(error)


@pytest.mark.parametrize(
    "text", ["{{ x }", "{{ a b }}", "{% if a %}", "{% foo %}", "{{ 1 | nobody }}", "{{ }}", "{% include 'x' %}"]
)
def test_a_broken_template_raises_when_rendered(text: str) -> None:
    failure(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ [''] | map(attribute='__class__') }}",
        "{{ [''] | map('attr', '__class__') }}",
        "{{ ['', ''] | sort(attribute='__class__') }}",
        "{{ [''] | groupby('__class__') }}",
        "{{ [''] | selectattr('__class__') }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{0.__class__.__mro__}'.format(inputs.xs) }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ ('{0.__class__}' | attr('format'))(1) }}",
        "{{ ['{0.__class__}'] | map('attr', 'format') | map('attr', '__self__') }}",
        "{{ inputs.xs.append(1) }}",
        "{{ inputs.xs.sort() }}",
        "{{ (inputs.xs | attr('append'))(1) }}",
        "{{ inputs.d.clear() }}",
        "{{ inputs.d.update(a=1) }}",
        "{{ inputs.d.pop('k') }}",
        "{{ inputs.s.add(1) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{% set n = namespace() %}{{ n.__class__ }}",
        "{% set n = namespace() %}{{ n['__init__'] }}",
        "{% set n = namespace(a=1) %}{{ n._Namespace__attrs }}",
        "{{ dict.__base__ }}",
        "{{ range(10 ** 9) }}",
        "{{ lipsum() }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ inputs.function.__globals__ }}",
        "{{ inputs.function.__code__ }}",
        "{{ inputs.generator.gi_frame }}",
        "{{ inputs.kind.mro() }}",
        "{{ inputs.__class__ }}",
        "{{ inputs._Fields__values }}",
        "{{ inputs['_Fields__values'] }}",
        "{{ inputs | attr('_Fields__values') }}",
        "{{ steps.a._StepFields__step }}",
        "{{ steps.a['_StepFields__step'] }}",
        "{{ (steps.a | attr('_StepFields__step')).action }}",
        "{{ ctx.__init__ }}",
        "{{ ctx.missing.__init__.__globals__ }}",
        "{{ ctx.missing._undefined_obj }}",
        "{% macro m() %}{% endmacro %}{{ m._environment }}",
        "{% for x in [1] %}{{ loop._iterable }}{% endfor %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% from 'x' import y %}",
        "{% include inputs.xs %}",
    ],
)
def test_ways_out_of_the_sandbox_are_closed(text: str) -> None:
    xs, d, s = [1], {"k": 1}, {1}
    values = {"xs": xs, "d": d, "s": s, "function": lambda: 1, "generator": (x for x in ()), "kind": Odd}
    failure(text, values, steps={"a": Step()}, ctx={"k": 1})
    assert (xs, d, s) == ([1], {"k": 1}, {1})


@pytest.mark.parametrize(
    "text", ["{{ 9 ** (9 ** 9) }}", "{{ (-2) ** inputs.n }}", "{% set a = 7 ** inputs.n %}{{ a }}"]
)
def test_a_power_that_would_hold_the_loop_is_refused(text: str) -> None:
    error = failure(text, {"n": 10**12})
    assert str(error) == "this power would have more than 300,000 digits"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ 2 ** 10 }}", 1024),
        ("{{ inputs.n ** -2 }}", 0.25),
        ("{{ 1 ** (9 ** 9) + (-1) ** (9 ** 9) + 0 ** (9 ** 9) }}", 0),
        ("{{ 2.0 ** 3 }}", 8.0),
        ("2 to the {{ inputs.n }} is {{ 2 ** inputs.n }}", "2 to the 2 is 4"),
    ],
)
def test_other_powers_are_python_s(text: str, value: Any) -> None:
    assert render(text, {"n": 2}) == value


def test_a_callable_marked_as_unsafe_is_not_called() -> None:
    def delete() -> None:
        raise AssertionError("called")

    delete.unsafe_callable = True  # type: ignore[attr-defined]
    assert "may not call this function" in str(failure("{{ inputs.delete() }}", {"delete": delete}))


def test_one_template_renders_in_several_threads_at_once() -> None:
    found = template("{% for x in inputs.xs %}{{ x }}{% endfor %}{{ [ctx.none | default(inputs.n)] }}")
    assert found is not None
    wrong: list[str] = []
    start = threading.Barrier(4)

    def run(n: int) -> None:
        start.wait()
        for _ in range(200):
            got = found.render(scope({"xs": [n] * 5, "n": n}))
            if got != f"{str(n) * 5}[{n}]":
                wrong.append(got)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_template_rendered_while_another_renders_disturbs_neither() -> None:
    class Renders:
        def __str__(self) -> str:
            return str(render("{{ [ctx.a | default(1)] }}"))

    assert render("{{ inputs.x }} {{ inputs.x }}", {"x": Renders()}) == "[1] [1]"
    failure("{{ [inputs.x | string, ctx.nobody] }}", {"x": Renders()})


def test_a_view_can_be_copied_and_pickled() -> None:
    view = Fields({"type": "ValueError", "message": "boom"}, "error")
    for same in (pickle.loads(pickle.dumps(view)), copy.deepcopy(view)):
        assert (same.type, str(same)) == ("ValueError", "ValueError: boom")
