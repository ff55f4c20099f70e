"""What a template reads at run time: views without methods of their own, and the scope that holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import message_of

ALWAYS = ("inputs", "steps", "ctx", "task")
LOCALS = ("item", "loop", "error", "output", "attempt")
STEP_FIELDS = ("output", "status", "error", "errors", "attempts", "duration")
STEP_ERROR_FIELDS = ("type", "message")
ERROR_FIELDS = ("type", "message", "step")
TASK_FIELDS = ("id", "title", "status")


class Fields:
    """A mapping read by attribute or item: `inputs.items` is the input `items`, since there are no methods.

    Iterating yields the names. `dict_of` gives the plain dict.

    Args:
        values: the mapping; it is read live, not copied.
        kind: the name it goes by in templates and messages, such as `inputs` or `error`.
        view: what each value is seen through, such as `StepFields`.
    """

    __slots__ = ("__kind", "__values", "__view")

    def __init__(self, values: Mapping[str, Any], kind: str, view: Callable[[Any], Any] | None = None) -> None:
        self.__values = values
        self.__kind = kind
        self.__view = view

    def __getitem__(self, name: str) -> Any:
        value = self.__values[name]
        return value if self.__view is None else self.__view(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_Fields__")):  # half-made copies ask for these
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{self.__kind} has no {name!r}") from None

    def __contains__(self, name: object) -> bool:
        return name in self.__values

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self.__values))

    def __len__(self) -> int:
        return len(self.__values)

    def __str__(self) -> str:
        if self.__kind == "error" and "type" in self and "message" in self:
            return f"{self['type']}: {self['message']}"
        return str(dict_of(self))

    def __repr__(self) -> str:
        return f"<{self.__kind}: {', '.join(self)}>"


def kind_of(fields: Fields) -> str:
    """The name that a view goes by: `inputs`, `ctx`, `error` …"""
    kind: str = object.__getattribute__(fields, "_Fields__kind")
    return kind


class StepFields:
    """A step as templates see it: the six fields of the language and nothing else.

    Args:
        step: anything with `output`, `status`, `error`, `errors`, `attempts` and `duration`; its `error` may be
            an exception, a mapping of `type` and `message`, or `None`.
    """

    __slots__ = ("__step",)

    def __init__(self, step: Any) -> None:
        self.__step = step

    @property
    def output(self) -> Any:
        """What the action returned."""
        return self.__step.output

    @property
    def status(self) -> str:
        """The status as text, such as `COMPLETED`."""
        return str(self.__step.status)

    @property
    def error(self) -> Any:
        """The error with `type` and `message`, or `None`."""
        error = self.__step.error
        if isinstance(error, BaseException):
            error = {"type": type(error).__name__, "message": message_of(error)}
        return Fields(error, "error") if isinstance(error, Mapping) else error

    @property
    def errors(self) -> Any:
        """The failed turns of a loop that goes on after errors."""
        return self.__step.errors

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        attempts: int = self.__step.attempts
        return attempts

    @property
    def duration(self) -> float | None:
        """Seconds."""
        duration: float | None = self.__step.duration
        return duration

    def __repr__(self) -> str:
        return f"<step: {', '.join(STEP_FIELDS)}>"

    def __str__(self) -> str:
        return str(dict_of(self))


def dict_of(view: Fields | StepFields) -> dict[str, Any]:
    """A view as a plain dict, views inside it too; the values are the very objects."""
    names = STEP_FIELDS if isinstance(view, StepFields) else tuple(view)
    found = {name: getattr(view, name) if isinstance(view, StepFields) else view[name] for name in names}
    return {name: dict_of(value) if type(value) in VIEWS else value for name, value in found.items()}


VIEWS = frozenset({Fields, StepFields})


class Scope:
    """What a template reads at run time.

    Args:
        inputs: the inputs by name.
        steps: the steps that have ended, by name: objects as `StepFields` takes them. Read live.
        ctx: what `core.set_context` stored. Read live.
        task: a mapping of `id`, `title` and `status`, or an object with them.
        locals: of `item`, `loop`, `error`, `output` and `attempt` those in scope. Mappings among `loop` and `error` are
            seen as `Fields`.
    """

    __slots__ = ("ctx", "inputs", "names", "steps", "task")

    names: dict[str, Any]  # what templates see under each name; not to be changed

    def __init__(
        self,
        inputs: Mapping[str, Any],
        steps: Mapping[str, Any],
        ctx: Mapping[str, Any],
        task: Any = None,
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - the word of the language
    ) -> None:
        self.inputs = inputs
        self.steps = steps
        self.ctx = ctx
        self.task = task
        self.names = {
            "inputs": Fields(inputs, "inputs"),
            "steps": Fields(steps, "steps", StepFields),
            "ctx": Fields(ctx, "ctx"),
            "task": Fields(task, "task") if isinstance(task, Mapping) else task,
        }
        if locals:
            self._add(locals)

    def with_locals(self, **more: Any) -> Scope:
        """A copy in which these names are in scope too, as for one turn of a loop."""
        scope = object.__new__(Scope)
        scope.inputs, scope.steps, scope.ctx, scope.task = self.inputs, self.steps, self.ctx, self.task
        scope.names = self.names
        scope._add(more)
        return scope

    @property
    def locals(self) -> dict[str, Any]:
        """Of `item`, `loop`, `error`, `output` and `attempt` those in scope."""
        return {name: self.names[name] for name in LOCALS if name in self.names}

    def _add(self, more: Mapping[str, Any]) -> None:
        self.names = {**self.names, **more}
        for name in ("loop", "error"):
            value = more.get(name)
            if type(value) is dict:
                self.names[name] = Fields(value, name)
