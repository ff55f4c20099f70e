"""What a program that shows a spec asks, answered as its messages hold it: problems, completions, actions."""

from __future__ import annotations

import inspect
from typing import Any

from ..actions.registry import Action
from ..engine.plan import Namespace
from ..engine.plans import check
from ..messages import ActionInfo, ActionList, Completed, Completion, Inspected, ProblemInfo, Validated
from ..spec.problems import Source, SpecError
from .completion import Offer, complete
from .explanation import explain
from .surroundings import Surroundings, signature_of

MOST = 1_000
"""Problems that are told: to underline ten thousands would hold up an editor."""


def validated(spec: str | dict[str, Any], namespace: Namespace | None, above: tuple[str, ...] = ()) -> Validated:
    """The problems of a spec, the first of them where there are very many.

    Args:
        spec: its text, or a mapping.
        namespace: where actions are found that nobody registered.
        above: the lines of the cell above the text, which count as lines.
    """
    try:
        check(Source(spec, above=above) if isinstance(spec, str) else spec, namespace)
    except SpecError as error:
        return Validated(problems=[ProblemInfo(**each) for each in error.to_json()[:MOST]])
    return Validated(problems=[])


def completed(text: str, at: int, known: Surroundings) -> Completed:
    """What may stand at a place of a spec."""
    found = complete(text, min(at, len(text)), known)
    return Completed(start=found.start, items=[_completion(offer, known) for offer in found.items])


def _completion(offer: Offer, known: Surroundings) -> Completion:
    action = known.action(offer.text) if offer.kind == "function" else None
    return Completion(text=offer.text, kind=offer.kind, signature=offer.signature, doc=_doc(action))


def inspected(text: str, at: int, known: Surroundings) -> Inspected:
    """What stands at a place of a spec."""
    return Inspected(text=explain(text, min(at, len(text)), known) or None)


def actions(known: Surroundings) -> ActionList:
    """The actions that a spec may name."""
    names = dict.fromkeys(name for name in known.actions("") if not name.endswith("."))  # with a dot: modules
    found = (known.action(name) for name in names)
    return ActionList(actions=[_info(action) for action in found if action is not None and not action.face.flaw])


def _info(action: Action) -> ActionInfo:
    executor = "loop" if action.is_async else action.executor or "thread"
    return ActionInfo(name=action.name, signature=signature_of(action), doc=_doc(action), executor=executor)


def _doc(action: Action | None) -> str:
    return (inspect.getdoc(action.function) or "") if action is not None else ""
