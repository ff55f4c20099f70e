"""A spec, compiled once: templates, names, the order of the steps. What can be refused is refused here, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..actions.registry import Action, Complaint, from_callable, registry
from ..errors import TemplateError
from ..spec.model import InputSpec, LoopSpec, RetrySpec, StepSpec, TaskSpec, validate
from ..spec.problems import Problem, Source, SpecError, nearest
from ..spec.reader import read_text
from .order import Order, find_cycle
from .scope import Scope
from .secrets import Secrets
from .templates import Finding, Template, check, condition, template

Path = tuple[str | int, ...]


class Namespace(Protocol):
    """Where actions are found that nobody registered: in a notebook, its variables."""

    def find(self, name: str) -> Any:
        """What stands under a name, dots allowed; `None` where nothing does."""

    def names(self) -> Iterable[str]:
        """The names of the callables, for the nearest one."""

    def __contains__(self, name: str) -> bool:
        """Whether there is a variable of that name."""

    def __getitem__(self, name: str) -> Any:
        """The variable's value."""


class ListTree:
    """A list with templates somewhere in it; rendering makes a fresh one."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class DictTree:
    """A mapping with templates somewhere in its values; rendering makes a fresh one."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs


def render(tree: Any, scope: Any) -> Any:
    """The value of a tree: its templates rendered, its containers fresh, all else the very object."""
    kind = type(tree)
    if kind is Template:
        return tree.render(scope)
    if kind is ListTree:
        return [render(item, scope) for item in tree.items]
    if kind is DictTree:
        return {key: render(value, scope) for key, value in tree.pairs}
    return tree


class PlannedLoop:
    """How a step is repeated."""

    __slots__ = ("for_each", "goes_on", "max_iterations", "parallelism", "times", "while_")

    def __init__(self, spec: LoopSpec) -> None:
        self.for_each: Any = None
        self.times: Any = None
        self.while_: Template | None = None
        self.parallelism = spec.parallelism
        self.max_iterations = spec.max_iterations
        self.goes_on = spec.on_error == "continue"


class PlannedRetry:
    """How a failing attempt is tried again."""

    __slots__ = ("attempts", "on", "spec", "until")

    def __init__(self, spec: RetrySpec) -> None:
        self.spec = spec
        self.attempts = spec.attempts
        self.on = frozenset(spec.on)
        self.until: Template | None = None


class PlannedStep:
    """One step, ready to run."""

    __slots__ = (
        "action",
        "args",
        "attempts",
        "depends",
        "description",
        "executor",
        "handlers",
        "index",
        "loop",
        "name",
        "order",
        "owner",
        "params",
        "path",
        "place",
        "position",
        "retry",
        "runs_in",
        "section",
        "spec",
        "subplan",
        "then",
        "timeout",
        "when",
    )

    def __init__(self, spec: StepSpec, index: int, section: str, position: int, owner: PlannedStep | None) -> None:
        self.spec = spec
        self.path: Path = spec.path
        self.index = index  # its row
        self.section = section
        self.position = position  # in its own list
        self.owner = owner
        self.name = ""
        self.action = spec.action
        self.params: list[tuple[str, Any]] = []
        self.args: list[Any] = []
        self.description: Template | str | None = None
        self.when: Template | bool | None = None
        self.loop: PlannedLoop | None = None
        self.retry: PlannedRetry | None = None
        self.attempts = 1
        self.timeout = spec.timeout
        self.then = spec.on_error.then if spec.on_error else "fail"
        self.handlers: tuple[PlannedStep, ...] = ()
        self.depends: tuple[int, ...] | None = None
        self.executor: str | None = spec.executor
        self.runs_in = spec.executor or "thread"
        self.order: Order | None = None  # where it is one of `steps` that do not just run from top to bottom
        self.subplan: Plan | None = None
        self.place: int = 0  # which action of the plan's it calls

    @property
    def side_by_side(self) -> bool:
        """Whether another step may run at the same time."""
        return self.order is not None and self.order.is_side_by_side(self.position)


