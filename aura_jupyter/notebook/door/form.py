"""The form for the inputs of a spec: what it takes, what the notebook has for it, and what is wrong with the values."""

from __future__ import annotations

import json
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from ...engine.inputs import resolve
from ...engine.plans import plan_for
from ...messages import Form, InputField, Inputs, Offer, ProblemInfo
from ...spec.problems import Problem, Source, SpecError, nearest
from ...spec.reader import read_value
from ...view import values, words
from ...view.json_value import NoJson, json_value

if TYPE_CHECKING:
    from ...spec.model import InputSpec
    from ..variables import Variables

_NAME, _ABOUT, _CHOICES, _OFFERS = 200, 1_000, 1_000, 100
_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def form(asked: Inputs, variables: Variables | None) -> Form:
    """The form for a spec, with the problems of what was filled in so far.

    Args:
        asked: the spec, and what was filled in.
        variables: the notebook's, which stand in for inputs that have no value.

    Raises:
        SpecError: the spec is wrong.
    """
    plan, source = plan_for(asked.task_spec, variables)
    plan.bind(variables, source)
    specs = plan.inputs or []
    given, problems = _read(asked.texts)
    chosen, missing = picked(asked.variables, variables)
    found = resolve(specs, {**asked.inputs, **given, **chosen}, variables=variables)
    for problem in (*missing, *found.problems):
        name = _owner(problem, specs)
        problems.setdefault(name, _told(problem, source, name))
    return Form(
        title=words.cut(plan.title, _NAME) if isinstance(plan.title, str) else None,
        steps=len(plan.steps),
        fields=[_field(spec, variables) for spec in specs],
        values=given,
        problems=list(problems.values()),
    )


def picked(names: dict[str, str], variables: Variables | None) -> tuple[dict[str, Any], list[Problem]]:
    """The values of the inputs that are variables of the notebook, the very objects, and what is wrong with the names.

    Args:
        names: the variable's name for each input.
        variables: the notebook's; None where there is no notebook.
    """
    values_: dict[str, Any] = {}
    problems = []
    for name, variable in names.items():
        if variables is not None and variable in variables:
            values_[name] = variables[variable]
            continue
        near = nearest(variable, variables.variables()) if variables is not None else None
        hint = f"Did you mean '{near}'?" if near else "Choose another one, or write the value."
        message = f"the notebook has no variable '{variable}'"
        problems.append(Problem("undefined-name", message, hint, ("inputs", name)))
    return values_, problems


def _read(texts: dict[str, str]) -> tuple[dict[str, Any], dict[str, ProblemInfo]]:
    """The values that were written as YAML, and the problems of those that are none."""
    read: dict[str, Any] = {}
    problems: dict[str, ProblemInfo] = {}
    for name, text in texts.items():
        source = Source(text)
        try:
            read[name] = json_value(read_value(source))
        except SpecError as error:
            problems[name] = _told(error.problems[0], source, name)
        except NoJson as error:
            problems[name] = _told(Problem("input-value", f"input '{name}' cannot be sent: {error}"), source, name)
    return read, problems


def _told(problem: Problem, source: Source, name: str) -> ProblemInfo:
    (located,) = SpecError([problem], source).problems
    return ProblemInfo(**{**located.to_json(), "path": name})


def _owner(problem: Problem, specs: list[InputSpec]) -> str:
    """The input that a problem is about."""
    name = problem.path[1]
    return specs[name].name if isinstance(name, int) else name


def _field(spec: InputSpec, variables: Variables | None) -> InputField:
    is_secret = "secret" in spec.type
    stands_in = not spec.has_default and variables is not None and spec.name in variables
    return InputField(
        name=spec.name,
        type=spec.type,
        required=spec.required,
        description=words.cut(spec.description or "", _ABOUT),
        default=_json(spec.default) if spec.has_default and not is_secret else None,
        has_default=spec.has_default,
        choices=[_json(each) for each in (spec.enum or [])[:_CHOICES]] if not is_secret else [],
        min=spec.min,
        max=spec.max,
        variable=_preview(variables, spec.name, is_secret=is_secret) if stands_in else None,
        offers=_offers(spec, variables) if variables is not None and not spec.enum else [],
    )


def _offers(spec: InputSpec, variables: Variables) -> list[Offer]:
    kinds = _kinds(spec.type)
    offers: list[Offer] = []
    for name in sorted(variables.variables(), key=str.casefold) if kinds else ():
        value = variables[name]
        if isinstance(value, kinds) and not isinstance(value, _CODE):
            # a text may be a password: its name tells enough
            preview = "text" if isinstance(value, str | bytes) else values.preview(value)
            offers.append(Offer(name=name, preview=preview))
        if len(offers) == _OFFERS:
            break
    return offers


def _kinds(type_: str) -> tuple[type, ...]:
    """What a variable is that is offered for a type; nothing for what is as quickly written, or nobody's to see."""
    if "secret" in type_:
        return ()
    if type_.startswith("list"):
        return (list, tuple)
    return {"any": (object,), "dict": (dict,)}.get(type_, ())


def _preview(variables: Variables | None, name: str, *, is_secret: bool) -> str:
    return "secret, not shown" if is_secret or variables is None else values.preview(variables[name])


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:  # JSON has no such numbers as `.inf`
        return json.dumps(str(value), ensure_ascii=False)
