"""What the REST API takes and gives, beside what a kernel says: the server and its client speak of the same models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from .messages import (
    Model,
    ProblemInfo,
    Status,
    StepInfo,
    TaskDetail,
    TaskId,
    TaskSummary,
)

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "LOST"})
"""The statuses that do not change any more."""
KernelId = str


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""JSON knows one kind of number, so `2.0` is a whole one."""


# --- what is asked ----------------------------------------------------------------------------------------------------


class RunBody(Model):
    """A task to run. Without `kernel_id` it runs in a kernel that the server keeps for such tasks."""

    task_spec: str | dict[str, Any] = Field(description="YAML text, or the same as JSON.")
    inputs: dict[str, Any] = Field(default={}, description="The values of its inputs, by name.")
    kernel_id: KernelId | None = Field(default=None, max_length=100, description="The kernel to run it in.")
    title: str | None = Field(default=None, max_length=500, description="Its title where the spec has none.")


class CancelBody(Model):
    """Nothing more need be said."""


class RerunBody(Model):
    """Nothing more need be said."""


class AnswerBody(Model):
    """The answer to a step that asks a person."""

    step: str = Field(max_length=500, description="The step that asks.")
    choice: str = Field(max_length=500, description="One of its choices.")


class MoveBody(Model):
    """Another place in the queue."""

    place: Whole = Field(ge=1, le=1_000_000, description="From 1, the next one to run.")


class ValidateBody(Model):
    """A spec to check. With `kernel_id` the actions of that kernel are known, too."""

    task_spec: str | dict[str, Any] = Field(description="YAML text, or the same as JSON.")
    kernel_id: KernelId | None = Field(default=None, max_length=100)


class CompleteBody(Model):
    """A place in a spec that is being written. With `kernel_id` the actions and variables of that kernel are known."""

    text: str = Field(description="The YAML, whatever state it is in.")
    at: Whole = Field(ge=0, le=100_000_000, description="Where the cursor stands, a number of characters.")
    kernel_id: KernelId | None = Field(default=None, max_length=100)


class TasksQuery(Model):
    """Which tasks to list."""

    kernel_id: KernelId | None = Field(default=None, max_length=100, description="Of this kernel alone.")
    status: list[Status] | None = Field(default=None, description="With one of these statuses; may be repeated.")
    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")
    cursor: str | None = Field(
        default=None, max_length=50_000, pattern="^[A-Za-z0-9_-]+$", description="Of the page before, for the next one."
    )


class TaskQuery(Model):
    """Which of its steps to give."""

    first: int = Field(default=0, ge=0, le=1_000_000, description="How many steps to leave out before.")
    limit: int = Field(default=1000, ge=0, le=10_000, description="How many steps to give at most.")


class LogsQuery(Model):
    """Which lines of a log to give."""

    after: int = Field(default=0, ge=0, le=1_000_000_000, description="Those with a number above this.")
    step: str | None = Field(default=None, max_length=500, description="Those of this step alone.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="How many at most.")


class KernelQuery(Model):
    """Which kernel to ask."""

    kernel_id: KernelId | None = Field(default=None, max_length=100, description="None: the server itself answers.")


class NoQuery(Model):
    """Takes no parameters."""


# --- what is answered -------------------------------------------------------------------------------------------------


class Accepted(Model):
    """A task that was handed over to a kernel."""

    task_id: TaskId
    kernel_id: KernelId
    busy: bool = False  # a cell holds the kernel: the task starts when that has ended


class ServedTask(TaskSummary):
    """A task in a list."""

    kernel_id: KernelId
    reason: str | None = None  # of a task that is `LOST`: what has become of its kernel


class ServedDetail(TaskDetail):
    """All of a task that is JSON."""

    kernel_id: KernelId
    reason: str | None = None  # of a task that is `LOST`: what has become of its kernel


class ServedList(Model):
    """Tasks, the newest first; with `cursor` the next ones are asked for."""

    tasks: list[ServedTask]
    cursor: str | None = None
    unanswered: list[KernelId] = Field(default=[])  # kernels that did not answer in time: their tasks are missing here


class ServedUpdate(Model):
    """The data of a server-sent event: a task, and those of its steps that have changed, as they are now."""

    number: int  # the event's id
    task: ServedTask
    steps: list[StepInfo] = Field(default=[])
    whole: bool = False  # these are all steps of the task
    more_steps: bool = False  # there is more to tell of its steps than one event holds: ask for the task


class KernelInfo(Model):
    """A kernel of the server."""

    kernel_id: KernelId
    name: str  # of its kernelspec
    state: str  # `idle`, `busy`, `starting` …
    aura: bool  # whether Aura is loaded there
    version: str | None = None  # of Aura, there
    running: int = 0
    queued: int = 0
    own: bool = False  # the server started it for tasks that name no kernel
    notebook: str | None = None  # the path of the notebook that it belongs to, for those who may read sessions


class KernelList(Model):
    """The kernels of the server."""

    kernels: list[KernelInfo]


class ProblemDocument(Model):
    """Why a request was refused, as RFC 9457 has it. It holds no path, no local variable and no secret."""

    type: str  # a URI, `urn:aura:problem:` and the code
    title: str  # of the type
    status: int
    detail: str  # of this one: what is wrong, and what to do
    code: str
    problems: list[ProblemInfo] = Field(default=[])  # of a spec, an input or the request's body
