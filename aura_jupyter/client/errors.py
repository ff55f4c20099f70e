"""What a client raises.

AuraError
├── ApiError        the server refused a request
└── NoServerError   there is no server, or it cannot be reached
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import AuraError
from ..messages import ProblemInfo


class ApiError(AuraError):
    """The server refused a request.

    Attributes:
        status: of HTTP.
        code: what kind of refusal, such as `bad-spec` or `no-kernel`.
        detail: what is wrong, and what to do.
        problems: the mistakes in a spec, an input or the request.
    """

    def __init__(self, status: int, code: str, detail: str, problems: Iterable[ProblemInfo] = ()) -> None:
        self.status, self.code, self.detail, self.problems = status, code, detail, list(problems)
        super().__init__(status, code, detail, self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1 and self.problems[0].message == self.detail:
            return _line(self.problems[0]).strip()
        return "\n".join([self.detail, *map(_line, self.problems)])


class NoServerError(AuraError, ConnectionError):
    """There is no server, or it cannot be reached."""


def _line(problem: ProblemInfo) -> str:
    where = f"line {problem.line}, column {problem.column}" if problem.line is not None else problem.path
    says = problem.message if problem.message.endswith((".", "?", "!")) else f"{problem.message}."
    return f"  {where}{': ' if where else ''}{says} {problem.hint}".rstrip()
