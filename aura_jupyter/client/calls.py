"""What the clients send, and how they read what comes; nothing here waits for anything."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ..messages import ActionList, Done, LogLine, LogPage, Status, Validated
from ..rest import FINAL, Accepted, KernelList, ProblemDocument, ServedDetail, ServedList, ServedTask, ServedUpdate
from .errors import ApiError, NoServerError

A = TypeVar("A", bound=BaseModel)
T = TypeVar("T")
Spec = str | Mapping[str, Any] | Path
TRIES = 8  # in a row, to reach a stream again
LONGEST = 15.0  # seconds between two of them
_DIGITS = 10  # of the milliseconds that a server asks for


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """A request, and what its answer is."""

    answer: type[A]
    verb: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    def read(self, response: httpx.Response) -> A:
        """The answer.

        Raises:
            ApiError: the server refused.
        """
        if not response.is_success:
            raise refusal(response)
        try:
            return self.answer.model_validate_json(response.content)
        except ValidationError:
            raise _not_understood(response.status_code) from None


Flow = Generator[Call[Any], Any, T]
"""Calls, one after another, each of which gets its answer sent; in the end a value."""


def refusal(response: httpx.Response) -> ApiError:
    """What a response says that is none."""
    try:
        said = ProblemDocument.model_validate_json(response.content)
    except ValidationError:
        missing = " Is aura_jupyter installed there?" if response.status_code == httpx.codes.NOT_FOUND else ""
        return ApiError(response.status_code, "no-problem", f"The server said {response.reason_phrase}.{missing}")
    return ApiError(response.status_code, said.code, said.detail, said.problems)


def _not_understood(status: int) -> ApiError:
    detail = "The server's answer is not understood: is its aura_jupyter of another version?"
    return ApiError(status, "not-understood", detail)


def _path(task_id: str, what: str = "") -> str:
    return f"tasks/{quote(task_id, safe='')}{'/' if what else ''}{what}"


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _text(spec: Spec) -> Any:
    if isinstance(spec, Path):
        return spec.read_text(encoding="utf-8")
    return spec if isinstance(spec, str) else dict(spec)


def run_ad_hoc(
    spec: Spec, inputs: Mapping[str, Any] | None, kernel_id: str | None, title: str | None
) -> Call[Accepted]:
    """Run a task."""
    body = _given(task_spec=_text(spec), inputs=dict(inputs or {}), kernel_id=kernel_id, title=title)
    return Call(Accepted, "POST", "tasks/run/ad_hoc", body=body)


def task(task_id: str) -> Call[ServedDetail]:
    """All of a task."""
    return Call(ServedDetail, "GET", _path(task_id))


def tasks(kernel_id: str | None, status: Iterable[Status] | None, limit: int | None) -> Flow[list[ServedTask]]:
    """Tasks, page by page."""
    found: list[ServedTask] = []
    asked = _given(kernel_id=kernel_id, status=list(status) if status is not None else None)
    while limit is None or len(found) < limit:
        size = 1000 if limit is None else min(limit - len(found), 1000)
        page: ServedList = yield Call(ServedList, "GET", "tasks", {**asked, "limit": size})
        found += page.tasks
        if page.cursor is None:
            break
        asked["cursor"] = page.cursor
    return found


def log_lines(task_id: str, after: int, step: str | None) -> Flow[tuple[list[LogLine], int]]:
    """The lines that there are, and the number to go on from."""
    found: list[LogLine] = []
    while True:
        page: LogPage = yield Call(LogPage, "GET", _path(task_id, "logs"), _given(after=after, step=step))
        found += page.lines
        after = page.last
        if not page.more:
            return found, after


def cancel(task_id: str) -> Call[Done]:
    """Cancel a task."""
    return Call(Done, "POST", _path(task_id, "cancel"))


def rerun(task_id: str) -> Call[Accepted]:
    """Run a task again."""
    return Call(Accepted, "POST", _path(task_id, "rerun"))


def answer(task_id: str, step: str, choice: str) -> Call[Done]:
    """Answer a step."""
    return Call(Done, "POST", _path(task_id, "answer"), body={"step": step, "choice": choice})


def move(task_id: str, place: int) -> Call[Done]:
    """Move a task in the queue."""
    return Call(Done, "POST", _path(task_id, "move"), body={"place": place})


def kernels() -> Call[KernelList]:
    """The kernels."""
    return Call(KernelList, "GET", "kernels")


def actions(kernel_id: str | None) -> Call[ActionList]:
    """The actions."""
    return Call(ActionList, "GET", "actions", _given(kernel_id=kernel_id))


def validate(spec: Spec, kernel_id: str | None) -> Call[Validated]:
    """The problems of a spec."""
    return Call(Validated, "POST", "validate", body=_given(task_spec=_text(spec), kernel_id=kernel_id))


class Following:
    """A stream of events that is reached again where it breaks.

    Args:
        task_id: the task.

    Attributes:
        over: whether the task's end was told.
    """

    def __init__(self, task_id: str) -> None:
        self.path = _path(task_id, "events")
        self.over = False
        self._id = ""
        self._data: list[str] = []
        self._delay = 1.0
        self._tries = 0

    @property
    def headers(self) -> dict[str, str]:
        """Of the next request."""
        return {"Accept": "text/event-stream", **({"Last-Event-ID": self._id} if self._id else {})}

    def opened(self, response: httpx.Response) -> bool:
        """Whether events come.

        Raises:
            ApiError: the server refused.
            httpx.TransportError: a proxy does not reach it.
        """
        if response.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE):
            raise httpx.RemoteProtocolError(response.reason_phrase)
        if not response.is_success:
            raise refusal(response)
        self.over = response.status_code == httpx.codes.NO_CONTENT
        self._data = []
        return not self.over

    def line(self, line: str) -> ServedUpdate | None:
        """An event, where the line ends one.

        Raises:
            ApiError: it is none of ours.
        """
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and value.isascii() and value.isprintable():  # it goes into a header
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < _DIGITS:
            self._delay = int(value) / 1000
        elif not line and self._data:
            try:
                update = ServedUpdate.model_validate_json("\n".join(self._data))
            except ValidationError:
                raise _not_understood(httpx.codes.OK) from None
            self._data, self._tries = [], 0
            self.over = update.task.status in FINAL
            return update
        return None

    def broke(self, error: Exception | None) -> float:
        """The seconds to wait before the next try.

        Raises:
            NoServerError: there have been enough.
        """
        self._tries += 1
        if self._tries >= TRIES:
            why = f": {error}" if error is not None else ""
            raise NoServerError(f"The stream of events broke, and cannot be reached again{why}") from error
        return min(self._delay * 2.0 ** (self._tries - 1), LONGEST)
