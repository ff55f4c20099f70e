"""Makes the plan of a spec: names, order, templates and their checks. All problems are gathered, not just the first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..actions.registry import registry
from ..spec.collector import paused
from ..spec.problems import Problem, Source, SpecError, locate, nearest, nested
from ..spec.reader import read_text
from ..spec.wording import shown
from .order import Order, find_cycle
from .places import Place, some
from .plan import (
    DictTree,
    Judged,
    ListTree,
    Namespace,
    Path,
    Plan,
    PlannedLoop,
    PlannedRetry,
    PlannedStep,
    TupleTree,
)
from .templates import Finding, Template, check, condition, template

if TYPE_CHECKING:
    from ..spec.model import LoopSpec, StepSpec, TaskSpec

COMPARED = 1000  # names that are compared with wrong ones, a twentieth of a second


def compile_spec(data: Any, source: Source, namespace: Namespace | None = None, path: Path = ()) -> Plan:
    """Compile the data of a spec.

    Args:
        data: what the reader gave.
        source: where it came from, for messages.
        namespace: where else actions are found.
        path: where the spec stands, if inside another one.

    Raises:
        SpecError: with every problem of the spec, those of its actions and templates too.
    """
    with paused():
        plan, problems = draft(data, source, namespace, path)
    if plan is None or problems:
        raise SpecError(problems, source)
    return plan


def draft(data: Any, source: Source, namespace: Namespace | None, path: Path = ()) -> tuple[Plan | None, list[Problem]]:
    """Compile as far as it goes, with all problems found on the way."""
    from ..spec.model import validate  # noqa: PLC0415 - 100 ms that loading the extension would have to wait for

    spec, problems = validate(data, path)
    if spec is None:
        return None, problems
    planner = Planner(spec, source, namespace, path)
    planner.problems = problems
    planner.make()
    return planner.plan, planner.problems


class Planner:
    """Makes the plan of one spec and gathers what is wrong with it."""

    def __init__(self, spec: TaskSpec, source: Source, namespace: Namespace | None, path: Path) -> None:
        self.spec = spec
        self.plan = Plan(spec, source, path)
        self.namespace = namespace
        self.problems: list[Problem] = []
        self.inputs: frozenset[str] | None = (
            None if spec.inputs is None else frozenset(each.name for each in spec.inputs)
        )
        self._compared = 0

    def make(self) -> None:
        """Fill the plan in."""
        plan, spec = self.plan, self.spec
        plan.steps = self._rows(spec.steps, "steps", None)
        plan.finally_ = self._rows(spec.finally_, "finally", None)
        self._name_steps()
        self._find_actions()
        self._order_steps()
        for step in plan.rows:
            self._plan_step(step)
        if spec.has_returns:
            plan.returns = (self._tree(spec.returns, (*plan.path, "returns"), Place(self, None, "returns")),)
        self._plan_title()
        if plan.order is not None:
            plan.order.forget()
        self.problems.extend(plan.check_calls(self.namespace))

    def nearest(self, name: str, among: Collection[str]) -> str | None:
        """The nearest of these names, until that has taken long: a spec of which all is wrong has many."""
        if self._compared > COMPARED:
            return None
        self._compared += len(among)
        return nearest(name, among)

    # --- rows and names -----------------------------------------------------------------------------------------------

    def _rows(self, specs: Iterable[StepSpec], section: str, owner: PlannedStep | None) -> list[PlannedStep]:
        steps = []
        for position, spec in enumerate(specs):
            step = PlannedStep(spec, len(self.plan.rows), section, position, owner)
            self.plan.rows.append(step)
            steps.append(step)
            if spec.on_error is not None and spec.on_error.steps:
                step.handlers = tuple(self._rows(spec.on_error.steps, "on_error", step))
        return steps

    def _name_steps(self) -> None:
        index = self.plan.index
        given = {step.spec.name for step in self.plan.rows if step.spec.name}
        counts: dict[str, int] = {}
        for step in self.plan.rows:
            step.name = step.spec.name or self._made_name(step, given, counts)
            index.setdefault(step.name, step.index)

    def _made_name(self, step: PlannedStep, given: set[str], counts: dict[str, int]) -> str:
        base = step.action.rpartition(".")[2] or "step"
        name, n = base, counts.get(base, 1)
        while name in given or name in self.plan.index:
            n += 1
            name = f"{base}_{n}"
        counts[base] = n
        return name

    def _find_actions(self) -> None:
        places: dict[str, int] = {}
        for step in self.plan.rows:
            step.place = places.setdefault(step.action, len(places))
        self.plan.actions = list(places)

    # --- order --------------------------------------------------------------------------------------------------------

    def _order_steps(self) -> None:
        plan = self.plan
        if all(step.spec.depends_on is None for step in plan.steps):
            return
        positions = {step.name: step.position for step in plan.steps}
        for step in plan.steps:
            if step.spec.depends_on is not None:
                step.depends = tuple(self._dependencies(step, positions))
        depends = [step.depends for step in plan.steps]
        cycle = find_cycle(depends)
        if cycle:
            names = [plan.steps[i].name for i in cycle]
            message = f"the steps wait for each other in a cycle: {' -> '.join([*names, names[0]])}"
            first = plan.steps[cycle[0]]
            path = (*first.path, "depends_on") if first.spec.depends_on is not None else first.path
            self.problems.append(Problem("cycle", message, "Take one of these out of a 'depends_on'.", path))
            for step in plan.steps:
                step.depends = None
            return
        plan.order = Order(depends)
        for step in plan.steps:
            step.order = plan.order

    def _dependencies(self, step: PlannedStep, positions: Mapping[str, int]) -> Iterator[int]:
        for name in step.spec.depends_on or ():
            position = positions.get(name)
            if position is not None:
                yield position
                continue
            near = None
            there = self.plan.index.get(name)
            if there is not None:
                section = self.plan.rows[there].section
                message = f"step '{step.name}' depends on '{name}', which is a step of {section}"
                hint = "Only the steps under 'steps' can be waited for."
            else:
                near = self.nearest(name, positions)
                message = f"step '{step.name}' depends on '{name}', and there is no such step"
                hint = f"Did you mean '{near}'?" if near else f"The steps are: {some(positions)}."
            path = (*step.path, "depends_on")
            fix = (name, near) if near else None
            self.problems.append(Problem("unknown-step", message, hint, path, fragment=name, fix=fix))

    # --- one step -----------------------------------------------------------------------------------------------------

    def _plan_step(self, step: PlannedStep) -> None:
        spec, path = step.spec, step.path
        once = Place(self, step, f"step '{step.name}'")
        turn = once
        if spec.loop is not None:
            turn = self._plan_loop(step, spec.loop, once)
        if spec.description is not None:
            step.description = self._leaf(spec.description, (*path, "description"), once)
        step.when = self._condition(spec.when, (*path, "when"), once)
        if spec.params:
            self._plan_params(step, turn)
        if spec.args:
            step.args = [self._tree(value, (*path, "args", i), turn) for i, value in enumerate(spec.args)]
        if spec.retry is not None:
            step.retry = PlannedRetry(spec.retry)
            step.attempts = spec.retry.attempts
            if spec.retry.until is not None:
                place = turn.with_locals("output", "attempt")
                step.retry.until = self._expression(spec.retry.until, (*path, "retry", "until"), place)

    def _plan_params(self, step: PlannedStep, place: Place) -> None:
        action = registry.get(step.action)
        kinds = action.kinds if action is not None else {}
        for key, value in step.spec.params.items():
            path = (*step.path, "params", key)
            kind = kinds.get(key) if kinds else None
            if kind is None:
                tree = self._tree(value, path, place)
            elif kind == "condition" and isinstance(value, str | bool):
                tree = Judged(self._expression(value, path, place), key)
            elif kind == "code":
                tree = value
            elif kind == "spec" and self._is_written_spec(value):
                tree = value
                step.subplan = self._plan_inside(value, path)
            else:
                tree = self._tree(value, path, place)
            step.params.append((key, tree))

    @staticmethod
    def _is_written_spec(value: Any) -> bool:
        return isinstance(value, Mapping) or (isinstance(value, str) and "\n" in value.strip())

    def _plan_inside(self, value: Any, path: Path) -> Plan | None:
        """The plan of a spec that is written under `core.run_task`, its problems among ours."""
        if isinstance(value, str):
            inner = Source(value, name=self.plan.source.name)
            try:
                data = read_text(inner)
            except SpecError as error:
                self.problems.extend(nested(error.problems, path))
                return None
            plan, problems = draft(data, inner, self.namespace)
            self.problems.extend(nested(locate(problems, inner), path))
            return plan
        plan, problems = draft(value, self.plan.source, self.namespace, path)
        self.problems.extend(problems)
        return plan

    def _plan_loop(self, step: PlannedStep, spec: LoopSpec, once: Place) -> Place:
        """Plan the loop, and give the place of what is rendered for each turn."""
        loop = step.loop = PlannedLoop(spec)
        path = (*step.path, "loop")
        inside = isinstance(spec.for_each, list) or spec.for_each is not None
        if spec.for_each is not None:
            loop.for_each = self._expression_or_tree(spec.for_each, (*path, "for_each"), once)
        elif spec.times is not None:
            loop.times = self._expression_or_tree(spec.times, (*path, "times"), once)
        elif spec.while_ is not None:
            own = once.with_locals("loop", fields=("index",))
            own.own = True
            loop.while_ = self._expression(spec.while_, (*path, "while"), own)
        fields = ("index", "item") if spec.while_ is not None and not inside else ("index", "length", "item")
        turn = once.with_locals("item", "loop", fields=fields)
        turn.own = spec.while_ is not None
        return turn

    def _expression_or_tree(self, value: Any, path: Path, place: Place) -> Any:
        return self._expression(value, path, place) if isinstance(value, str) else self._tree(value, path, place)

    def _expression(self, value: bool | str, path: Path, place: Place) -> Template:
        made = condition(value)
        self._check(made, path, place)
        return made

    def _condition(self, value: bool | str | None, path: Path, place: Place) -> Template | bool | None:
        if value is None or isinstance(value, bool):
            return value
        return self._expression(value, path, place)

    def _tree(self, value: Any, path: Path, place: Place) -> Any:
        kind = type(value)
        if isinstance(value, str):
            return self._leaf(value, path, place)
        if kind is list:
            return ListTree([self._tree(item, (*path, i), place) for i, item in enumerate(value)])
        if kind is dict:
            return DictTree([(key, self._tree(item, (*path, _part(key)), place)) for key, item in value.items()])
        if kind is tuple:
            items = [self._tree(item, (*path, i), place) for i, item in enumerate(value)]
            return TupleTree(items) if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def _leaf(self, value: str, path: Path, place: Place) -> Template | str:
        made = template(value)
        if made is None:
            return value
        self._check(made, path, place)
        return made

    def _check(self, made: Template, path: Path, place: Place) -> None:
        for finding in check(made, place):
            self.problems.append(_problem_at(finding, path, place.what + _key_of(path, place)))

    # --- the title ----------------------------------------------------------------------------------------------------

    def _plan_title(self) -> None:
        title = self.spec.meta.title
        if title is not None:
            self.plan.title = self._leaf(title, (*self.plan.path, "meta", "title"), Place(self, None, "title"))


def _part(key: Any) -> str | int:
    """A key as a part of a path."""
    return key if isinstance(key, (str, int)) and not isinstance(key, bool) else shown(key)


def _problem_at(finding: Finding, path: Path, what: str) -> Problem:
    return Problem(
        finding.code,
        f"{what}: {finding.message}",
        finding.hint,
        path,
        fragment=finding.fragment,
        occurrence=finding.occurrence,
        fix=(finding.fragment, finding.fix) if finding.fix else None,
    )


def _key_of(path: Path, place: Place) -> str:
    """The key that holds the template, where it is none of the many under `params` and `args`."""
    key = path[len(place.reader.path)] if place.reader is not None else "params"
    return "" if key in ("params", "args") else f", {path[-1]}"
