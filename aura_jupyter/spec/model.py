"""What a task is: the models of a spec, and the check that finds all its problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator

from . import checks
from .collector import paused
from .durations import duration
from .fields import (
    TEXT,
    AtLeastOne,
    Boolean,
    Bound,
    Classes,
    Condition,
    Duration,
    Executor,
    Factor,
    FailOrContinue,
    Items,
    Text,
    Timeout,
    Times,
    TypeName,
    one_of,
    reject,
    short,
)
from .json_schema import draft_7
from .labels import NOTHING, at
from .mistakes import prefixed, understood
from .problems import Path, Problem
from .wording import kind, nearest, quote

__all__ = [
    "ConcurrencySpec",
    "InputSpec",
    "LoopSpec",
    "MetaSpec",
    "OnErrorSpec",
    "RetrySpec",
    "StepSpec",
    "TaskSpec",
    "duration",
    "json_schema",
    "validate",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _or_default(default: Any) -> WrapValidator:
    """A key with null counts as not given."""
    return WrapValidator(lambda value, check: copy(default) if value is None else check(value))


def _concurrency(value: Any) -> Any:
    return {"group": value} if not isinstance(value, Mapping) else value


def _input(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _loop(value: Any) -> Any:
    return value if isinstance(value, Mapping) or value is None else {"for_each": value}


def _retry(value: Any) -> Any:
    return value if isinstance(value, Mapping) or value is None else {"attempts": value}


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _on_error(value: Any) -> Any:
    if value is None or value == "fail":
        return None
    if value == "continue":
        return {"steps": [], "then": "continue"}
    if isinstance(value, (list, tuple)):
        return {"steps": value}
    if isinstance(value, Mapping):
        if "action" in value and "steps" not in value:
            raise reject("wrong-type", "must be a list of steps, and this is one step", "Write '- ' in front of it.")
        return value
    near = nearest(value, ("fail", "continue")) if isinstance(value, str) else None
    what = quote(value) if isinstance(value, str) else kind(value)
    raise reject(
        "bad-value",
        f"must be fail, continue or a list of steps, and this is {what}",
        f"Write {near}." if near else "Write fail or continue, or a list of steps.",
        near,
    )


class ConcurrencySpec(_Model):
    """How many tasks of a group run at once."""

    group: Text = Field(min_length=1, description="The group's name. Tasks of one group share its limit.")
    limit: Annotated[AtLeastOne, _or_default(1)] = Field(
        1, description="How many tasks of the group run in the kernel at once."
    )


class MetaSpec(_Model):
    """What the task is called, and limits that hold for all of it."""

    title: Text | None = Field(None, description="What the card shows. May hold templates of the inputs.")
    description: Text | None = Field(None, description="What the task is for.")
    timeout: Timeout | None = Field(
        None,
        description="A limit on the whole task without its `finally`: seconds, or text such as 30s or 1h30m.",
    )
    concurrency: Annotated[ConcurrencySpec, *short(_concurrency, TEXT)] | None = Field(
        None, description="A group of which only so many tasks run at once: its name, or {group: NAME, limit: N}."
    )


class InputSpec(_Model):
    """A value that the task takes."""

    name: Text = Field(
        min_length=1,
        description="Templates read it as inputs.NAME. In a notebook it may come from the variable of this name.",
    )
    type: Annotated[TypeName, _or_default("any")] = Field(
        "any",
        description="any, string, integer, number, boolean, list, dict, list[TYPE] or secret, which is never shown.",
    )
    required_: Boolean | None = Field(
        None,
        alias="required",
        description="false: a missing value is null. An input with a default is not required.",
    )
    default: Any = Field(None, description="The value where none is given, copied for each task.")
    description: Text | None = Field(None, description="What the value is for.")
    enum: list[Any] | None = Field(None, description="The values that are allowed.")
    min: Bound | None = Field(None, description="The smallest number that is allowed.")
    max: Bound | None = Field(None, description="The largest number that is allowed.")

    @property
    def has_default(self) -> bool:
        """Whether a default is given; null is one."""
        return "default" in self.model_fields_set

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return not self.has_default and self.required_ is not False

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown."""
        return "secret" in self.type

    @property
    def takes_null(self) -> bool:
        """Whether null may stand for a value of its type: with `required: false`, or where null is the default."""
        return self.required_ is False or (self.has_default and self.default is None)


