"""The REST API as a table: what each address takes and gives. The handlers and `openapi.json` are made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from .. import messages, rest
from .service import TaskService


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, checked.

    Attributes:
        service: who answers.
        task_id: from the address, if it has one.
        query: of the operation's model.
        body: of the operation's model.
        notebooks: the paths of the kernels' notebooks, as far as the person may see them.
    """

    service: TaskService
    task_id: str
    query: Any
    body: Any
    notebooks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """What an address does.

    Attributes:
        name: the operation's id.
        verb: the method.
        path: below `aura/`, with `{task_id}` where a task's id stands.
        summary: what it is for.
        answer: the model of the answer; None for a schema, and for a stream.
        call: makes the answer.
        query: the model of the query's parameters.
        body: the model of the body.
        status: of success.
        needs: what the person must be allowed to do with kernels.
        refusals: the statuses that it may be refused with, beside those of all.
        is_stream: whether events come, as they happen.
    """

    name: str
    verb: Literal["GET", "POST"]
    path: str
    summary: str
    answer: type[BaseModel] | None
    call: Callable[[Asked], Awaitable[Any]]
    query: type[BaseModel] = rest.NoQuery
    body: type[BaseModel] | None = None
    status: int = 200
    needs: Literal["read", "execute"] = "read"
    refusals: tuple[int, ...] = ()
    is_stream: bool = False


_OF_TASK = (404, 409, 504)
_OF_KERNEL = (404, 409, 504)


def _of_task(name: str, summary: str, call: Callable[[Asked], Awaitable[Any]], **more: Any) -> Operation:
    """What is done to a task."""
    return Operation(
        name, "POST", f"tasks/{{task_id}}/{name}", summary, more.pop("answer", messages.Done), call,
        status=202, needs="execute", refusals=(*_OF_TASK, *more.pop("refusals", ())), **more,
    )  # fmt: skip


OPERATIONS = (
    Operation(
        "run_ad_hoc", "POST", "tasks/run/ad_hoc", "Run a task", rest.Accepted,
        lambda asked: asked.service.run(asked.body),
        body=rest.RunBody, status=202, needs="execute", refusals=(*_OF_KERNEL, 422, 429),
    ),
    Operation(
        "tasks", "GET", "tasks", "Tasks, the newest first", rest.ServedList,
        lambda asked: asked.service.tasks(asked.query),
        query=rest.TasksQuery, refusals=(*_OF_KERNEL, 422),
    ),
    Operation(
        "task", "GET", "tasks/{task_id}", "All of a task that is JSON", rest.ServedDetail,
        lambda asked: asked.service.task(asked.task_id, asked.query),
        query=rest.TaskQuery, refusals=_OF_TASK,
    ),
    Operation(
        "logs", "GET", "tasks/{task_id}/logs", "Lines of a task's log", messages.LogPage,
        lambda asked: asked.service.logs(asked.task_id, asked.query),
        query=rest.LogsQuery, refusals=_OF_TASK,
    ),
    Operation(
        "card", "GET", "tasks/{task_id}/card", "What a task's card shows now", messages.CardPicture,
        lambda asked: asked.service.card(asked.task_id),
        refusals=_OF_TASK,
    ),
    Operation(
        "events", "GET", "tasks/{task_id}/events", "What happens to a task, as server-sent events, to its end", None,
        lambda asked: asked.service.updates(asked.task_id, None),
        refusals=(*_OF_TASK, 429), is_stream=True,
    ),
    _of_task(
        "cancel", "Cancel a task; while its `finally` runs, cancel that",
        lambda asked: asked.service.cancel(asked.task_id), body=rest.CancelBody,
    ),
    _of_task(
        "rerun", "Run a task's spec again, with the inputs that it was given",
        lambda asked: asked.service.rerun(asked.task_id),
        body=rest.RerunBody, answer=rest.Accepted, refusals=(422, 429),
    ),
    _of_task(
        "answer", "Answer a step that asks a person",
        lambda asked: asked.service.answer(asked.task_id, asked.body), body=rest.AnswerBody,
    ),
    _of_task(
        "move", "Give a queued task another place in the queue",
        lambda asked: asked.service.move(asked.task_id, asked.body), body=rest.MoveBody,
    ),
    Operation(
        "kernels", "GET", "kernels", "The server's kernels", rest.KernelList,
        lambda asked: asked.service.kernels(asked.notebooks),
    ),
    Operation(
        "actions", "GET", "actions", "The actions that a spec may name", messages.ActionList,
        lambda asked: asked.service.actions(asked.query), query=rest.KernelQuery, refusals=_OF_KERNEL,
    ),
    Operation(
        "schema", "GET", "schema", "The JSON Schema of a spec", None, lambda asked: asked.service.schema()
    ),
    Operation(
        "validate", "POST", "validate", "The problems of a spec", messages.Validated,
        lambda asked: asked.service.validate(asked.body), body=rest.ValidateBody, refusals=_OF_KERNEL,
    ),
    Operation(
        "complete", "POST", "complete", "What may stand at a place of a spec", messages.Completed,
        lambda asked: asked.service.complete(asked.body), body=rest.CompleteBody, refusals=_OF_KERNEL,
    ),
    Operation(
        "inspect", "POST", "inspect", "What stands at a place of a spec", messages.Inspected,
        lambda asked: asked.service.inspect(asked.body), body=rest.CompleteBody, refusals=_OF_KERNEL,
    ),
)  # fmt: skip