class Plan:
    """A compiled spec. Kept by its text, shared by all its tasks, never changed once it is made, but for the actions it last found."""

    __slots__ = (
        "_found",
        "actions",
        "finally_",
        "group",
        "index",
        "inputs",
        "limit",
        "order",
        "path",
        "returns",
        "rows",
        "source",
        "steps",
        "timeout",
        "title",
    )

    def __init__(self, spec: TaskSpec, source: Source, path: Path) -> None:
        self.source = source
        self.path = path
        self.rows: list[PlannedStep] = []
        self.index: dict[str, int] = {}
        self.steps: list[PlannedStep] = []
        self.finally_: list[PlannedStep] = []
        self.returns: tuple[Any] | None = None  # None: the spec has none
        self.inputs: list[InputSpec] | None = spec.inputs
        self.title: Template | str | None = spec.meta.title
        self.timeout = spec.meta.timeout
        self.group = spec.meta.concurrency.group if spec.meta.concurrency else None
        self.limit = spec.meta.concurrency.limit if spec.meta.concurrency else 1
        self.order: Order | None = None  # None: from top to bottom
        self.actions: list[str] = []
        self._found: list[Action | None] = []

    def bind(self, namespace: Namespace | None, source: Source) -> list[Action]:
        """Look the actions up, and check every call against their signatures where they are not those of the last time.

        Args:
            namespace: where else actions are found.
            source: where the spec came from this time, for messages.

        Raises:
            SpecError: an action that nobody knows, parameters that it does not take.
        """
        found = [look_up(name, namespace, self._found[i]) for i, name in enumerate(self.actions)]
        known = self._found
        if any(a is not b or a is None for a, b in zip(found, known, strict=True)):
            problems = list(self.call_problems(found, namespace))
            if problems:
                raise SpecError(problems, source)
            self._found = found
            for step in self.rows:
                action = found[step.place]
                assert action is not None
                step.runs_in = "loop" if action.is_async else step.executor or action.executor or "thread"
        return found  # type: ignore[return-value]

    def title_for(self, inputs: Mapping[str, Any], secrets: Secrets, source: Source) -> str | None:
        """The title with its templates rendered and secrets masked; `None` where the spec has none.

        Raises:
            SpecError: it cannot be rendered.
        """
        title = self.title
        if not isinstance(title, Template):
            return title
        try:
            return secrets.mask(str(title.render(Scope(inputs, {}, {}))))
        except TemplateError as error:
            problem = Problem("bad-title", secrets.mask(f"'title': {error}"), "", (*self.path, "meta", "title"))
            raise SpecError([problem], source) from None

    def call_problems(self, found: Sequence[Action | None], namespace: Namespace | None) -> Iterator[Problem]:
        """What is wrong with the calls of these actions."""
        for step in self.rows:
            action = found[step.place]
            if not step.action:
                continue
            if action is None:
                yield unknown_action(step, namespace)
                continue
            spec = step.spec
            for complaint in action.complaints(spec.args, spec.params):
                yield _problem_of(complaint, step)
            yield from _executor_problems(step, action)


def look_up(name: str, namespace: Namespace | None, last: Action | None) -> Action | None:
    """A registered action of that name, else the namespace's callable."""
    action = registry.get(name)
    if action is not None or namespace is None:
        return action
    function = namespace.find(name)
    if not callable(function):
        return None
    if last is not None and last.function is function:
        return last
    return from_callable(name, function)


def unknown_action(step: PlannedStep, namespace: Namespace | None) -> Problem:
    """The problem of a step whose action nobody knows."""
    there = namespace.find(step.action) if namespace is not None else None
    here = f"step '{step.name}': "
    where = (*step.path, "action")
    if there is not None:
        message = f"{here}'{step.action}' is a {type(there).__name__}, not a function"
        return Problem("unknown-action", message, "Write the name of a function or of an action.", where)
    message = f"{here}no action is called '{step.action}'"
    near = nearest(step.action, registry.names())
    if near:
        return Problem("unknown-action", message, f"Did you mean '{near}'?", where)
    near = nearest(step.action, namespace.names()) if namespace is not None else None
    if near:
        return Problem("unknown-action", message, f"The notebook has '{near}'. Is that the one?", where)
    define = "define a function of that name in the notebook, or " if namespace is not None else ""
    return Problem("unknown-action", message, f"{define}register one with @aura.action.".capitalize(), where)