class LoopSpec(_Model):
    """Repeat the step. Just one of `for_each`, `times` and `while`."""

    for_each: Items | None = Field(
        None,
        description="A list, or an expression that yields what to go through; `item` is the current one.",
    )
    times: Times | None = Field(None, description="A number of turns, or an expression that yields it.")
    while_: Condition | None = Field(
        None,
        alias="while",
        description="A condition, judged before each turn; the step's own output is the list so far.",
    )
    parallelism: Annotated[AtLeastOne, _or_default(1)] = Field(
        1, description="How many turns run at once; not with `while`."
    )
    max_iterations: Annotated[AtLeastOne, _or_default(1000)] = Field(
        1000, description="For `while`: how many turns there may be before the step fails."
    )
    on_error: Annotated[
        FailOrContinue,
        _or_default("fail"),
    ] = Field(
        "fail",
        description="fail: the first failing turn fails the step. continue: the others go on.",
    )


class RetrySpec(_Model):
    """Try a failing attempt again. Durations are seconds."""

    attempts: AtLeastOne = Field(description="How many attempts in all, the first included.")
    delay: Annotated[Duration, _or_default(0.0)] = Field(
        0.0, description="How long to wait before the next attempt: seconds, or text such as 200ms."
    )
    backoff: Annotated[Factor, _or_default(1.0)] = Field(
        1.0, description="A factor on the delay after each attempt, at least 1."
    )
    max_delay: Duration | None = Field(None, description="Where the delay stops growing.")
    jitter: Annotated[Duration, _or_default(0.0)] = Field(
        0.0, description="Up to that much is added to the delay at random."
    )
    on: Annotated[Classes, _or_default(())] = Field(
        (),
        description="The exceptions that are retried, by class or base class: a name or a list.",
    )
    until: Condition | None = Field(
        None,
        description="A condition on `output` and `attempt`: an attempt that does not satisfy it counts as failed.",
    )


class StepSpec(_Model):
    """One step: what to call, with what, when, and what to do if it fails."""

    name: Text | None = Field(
        None,
        min_length=1,
        description="Any text, unique in the task; templates read steps.NAME. Made from the action if left out.",
    )
    description: Text | None = Field(
        None, description="What the card shows in place of the action's name. May hold templates."
    )
    action: Text = Field(
        min_length=1, description="What to call: an action such as core.log, or a function of the notebook."
    )
    params: Annotated[dict[str, Any], _or_default({})] = Field(
        {}, description="Keyword arguments. Templates may stand anywhere in the values."
    )
    args: Annotated[list[Any], _or_default([])] = Field(
        [], description="Positional arguments. Templates may stand anywhere in them."
    )
    when: Condition | None = Field(
        None, description="A condition, with or without braces. The step is skipped if it is false."
    )
    loop: Annotated[
        LoopSpec | None, *short(_loop, {"anyOf": [{"type": "array"}, {"type": "string", "pattern": r"\S"}]})
    ] = Field(None, description="Repeat the step: a list, an expression, or a mapping with for_each, times or while.")
    retry: Annotated[RetrySpec | None, *short(_retry, {"type": "integer", "minimum": 1})] = Field(
        None, description="Try again on failure: a number of attempts, or a mapping."
    )
    timeout: Timeout | None = Field(
        None, description="A limit on each attempt: a number of seconds, or text such as 30s or 1h30m."
    )
    on_error: Annotated[OnErrorSpec | None, *short(_on_error, {"anyOf": [one_of(("fail", "continue"))]})] = Field(
        None,
        description="Once the step has failed for good: fail, continue, a list of steps, or {steps: […], then: fail}.",
    )
    depends_on: Annotated[list[Annotated[Text, Field(min_length=1)]] | None, *short(_names, TEXT)] = Field(
        None,
        description="The steps that this one waits for: a name or a list. If left out, all before it.",
    )
    executor: Executor | None = Field(
        None, description="Where a plain function runs: thread (the default), process, loop or dask."
    )
    path: ClassVar[Path] = ()  # where the step stands in the data as written; each step's own is set by `validate`


