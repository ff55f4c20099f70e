"""What other programs and a kernel say to each other: the requests, the answers, the events, as pydantic models.

A request is the content of a message of type `aura_request` on the kernel's control channel, and `aura_reply` answers
it, also while a cell runs. Events are the content of `aura_event`, on IOPub. The kernel's door and the server are the
two ends; the REST API and its `openapi.json` are made of the same models.
"""

# ruff: noqa: PLC0414 - the names of `protocol` are told from here, too

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .protocol import EVENT as EVENT
from .protocol import LEASE as LEASE
from .protocol import PROTOCOL as PROTOCOL
from .protocol import REPLY as REPLY
from .protocol import REQUEST as REQUEST

TaskId = Annotated[str, Field(min_length=1, max_length=100)]
Status = Literal["QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "LOST"]
"""Of a task. `LOST` is the server's word alone: its kernel has gone."""
Code = Literal["bad-request", "protocol", "bad-spec", "no-task", "no-step", "conflict", "busy", "too-many", "failed"]


class Model(BaseModel):
    """Of all messages: nothing may be in them that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def mistakes(error: ValidationError) -> Iterator[str]:
    """The first things that are wrong with a message, each with its place and without what it holds."""
    for each in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        yield f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}"


# --- requests ---------------------------------------------------------------------------------------------------------


class Hello(Model):
    """Who is there?"""

    kind: Literal["hello"] = "hello"


class Subscribe(Model):
    """Send events from now on, for `lease` seconds; subscribing again begins them anew."""

    kind: Literal["subscribe"] = "subscribe"
    subscriber: str = Field(min_length=1, max_length=100)
    lease: float = Field(default=LEASE, ge=0, le=LEASE)


class Unsubscribe(Model):
    """Send no more events to this subscriber."""

    kind: Literal["unsubscribe"] = "unsubscribe"
    subscriber: str = Field(min_length=1, max_length=100)


class RunAdHoc(Model):
    """Run a task. It waits in the queue where the kernel's loop is held by a cell."""

    kind: Literal["run_ad_hoc"] = "run_ad_hoc"
    task_spec: str | dict[str, Any]
    inputs: dict[str, Any] = {}
    title: str | None = Field(default=None, max_length=500)
    use_variables: bool = False  # whether the notebook's variables may stand in for inputs that are not given
    variables: dict[str, str] = {}  # inputs that are variables of the notebook, with the names of these


class Tasks(Model):
    """The tasks that the kernel knows, the newest first."""

    kind: Literal["tasks"] = "tasks"
    status: list[Status] | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None


class OfTask(Model):
    """What is asked of one task."""

    task_id: TaskId


class Task(OfTask):
    """All of a task that is JSON, of its steps some."""

    kind: Literal["task"] = "task"
    first: int = Field(default=0, ge=0)  # how many steps are left out before
    limit: int = Field(default=1000, ge=0, le=10_000)  # how many steps come at most


class Step(OfTask):
    """What a row of its card shows when it is opened."""

    kind: Literal["step"] = "step"
    row: str


class Card(OfTask):
    """The picture of its card as it is now, as an output stores it."""

    kind: Literal["card"] = "card"


class Logs(OfTask):
    """The lines of its log with a number above `after`."""

    kind: Literal["logs"] = "logs"
    after: int = Field(default=0, ge=0)
    step: str | None = None
    limit: int = Field(default=1000, ge=1, le=10_000)


class Cancel(OfTask):
    """Cancel it; while `finally` runs, cancel that. Nothing happens where it has ended."""

    kind: Literal["cancel"] = "cancel"


class Move(OfTask):
    """Give it another place in the queue, from 1."""

    kind: Literal["move"] = "move"
    place: int = Field(ge=1)


class Rerun(OfTask):
    """Run its spec again, with the inputs that it was given. The answer is that of `run_ad_hoc`."""

    kind: Literal["rerun"] = "rerun"


class Answer(OfTask):
    """Answer a step that asks a person."""

    kind: Literal["answer"] = "answer"
    step: str  # its name, or its row, as in `asks`
    choice: str


class Press(OfTask):
    """A button of a card was pressed; the message is the one that the card made."""

    kind: Literal["press"] = "press"
    message: dict[str, Any]


class Actions(Model):
    """The actions that a spec may name here."""

    kind: Literal["actions"] = "actions"


class Validate(Model):
    """The problems of a spec, without running it."""

    kind: Literal["validate"] = "validate"
    task_spec: str | dict[str, Any]
    above: list[str] = []  # the lines of the cell above the text, which count as lines


class Inputs(Model):
    """The form for a spec's inputs, and what is wrong with what was filled in; the notebook's variables stand in."""

    kind: Literal["inputs"] = "inputs"
    task_spec: str | dict[str, Any]
    inputs: dict[str, Any] = {}
    texts: dict[str, str] = {}  # inputs that were written as YAML
    variables: dict[str, str] = {}  # inputs that are variables of the notebook, with the names of these


class Complete(Model):
    """What may stand at a place of a spec."""

    kind: Literal["complete"] = "complete"
    text: str
    at: int = Field(ge=0)  # characters (Unicode code points) from the start of the text


class Inspect(Model):
    """What stands at a place of a spec."""

    kind: Literal["inspect"] = "inspect"
    text: str
    at: int = Field(ge=0)


Request = Annotated[
    Hello | Subscribe | Unsubscribe | RunAdHoc | Tasks | Task | Step | Card | Logs | Cancel | Move | Rerun | Answer
    | Press | Actions | Validate | Inputs | Complete | Inspect,
    Field(discriminator="kind"),
]  # fmt: skip
REQUESTS: TypeAdapter[Request] = TypeAdapter(Request)


# --- what answers and events are made of ------------------------------------------------------------------------------


class ProblemInfo(Model):
    """One mistake in a spec or an input. Lines and columns count from 1; null where there is no text."""

    code: str
    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    fix: str | None = None  # what to write in place of what stands from `column` to `end_column`
    path: str = ""
    excerpt: list[str] = []


class ErrorInfo(Model):
    """What a task failed of, with secrets masked: the class, its text, and the step where it was one."""

    type: str
    message: str
    step: str | None = None


class TaskSummary(Model):
    """A task in a list."""

    task_id: TaskId
    name: str | None  # the variable that holds it
    title: str
    status: Status
    cancelling: bool = False
    phrase: str  # for people: `Running, 2 of 5 steps`
    queue_place: int | None = None  # from 1
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration: float | None = None  # seconds
    steps_done: int
    steps_total: int
    steps_failed: int
    error: ErrorInfo | None = None
    asks: str | None = None  # the step that waits for a person's answer: its name, or a sub-task's row
    log: int = 0  # how many lines were written
    told: str | None = None  # the sentence to tell a person who did not see a long task end


class StepInfo(Model):
    """A step of a task."""

    row: str  # of the card, and of the request `step`
    name: str
    section: Literal["steps", "on_error", "finally"] = "steps"
    status: str
    action: str
    detail: str = ""  # for people: `attempt 2 of 3`, `because when was false`
    attempts: int = 0
    duration: float | None = None  # seconds
    done: float | None = None  # turns of its loop, or what its action reported
    total: float | None = None
    question: str | None = None
    choices: list[str] = []
    error: ErrorInfo | None = None


class InputInfo(Model):
    """An input that a task used."""

    name: str
    value: str  # for people, of bounded size; a secret is masked
    origin: str  # where it came from


class ValueInfo(Model):
    """A Python object, as far as JSON can hold it."""

    type: str  # the class
    is_json: bool
    value: Any = None  # where it is JSON
    preview: str = ""  # where it is not: its repr, of bounded size


class TaskDetail(TaskSummary):
    """All of a task that is JSON."""

    steps: list[StepInfo]
    more_steps: bool = False  # whether there are more than these
    inputs: list[InputInfo]
    result: ValueInfo | None = None
    spec: str | None = None  # the text, with secrets masked


class LogLine(Model):
    """A line of a task's log."""

    number: int  # from 1
    time: datetime
    level: str
    step: str | None
    text: str


class ActionInfo(Model):
    """An action."""

    name: str
    signature: str
    doc: str
    executor: str


class Completion(Model):
    """What may stand at a place."""

    text: str
    kind: str
    signature: str = ""
    doc: str = ""


# --- answers ----------------------------------------------------------------------------------------------------------


class HelloAnswer(Model):
    """The kernel has Aura."""

    version: str  # of the package
    protocol: int
    running: int
    queued: int
    settings: dict[str, Any]


class Subscribed(Model):
    """Events come from now on; the last one so far has this number."""

    last: int
    lease: float = LEASE  # seconds


class Submitted(Model):
    """A task that was handed over."""

    task_id: TaskId
    title: str = "Task"  # with secrets masked
    busy: bool = False  # a cell holds the kernel's loop: it starts when that is free


class TaskList(Model):
    """Tasks, the newest first; with `cursor` the next ones are asked for."""

    tasks: list[TaskSummary]
    cursor: str | None = None


class StepAnswer(Model):
    """Blocks as the card draws them."""

    blocks: list[dict[str, Any]]


class CardPicture(Model):
    """What a card shows, as `application/vnd.aura.task+json` has it; 100 KB at the most."""

    picture: dict[str, Any]


class LogPage(Model):
    """Lines of a log."""

    lines: list[LogLine]
    last: int  # the number to ask for the next ones with
    more: bool  # whether there are more now
    dropped: int = 0  # lines that the log no longer has


class ActionList(Model):
    """The actions of a kernel, or the built-in ones."""

    actions: list[ActionInfo]


class Validated(Model):
    """The problems of a spec; none: it could run."""

    problems: list[ProblemInfo]


class Offer(Model):
    """A variable of the notebook that an input may be."""

    name: str
    preview: str


class InputField(Model):
    """An input that a spec takes. Values of any type are JSON, as text."""

    name: str
    type: str
    required: bool
    description: str = ""
    has_default: bool = False
    default: str | None = None  # null for a secret, too
    choices: list[str] = []  # the values that are allowed, where these are counted
    min: float | None = None
    max: float | None = None
    variable: str | None = None  # what the notebook's variable of this name is, where it stands in
    offers: list[Offer] = []  # other variables that it may be, for what is rather chosen than written


class Form(Model):
    """What a spec takes, and the problems of what was filled in, each with the input's name as its path."""

    title: str | None  # null where it has none, or one that depends on the inputs
    steps: int
    fields: list[InputField]
    values: dict[str, Any]  # the inputs that were written as YAML, as `run_ad_hoc` takes them
    problems: list[ProblemInfo]


class Completed(Model):
    """What may stand at a place, in the order to show it; it takes the place of the text from `start` on."""

    start: int
    items: list[Completion]


class Inspected(Model):
    """What stands at a place: a title, an empty line, and more, as plain text; null where nothing is known."""

    text: str | None


class Done(Model):
    """It was done, or will be as soon as the kernel's loop is free."""

    done: bool = True


class Failure(Model):
    """Why a request could not be answered. It holds no path, no local variable and no secret."""

    code: Code
    message: str
    problems: list[ProblemInfo] = []


class Reply(Model):
    """What comes back: an answer, of the class that belongs to the request, or a failure."""

    status: Literal["ok", "error"]
    protocol: int = PROTOCOL
    answer: dict[str, Any] | None = None
    failure: Failure | None = None


# --- events -----------------------------------------------------------------------------------------------------------


class TaskEvent(Model):
    """A task, and the steps of it that have changed, as they are now."""

    number: int  # of the event, from 1, growing in one kernel
    task: TaskSummary
    steps: list[StepInfo] = []
    more_steps: bool = False  # more have changed than one event holds: `task` tells all


class Events(Model):
    """Gathered: many changes of a task within a short time are one event."""

    events: list[TaskEvent]