def _problem_of(complaint: Complaint, step: PlannedStep) -> Problem:
    path: Path = (*step.path, "action")
    at_key = False
    if complaint.parameter is not None and complaint.parameter in step.spec.params:
        path = (*step.path, "params", complaint.parameter)
        at_key = complaint.code != "bad-value"
    return Problem(complaint.code, f"step '{step.name}': {complaint.message}", complaint.hint, path, at_key=at_key)


def _executor_problems(step: PlannedStep, action: Action) -> Iterator[Problem]:
    asked = step.executor
    path = (*step.path, "executor")
    if asked and action.is_async:
        message = f"step '{step.name}': {action.name} is an async function and runs on the event loop"
        yield Problem("bad-executor", message, "Leave 'executor' out.", path, at_key=True)
    elif (asked or action.executor) == "dask" and action.context_parameter:
        message = f"step '{step.name}': {action.name} takes an ActionContext, which cannot be sent to a dask worker"
        where = path if asked else (*step.path, "action")
        yield Problem("bad-executor", message, "Write another executor, or leave the context out.", where)


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
    plan, problems = draft(data, source, namespace, path)
    if plan is None or problems:
        raise SpecError(problems, source)
    return plan


def draft(data: Any, source: Source, namespace: Namespace | None, path: Path = ()) -> tuple[Plan | None, list[Problem]]:
    """Compile as far as it goes, with all problems found on the way."""
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
        self.inputs: frozenset[str] | None = None if spec.inputs is None else frozenset(each.name for each in spec.inputs)

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
        self.problems.extend(plan.call_problems(self._look_up_all(), self.namespace))

    def _look_up_all(self) -> list[Action | None]:
        return [look_up(name, self.namespace, None) for name in self.plan.actions]

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
        self.plan._found = [None] * len(places)

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
            there = self.plan.index.get(name)
            if there is not None:
                section = self.plan.rows[there].section
                message = f"step '{step.name}' depends on '{name}', which is a step of {section}"
                hint = "Only the steps under 'steps' can be waited for."
            else:
                near = nearest(name, positions)
                message = f"step '{step.name}' depends on '{name}', and there is no such step"
                hint = f"Did you mean '{near}'?" if near else f"The steps are: {_some(positions)}."
            path = (*step.path, "depends_on")
            self.problems.append(Problem("unknown-step", message, hint, path, fragment=name))

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
                tree = self._expression(value, path, place)
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
                self._take_inner(error.problems, path)
                return None
            plan, problems = draft(data, inner, self.namespace)
            self._take_inner(problems, path)
            return plan
        plan, problems = draft(value, self.plan.source, self.namespace, path)
        self.problems.extend(problems)
        return plan

    def _take_inner(self, problems: Iterable[Problem], path: Path) -> None:
        for problem in problems:
            self.problems.append(Problem(problem.code, f"in the sub-task: {problem.message}", problem.hint, path))

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
        if kind is str:
            return self._leaf(value, path, place)
        if kind is list:
            return ListTree([self._tree(item, (*path, i), place) for i, item in enumerate(value)])
        if kind is dict:
            return DictTree([(key, self._tree(item, (*path, key), place)) for key, item in value.items()])
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


def _problem_at(finding: Finding, path: Path, what: str) -> Problem:
    return Problem(
        finding.code,
        f"{what}: {finding.message}",
        finding.hint,
        path,
        fragment=finding.fragment,
        occurrence=finding.occurrence,
    )


def _key_of(path: Path, place: Place) -> str:
    """The key that holds the template, where it is none of the many under `params` and `args`."""
    key = path[len(place.reader.path)] if place.reader is not None else "params"
    return "" if key in ("params", "args") else f", {path[-1]}"


_NOWHERE: frozenset[str] = frozenset()


