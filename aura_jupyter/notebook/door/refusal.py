"""Why a request is not answered, in words that hold nothing of what was sent but names."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from ...messages import PROTOCOL, Code, Failure, ProblemInfo, mistakes
from ...view import words

_SAID = 500  # characters of what was sent that are said again


class Refusal(Exception):
    """Why a request is not answered."""

    def __init__(self, code: Code, message: str, problems: Iterable[ProblemInfo] = ()) -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, problems=list(problems))


def other_protocol(protocol: object) -> Refusal:
    """Refuses a request of another protocol: which end is to be upgraded."""
    said = words.cut(str(protocol), 20) if isinstance(protocol, int) else "another"
    older = isinstance(protocol, int) and protocol < PROTOCOL
    where = "there" if older else "in the kernel"
    message = f"the kernel's aura_jupyter speaks protocol {PROTOCOL}, and this is {said}: upgrade aura_jupyter {where}"
    return Refusal("protocol", message)


def no_request(error: ValidationError) -> Refusal:
    """Refuses what is no request."""
    said = "; ".join(words.cut(each, _SAID) for each in mistakes(error))
    return Refusal("bad-request", f"this is no request: {said}")
