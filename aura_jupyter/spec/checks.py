"""What the shape of a spec does not show: names given twice, keys and limits that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from . import values
from .labels import step_label
from .problems import Path, Problem
from .wording import listing, quote, shown

if TYPE_CHECKING:
    from .model import InputSpec, LoopSpec, StepSpec, TaskSpec


def problems(spec: TaskSpec, path: Path) -> Iterator[Problem]:
    """Every mistake between keys.

    Args:
        spec: the spec, whose steps know their paths.
        path: where it stands in another one.
    """
    names: dict[str, Path] = {}
    yield from _inputs(spec.inputs or (), (*path, "inputs"))
    for step in spec.steps:
        yield from _step(step, names, "")
    for step in spec.finally_:
        yield from _step(step, names, "finally")


def label(step: StepSpec) -> str:
    """What a message calls the step."""
    index = next((part for part in reversed(step.path) if isinstance(part, int)), 0)
    return step_label({"name": step.name, "action": step.action}, index)


def _step(step: StepSpec, names: dict[str, Path], section: str) -> Iterator[Problem]:
    name = step.name
    if name is not None and names.setdefault(name, step.path) is not step.path:
        also = (((*names[name], "name"), "first here"),)
        hint = "Give one of them another name: names are unique in the whole task."
        yield Problem("duplicate-name", f"two steps are called {quote(name)}", hint, (*step.path, "name"), also=also)
    if section and step.depends_on is not None:
        message = f"{label(step)}: 'depends_on' cannot stand in a step of {section}, whose steps run one after another"
        yield Problem("misplaced-key", message, "Delete it.", (*step.path, "depends_on"), at_key=True)
    if step.loop is not None:
        yield from _loop(step, step.loop)
    if step.on_error is not None:
        for inner in step.on_error.steps:
            yield from _step(inner, names, "on_error")


def _loop(step: StepSpec, loop: LoopSpec) -> Iterator[Problem]:
    path = (*step.path, "loop")
    kinds = {"for_each": loop.for_each, "times": loop.times, "while": loop.while_}
    given = [quote(key) for key, value in kinds.items() if value is not None]
    if len(given) != 1:
        has = f"has {listing(given, 'and')}" if given else "has none of them"
        message = f"{label(step)}: 'loop' takes just one of 'for_each', 'times' and 'while', and {has}"
        yield Problem("bad-value", message, "Keep one of them." if given else "Write one of them.", path, at_key=True)
    elif loop.while_ is not None and loop.parallelism != 1:
        message = f"{label(step)}: 'parallelism' cannot stand beside 'while', whose turns run one after another"
        yield Problem("bad-value", message, "Delete it.", (*path, "parallelism"), at_key=True)


def _inputs(inputs: Iterable[InputSpec], above: Path) -> Iterator[Problem]:
    names: dict[str, int] = {}
    for index, spec in enumerate(inputs):
        path = (*above, index)
        first = names.setdefault(spec.name, index)
        if first != index:
            also = (((*above, first, "name"), "first here"),)
            yield Problem(
                "duplicate-name",
                f"two inputs are called {quote(spec.name)}",
                "Keep one of them.",
                (*path, "name"),
                also=also,
            )
        yield from _limits(spec, path)


def _limits(spec: InputSpec, path: Path) -> Iterator[Problem]:
    bounds = [key for key, value in (("min", spec.min), ("max", spec.max)) if value is not None]
    if spec.type not in {"any", "number", "integer"}:
        for key in bounds:
            message = f"'{key}' is for numbers, and input {quote(spec.name)} is a {spec.type}"
            yield Problem("bad-value", message, "Delete it, or write 'type: number'.", (*path, key), at_key=True)
        bounds = []
    if len(bounds) == 2 and spec.min is not None and spec.max is not None and spec.min > spec.max:
        message = (
            f"'max' of input {quote(spec.name)} is {shown(spec.max)}, which is less than its 'min', {shown(spec.min)}"
        )
        yield Problem(
            "bad-value",
            message,
            "Write the smaller one under 'min'.",
            (*path, "max"),
            also=(((*path, "min"), "the smallest"),),
        )
        return
    if spec.enum is not None:
        yield from _enum(spec, path)
    if spec.has_default and spec.default is not None:
        checked = spec if bounds else spec.model_copy(update={"min": None, "max": None})
        refusal = values.refusal(checked, spec.default, typed=True)
        if refusal is not None:
            also = (((*path, refusal.limit), "the limit"),) if refusal.limit in {"min", "max"} else ()
            yield Problem(
                _code(refusal),
                f"'default' {refusal.says}",
                refusal.hint,
                (*path, "default"),
                also=also,
                fix=_fix(spec.default, refusal),
            )


def _enum(spec: InputSpec, path: Path) -> Iterator[Problem]:
    if not spec.enum:
        yield Problem(
            "bad-value",
            f"'enum' of input {quote(spec.name)} allows nothing",
            "Write at least one value.",
            (*path, "enum"),
            at_key=True,
        )
    bare = spec.model_copy(update={"enum": None, "min": None, "max": None})
    for index, value in enumerate(spec.enum or ()):
        refusal = values.refusal(bare, value, typed=True)
        if refusal is not None:
            where, says = (*path, "enum", index), f"a value of 'enum' {refusal.says}"
            yield Problem(_code(refusal), says, refusal.hint, where, fix=_fix(value, refusal))


def _fix(value: object, refusal: values.Refusal) -> tuple[str, str] | None:
    return (str(value), refusal.fix) if refusal.fix else None


def _code(refusal: values.Refusal) -> str:
    return "bad-value" if refusal.code == "input-value" else refusal.code