class Place:
    """What a template may read where it stands."""

    __slots__ = ("locals", "loop_fields", "own", "planner", "reader", "what")

    def __init__(self, planner: Planner, reader: PlannedStep | None, what: str) -> None:
        self.planner = planner
        self.reader = reader
        self.what = what if reader is not None else f"'{what}'"
        self.own = False  # may read its own step, as a `while` does
        self.locals = _NOWHERE
        self.loop_fields = _NOWHERE
        if reader is not None and (reader.owner is not None or reader.section == "finally"):
            self.locals = frozenset({"error"})

    def with_locals(self, *names: str, fields: Collection[str] | None = None) -> Place:
        """The same place with more names in scope."""
        place = Place(self.planner, self.reader, self.what)
        place.own = self.own
        place.locals = self.locals | frozenset(names)
        place.loop_fields = self.loop_fields if fields is None else frozenset(fields)
        return place

    @property
    def inputs(self) -> frozenset[str] | None:
        """The declared inputs; `None` where anything goes."""
        return self.planner.inputs

    @property
    def step_names(self) -> Collection[str]:
        """Every step's name."""
        return self.planner.plan.index.keys()

    def step(self, name: str) -> Finding | None:
        """`None` where the step is known and has surely ended by then, else what is wrong."""
        plan = self.planner.plan
        index = plan.index.get(name)
        if index is None:
            near = nearest(name, plan.index)
            hint = f"Did you mean '{near}'?" if near else f"The steps are: {_some(plan.index)}."
            return Finding("unknown-step", f"there is no step '{name}'", hint, "")
        target = plan.rows[index]
        if self.reader is None:
            return self._for_whole(target)
        if self.has_ended(self.reader, target):
            return None
        return Finding("step-not-ended", *self._why_not(self.reader, target), "")

    def _for_whole(self, target: PlannedStep) -> Finding | None:
        if self.what == "'title'":
            return Finding("unknown-name", "a title can read the inputs only", "Read an input, or leave it out.", "")
        if _top(target).section != "finally":
            return None
        message = f"'{target.name}' runs in finally, after the result is made"
        return Finding("step-not-ended", message, f"Move '{target.name}' to 'steps'.", "")

    def has_ended(self, reader: PlannedStep, target: PlannedStep) -> bool:
        """Whether `target` has surely ended when `reader` starts."""
        if target is reader:
            return self.own
        plan = self.planner.plan
        step: PlannedStep | None = reader
        while step is not None:
            beside = _ancestor_beside(target, step)
            if beside is not None and beside is not step:
                if step.section == "steps" and plan.order is not None:
                    return plan.order.waits_for(step.position, beside.position)
                return beside.position < step.position
            if step.owner is target:
                return True
            step = step.owner
        return _top(reader).section == "finally" and _top(target).section == "steps"

    def _why_not(self, reader: PlannedStep, target: PlannedStep) -> tuple[str, str]:
        plan = self.planner.plan
        if target is reader:
            return f"'{target.name}' cannot read itself", "Read a step that has ended by then."
        top, wanted = _top(reader), _top(target)
        if wanted.section == "finally" and top.section == "steps":
            return f"'{target.name}' runs in finally, after the steps", f"Move '{target.name}' to 'steps'."
        message = f"'{target.name}' has not surely ended by then"
        if top is wanted or top.section == "finally":
            return f"'{target.name}' runs later", f"Move '{target.name}' above '{reader.name}'."
        if plan.order is None or plan.order.waits_for(wanted.position, top.position):
            return f"'{target.name}' runs later", f"Move '{wanted.name}' above '{top.name}'."
        names = [*(top.spec.depends_on or ()), wanted.name]
        return message, f"Write 'depends_on: [{', '.join(names)}]' in step '{top.name}'."

    def hint_for(self, name: str) -> str:
        """What to say of a name that is not in scope here."""
        return _HINTS.get(name, "")


_HINTS = {
    "error": "'error' is known in the steps of an on_error and in finally; elsewhere write steps.NAME.error.",
    "item": "'item' is known in the params, args and 'until' of a step with a loop.",
    "loop": "'loop' is known in the params, args and 'until' of a step with a loop.",
    "output": "'output' is known in retry.until; elsewhere write steps.NAME.output.",
    "attempt": "'attempt' is known in retry.until.",
}


def _top(step: PlannedStep) -> PlannedStep:
    while step.owner is not None:
        step = step.owner
    return step


def _ancestor_beside(target: PlannedStep, step: PlannedStep) -> PlannedStep | None:
    """The step of `step`'s own list that is `target` or holds it under its on_error."""
    above: PlannedStep | None = target
    while above is not None:
        if above.owner is step.owner and above.section == step.section:
            return above
        above = above.owner
    return None


def _some(names: Iterable[str], most: int = 10) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
