"""Refusals: what goes wrong on the way of a request, and the problem document (RFC 9457) that says so."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from .. import messages
from ..messages import ProblemInfo
from ..rest import ProblemDocument

STATUS: dict[str, int] = {
    "bad-request": 400,
    "forbidden": 403,
    "no-route": 404,
    "no-task": 404,
    "no-step": 404,
    "no-kernel": 404,
    "not-allowed": 405,
    "conflict": 409,
    "kernel-gone": 409,
    "no-aura": 409,
    "old-kernel": 409,
    "too-large": 413,
    "not-json": 415,
    "bad-cursor": 422,
    "bad-spec": 422,
    "too-many": 429,
    "failed": 500,
    "busy": 504,
    "no-answer": 504,
}
TITLES: dict[str, str] = {
    "bad-request": "The request is not understood",
    "forbidden": "This is not allowed",
    "no-route": "There is no such address",
    "no-task": "There is no such task",
    "no-step": "There is no such step",
    "no-kernel": "There is no such kernel",
    "not-allowed": "The address does not take this method",
    "conflict": "The task is not in a state for this",
    "kernel-gone": "The kernel has gone",
    "no-aura": "Aura is not loaded in this kernel",
    "old-kernel": "The kernel's Aura is of another version",
    "too-large": "The request is too large",
    "not-json": "The request is not JSON",
    "bad-cursor": "The cursor leads nowhere",
    "bad-spec": "The spec or an input is wrong",
    "too-many": "There are too many of these",
    "failed": "The server failed",
    "busy": "The kernel is busy with a cell",
    "no-answer": "The kernel does not answer",
}
JSON = "application/problem+json"
_BY_STATUS = {400: "bad-request", 403: "forbidden", 404: "no-route", 405: "not-allowed", 413: "too-large"}
_DETAILS = {
    "bad-request": "The server did not understand the request.",
    "forbidden": "Send a token (`Authorization: token …`), or a login's cookie with its XSRF token; and the server's "
    "authorizer must allow what you ask for: `execute` on `kernels` to run or change tasks, `read` to look at them.",
    "no-route": "`aura/openapi.json` lists the addresses.",
    "not-allowed": "`aura/openapi.json` lists what each address takes.",
    "too-large": "The request's body is larger than the server allows.",
    "failed": "Something unforeseen happened; the server's log says what.",
}


class Refusal(Exception):
    """A request cannot be answered.

    Args:
        code: what kind of refusal.
        detail: what is wrong, and what to do; no path, no secret.
        problems: the mistakes in a spec, an input or the body.
        headers: of the response, beside the usual ones.
    """

    def __init__(
        self, code: str, detail: str, problems: Iterable[ProblemInfo] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(code, detail)
        self.code = code if code in STATUS else "failed"
        self.detail = detail
        self.problems = list(problems)
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]

    def document(self) -> ProblemDocument:
        """What the client gets."""
        return ProblemDocument(
            type=f"urn:aura:problem:{self.code}",
            title=TITLES[self.code],
            status=self.status,
            detail=self.detail,
            code=self.code,
            problems=self.problems,
        )


def of_status(status: int) -> Refusal:
    """The refusal that stands for an error of the server's own, whose words may hold what is nobody's business."""
    code = _BY_STATUS.get(status, "bad-request" if status < 500 else "failed")
    return Refusal(code, _DETAILS[code])


def of_failure(failure: messages.Failure) -> Refusal:
    """What a kernel refused."""
    headers = {"Retry-After": "5"} if failure.code == "too-many" else None
    code = "old-kernel" if failure.code == "protocol" else failure.code
    return Refusal(code, failure.message, failure.problems, headers)


def of_validation(error: ValidationError, what: str) -> Refusal:
    """A body or a query that is not as the API says.

    Args:
        error: what pydantic found.
        what: `body` or `query`.
    """
    found = [
        ProblemInfo(code="bad-request", message=each["msg"], path=".".join(str(part) for part in each["loc"]))
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    places = ", ".join(dict.fromkeys(each.path.partition(".")[0] for each in found if each.path))
    says = f"The {what} is not as `aura/openapi.json` says{f': look at {places}' if places else ''}."
    return Refusal("bad-request", says, found)
