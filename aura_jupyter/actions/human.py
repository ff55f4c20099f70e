"""`human.approve`: a person decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import TaskError
from .checks import BadValue, each, filled, optional, text, wrong_type
from .context import ActionContext
from .registry import UNKNOWN, Complaint, builtin

REJECT = "Reject"
CHOICES = ("Approve", REJECT)


def _choices(name: str, value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise wrong_type(name, "a list of texts", value)
    if not value:
        raise BadValue(name, f"'{name}' is empty")
    seen: list[str] = []
    for item in value:
        if not isinstance(item, str) or not item.strip():
            raise BadValue(name, f"each of '{name}' must be text, and one is {item!r}", "Put it in quotes.")
        if item in seen:
            raise BadValue(name, f"'{name}' has '{item}' twice", "Keep one of them.")
        seen.append(item)
    return seen


def _default(value: Any, choices: Sequence[str]) -> str | None:
    if value is not None and value not in choices:
        raise BadValue("default", f"'default' is {value!r}, and that is none of the choices", f"Write {_or(choices)}.")
    return optional(text)("default", value)  # type: ignore[no-any-return]


def _or(choices: Sequence[str]) -> str:
    return " or ".join(f"'{choice}'" for choice in choices)


_each = each(message=filled, choices=_choices)


def _check(values: Mapping[str, Any]) -> Iterator[Complaint]:
    complaints = list(_each(values))
    yield from complaints
    default, choices = values.get("default"), values.get("choices", CHOICES)
    if not complaints and default is not UNKNOWN and choices is not UNKNOWN:
        try:
            _default(default, choices)
        except BadValue as bad:
            yield bad.complaint


@builtin("human.approve", check=_check)
async def approve(
    message: str, context: ActionContext, choices: Sequence[str] = CHOICES, default: str | None = None
) -> str:
    """Ask a person; the output is the choice made on the card.

    Args:
        message: the question.
        context: filled in.
        choices: what to choose from; `Reject` fails the step.
        default: the choice where there is nobody to ask; without it the step fails there.

    Raises:
        TaskError: it was rejected, or there is nobody to ask and no default.
    """
    question = str(message)
    offered = _choices("choices", choices)
    choice: str = await context.ask(question, offered, _default(default, offered))
    if choice == REJECT:
        raise TaskError(f"'{question}' was rejected")
    return choice