class OnErrorSpec(_Model):
    """The steps that run once a step has failed for good."""

    steps: list[StepSpec] = Field(description="Steps that run one after another, with `error` in scope.")
    then: Annotated[
        FailOrContinue,
        _or_default("continue"),
    ] = Field("continue", description="What the task does after them: continue, or fail with the step's own error.")


class TaskSpec(_Model):
    """A task: what it takes, the steps it does, what it gives back."""

    meta: Annotated[MetaSpec, _or_default(MetaSpec())] = Field(
        default_factory=MetaSpec, description="Title, description, timeout and concurrency."
    )
    inputs: list[Annotated[InputSpec, *short(_input, TEXT)]] | None = Field(
        None, description="The values that the task takes: names, or mappings with a type, a default and more."
    )
    steps: list[StepSpec] = Field(
        min_length=1, description="What is done, from top to bottom unless depends_on says otherwise."
    )
    finally_: Annotated[list[StepSpec], _or_default([])] = Field(
        default_factory=list, alias="finally", description="Steps that run after the others whatever happened."
    )
    returns: Any = Field(
        None,
        description="The task's result. If left out, the output of the last step that completed.",
    )

    @property
    def has_returns(self) -> bool:
        """Whether `returns` is given; null counts."""
        return "returns" in self.model_fields_set


def validate(data: Any, path: Path = ()) -> tuple[TaskSpec | None, list[Problem]]:
    """Check the shape of a spec and find everything that is wrong with it.

    Args:
        data: the plain data of a spec.
        path: where the spec stands in another one, of which it is a part.

    Returns:
        what could be understood, without the faulty keys (None if there are no steps), and the problems with their
        paths. An action that cannot be used is "".
    """
    if not isinstance(data, Mapping):
        message = f"a spec must be a mapping, and this is {kind(data)}"
        return None, [Problem("wrong-type", message, "Begin with 'steps:' and a list of steps under it.", path)]
    with paused():
        problems: list[Problem] = []
        spec: TaskSpec | None
        try:
            spec = TaskSpec.model_validate(data)
        except ValidationError:
            spec, found = understood(TaskSpec, data)
            problems = prefixed(found, path)
        if spec is not None:
            _place(spec, data, path)
            problems += checks.problems(spec, path)
            if problems:
                _mend(spec)
    return spec, problems


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a spec, in draft 7, which is what YAML editors read."""
    return draft_7(TaskSpec)


def _place(spec: TaskSpec, data: Mapping[str, Any], path: Path) -> None:
    """Tell each step where it stands."""
    _place_steps(spec.steps, data.get("steps"), (*path, "steps"))
    if spec.finally_:
        _place_steps(spec.finally_, data.get("finally"), (*path, "finally"))


def _place_steps(steps: list[StepSpec], written: Any, path: Path) -> None:
    for index, step in enumerate(steps):
        here = (*path, index)
        step.__dict__["path"] = here
        if step.on_error is not None and step.on_error.steps:
            below = at(written, (index, "on_error"))
            if isinstance(below, Mapping):
                _place_steps(step.on_error.steps, below.get("steps"), (*here, "on_error", "steps"))
            else:
                _place_steps(step.on_error.steps, below, (*here, "on_error"))


def _mend(spec: TaskSpec) -> None:
    """Leave out the actions that could not be understood."""
    left = [*spec.steps, *spec.finally_]
    while left:
        step = left.pop()
        step.action = "" if step.action == NOTHING else step.action
        left += step.on_error.steps if step.on_error else []
