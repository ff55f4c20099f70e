"""What the server answers by itself, where no kernel is asked: in threads, since a long spec takes a while."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from ..actions.registry import Action
from ..assist.completion import Offer, complete
from ..assist.explanation import explain
from ..assist.surroundings import Registered, signature_of
from ..engine.plans import plan_for
from ..messages import ActionInfo, ActionList, Completed, Completion, Inspected, ProblemInfo, Validated
from ..spec.json_schema import draft_7
from ..spec.model import TaskSpec
from ..spec.problems import SpecError
from ..view.reports import problems
from .problems import Refusal

T = TypeVar("T")
_KNOWN = Registered()


class Local:
    """Answers without a kernel.

    Args:
        deadline: seconds that an answer may take.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="aura-server")

    async def validate(self, task_spec: str | dict[str, Any]) -> Validated:
        """The problems of a spec; the actions that it may name are those of the server's environment."""
        return Validated(problems=await self._in_thread(lambda: _problems(task_spec)))

    async def complete(self, text: str, at: int) -> Completed:
        """What may stand at a place of a spec."""
        return await self._in_thread(lambda: _completed(text, at))

    async def inspect(self, text: str, at: int) -> Inspected:
        """What stands at a place of a spec."""
        return await self._in_thread(lambda: Inspected(text=explain(text, min(at, len(text)), _KNOWN) or None))

    async def actions(self) -> ActionList:
        """The actions of the server's environment."""
        return await self._in_thread(_actions)

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of a spec."""
        return await self._in_thread(_schema)

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Refusal("no-answer", f"The answer took longer than {self._deadline:g} seconds.") from None


def _problems(task_spec: str | dict[str, Any]) -> list[ProblemInfo]:
    try:
        plan_for(task_spec, None)
    except SpecError as error:
        return problems(error)
    return []


def _completed(text: str, at: int) -> Completed:
    at = min(at, len(text))
    offers = complete(text, at, _KNOWN)
    return Completed(start=offers.start, items=[_completion(offer) for offer in offers.items])


def _completion(offer: Offer) -> Completion:
    action = _KNOWN.action(offer.text) if offer.kind == "function" else None
    return Completion(text=offer.text, kind=offer.kind, signature=offer.signature, doc=_doc(action))


def _doc(action: Action | None) -> str:
    return (inspect.getdoc(action.function) or "") if action is not None else ""


def _actions() -> ActionList:
    found = [action for name in _KNOWN.actions("") if (action := _KNOWN.action(name)) is not None]
    return ActionList(actions=[_action_info(action) for action in found])


def _action_info(action: Action) -> ActionInfo:
    executor = "loop" if action.is_async else action.executor or "thread"
    return ActionInfo(name=action.name, signature=signature_of(action), doc=_doc(action), executor=executor)


@cache
def _schema() -> dict[str, Any]:
    return draft_7(TaskSpec)
