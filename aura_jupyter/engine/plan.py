"""A spec, compiled once: its templates, its names, the order of its steps, and the actions that it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..actions.registry import Action, Complaint, from_callable, registry
from ..spec.problems import Problem, Source, SpecError, nearest
from ..spec.spellings import ACTIONS
from ..spec.wording import kind
from .order import Order
from .scope import Scope
from .secrets import Secrets
from .templates import Template, is_true

if TYPE_CHECKING:
    from ..spec.model import InputSpec, LoopSpec, RetrySpec, StepSpec, TaskSpec

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


class TupleTree:
    """A tuple with templates somewhere in it, as a spec in Python may have."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class DictTree:
    """A mapping with templates somewhere in its values; rendering makes a fresh one."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs


class Judged:
    """A parameter that is a condition: the action gets whether it holds."""

    __slots__ = ("condition", "name")

    def __init__(self, condition: Template, name: str) -> None:
        self.condition = condition
        self.name = name


def render(tree: Any, scope: Any) -> Any:
    """The value of a tree: its templates rendered, its containers fresh, all else the very object."""
    kind = type(tree)
    if kind is Template:
        return tree.render(scope)
    if kind is ListTree:
        return [render(item, scope) for item in tree.items]
    if kind is DictTree:
        return {key: render(value, scope) for key, value in tree.pairs}
    if kind is TupleTree:
        return tuple([render(item, scope) for item in tree.items])
    if kind is Judged:
        return is_true(tree.condition.render(scope), tree.name)
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
        self.args: Sequence[Any] = ()
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
        self.runs_in: str = spec.executor or "thread"
        self.order: Order | None = None  # where it is one of `steps` that do not just run from top to bottom
        self.subplan: Plan | None = None
        self.place: int = 0  # which action of the plan's it calls

    @property
    def side_by_side(self) -> bool:
        """Whether another step may run at the same time."""
        return self.order is not None and self.order.is_side_by_side(self.position)


class Plan:
    """A compiled spec, kept by its text and shared by all its tasks; only the actions it last found ever change."""

    __slots__ = (
        "_found",
        "_generation",
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
        self._found: list[Action] = []  # none until all its calls were right once
        self._generation = -1  # of the registry, where it had all of them: until it changes they are the same

    def bind(self, namespace: Namespace | None, source: Source) -> list[Action]:
        """Look the actions up, and check every call against their signatures where they are not those of the last time.

        Args:
            namespace: where else actions are found.
            source: where the spec came from this time, for messages.

        Raises:
            SpecError: an action that nobody knows, parameters that it does not take.
        """
        if self._generation != registry.generation:
            found = self._look_up(namespace)
            known = self._found
            if len(known) != len(found) or any(a is not b for a, b in zip(found, known, strict=True)):
                problems = self.check_calls(namespace)
                if problems:
                    raise SpecError(problems, source)
        return self._found

    def check_calls(self, namespace: Namespace | None) -> list[Problem]:
        """Look the actions up, and note them where every call of them is right; else what is wrong with the calls."""
        generation = registry.generation
        found = self._look_up(namespace)
        problems = list(self._call_problems(found, namespace))
        if not problems and None not in found:  # one that could not be understood is a problem of the spec's shape
            self._found = [action for action in found if action is not None]
            self._generation = generation if all(action.source != "notebook" for action in self._found) else -1
            for step in self.rows:
                action = self._found[step.place]
                step.runs_in = "loop" if action.is_async else step.executor or action.executor or "thread"
        return problems

    def _look_up(self, namespace: Namespace | None) -> list[Action | None]:
        last: Sequence[Action | None] = self._found or [None] * len(self.actions)
        return [look_up(name, namespace, known) for name, known in zip(self.actions, last, strict=True)]

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
        except Exception as error:  # noqa: BLE001 - a value's own __str__ may raise anything
            problem = Problem("bad-title", secrets.mask(f"'title': {error}"), "", (*self.path, "meta", "title"))
            raise SpecError([problem], source) from None

    def _call_problems(self, found: Sequence[Action | None], namespace: Namespace | None) -> Iterator[Problem]:
        """What is wrong with the calls of these actions. Of calls that look alike to the action one is looked at."""
        right: set[tuple[Any, ...]] = set()
        for step in self.rows:
            action = found[step.place]
            if not step.action:
                continue
            if action is None:
                yield unknown_action(step, namespace)
                continue
            spec = step.spec
            looks = (step.place, step.executor, len(spec.args), *spec.params)
            if looks in right:
                continue
            problems = [_problem_of(complaint, step) for complaint in action.complaints(spec.args, spec.params)]
            problems += _executor_problems(step, action)
            yield from problems
            if not problems and action.check is None:
                right.add(looks)


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
        message = f"{here}'{step.action}' is {kind(there)}, not a function"
        return Problem("unknown-action", message, "Write the name of a function or of an action.", where)
    message = f"{here}no action is called '{step.action}'"
    if step.action in ACTIONS:
        write = ACTIONS[step.action]
        return Problem("spelling", message, f"Write '{write}'.", where, fix=(step.action, write))
    near = nearest(step.action, registry.names())
    if near:
        return Problem("unknown-action", message, f"Did you mean '{near}'?", where, fix=(step.action, near))
    near = nearest(step.action, namespace.names()) if namespace is not None else None
    if near:
        hint = f"The notebook has '{near}'. Is that the one?"
        return Problem("unknown-action", message, hint, where, fix=(step.action, near))
    define = "define a function of that name in the notebook, or " if namespace is not None else ""
    return Problem("unknown-action", message, f"{define}register one with @aura.action.".capitalize(), where)


def _problem_of(complaint: Complaint, step: PlannedStep) -> Problem:
    path: Path = (*step.path, "args" if complaint.code == "too-many-arguments" else "action")
    at_key = False
    if complaint.parameter is not None and complaint.parameter in step.spec.params:
        path = (*step.path, "params", complaint.parameter)
        at_key = complaint.code != "bad-value"
    message = f"step '{step.name}': {complaint.message}"
    fix = (complaint.parameter, complaint.meant) if complaint.parameter and complaint.meant else None
    return Problem(complaint.code, message, complaint.hint, path, at_key=at_key, fix=fix)


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
