"""Completion and inspection in `%%aura` cells and on `%aura` lines, by the kernel: it works in every front end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from ..actions.registry import Action, from_callable, registry
from ..assist.completion import Offers, complete
from ..assist.explanation import explain
from .cell import body_of, options_at
from .subcommands import offers_on_line
from .variables import Variables

if TYPE_CHECKING:
    from .notebook import Notebook


class Known:
    """What specs of a notebook may refer to: registered actions, its callables, and its variables.

    Args:
        variables: the person's variables.
    """

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def actions(self, prefix: str) -> Iterable[str]:
        """The actions that begin so, those of the notebook first; of modules their names with a dot."""
        above, dot, _ = prefix.rpartition(".")
        if dot:
            yield from (f"{above}.{name}" for name in _callables(self._variables.find(above)))
        else:
            for name, value in self._public():
                if isinstance(value, ModuleType):
                    yield f"{name}."
                elif callable(value):
                    yield name
        yield from registry.names()

    def action(self, name: str) -> Action | None:
        """The registered action of a name, else the notebook's callable."""
        found = registry.get(name)
        if found is None:
            value = self._variables.find(name)
            found = from_callable(name, value) if callable(value) else None
        return found

    def variables(self) -> Iterable[str]:
        """The variables that are values: no modules, functions and classes."""
        for name, value in self._public():
            if not isinstance(value, ModuleType | type) and not inspect.isroutine(value):
                yield name

    def _public(self) -> Iterator[tuple[str, Any]]:
        return ((name, self._variables[name]) for name in self._variables.variables() if not name.startswith("_"))


def _callables(value: object) -> Iterator[str]:
    """The public callables of an object; no property is asked for, since that may do anything."""
    if value is None:
        return
    for name in dir(value):
        if not name.startswith("_") and callable(inspect.getattr_static(value, name, None)):
            yield name


class Assistant:
    """Helps in the cells of one shell.

    Args:
        notebook: whose cells.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._known = Known(notebook.variables)
        self._signatures: dict[str, str] = {}

    def offers(self, cell: str, at: int) -> Offers | None:
        """What fits at a place of a cell; None where that is none of ours."""
        begin = body_of(cell)
        if begin is not None and at >= begin:
            found = complete(cell[begin:], at - begin, self._known)
            return Offers(found.start + begin, found.items)
        line = options_at(cell, at)
        if line is None:
            return None
        spec = cell[begin:] if begin is not None else ""
        length, offers = offers_on_line(*line, self._notebook, self._known, spec)
        return Offers(at - length, tuple(offers))

    def nothing_fits(self, cell: str, at: int) -> bool:
        """Whether a place is in a spec, and there is nothing that could stand there."""
        begin = body_of(cell)
        if begin is None or at < begin:
            return False
        found = self.offers(cell, at)
        return found is None or not found.items

    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """A matcher of IPython's."""
        cell = context.full_text
        at = sum(len(line) + 1 for line in cell.split("\n")[: context.cursor_line]) + context.cursor_position
        found = self.offers(cell, at)
        if found is None or not found.items:
            return {"completions": []}  # a new one each time: IPython adds to it
        self._signatures = {offer.text: offer.signature for offer in found.items if offer.signature}
        return {
            "completions": [SimpleCompletion(offer.text, type=offer.kind) for offer in found.items],
            "matched_fragment": cell[found.start : at],
            "suppress": True,
            "ordered": True,
        }

    def sign(self, completions: Iterator[Any]) -> Iterator[Any]:
        """Add to completions the signatures, of which a matcher's result has none."""
        for each in completions:
            if each.type == "function" and not each.signature:
                each.signature = self._signatures.get(each.text, "")
            yield each

    def explain(self, cell: str, at: int) -> str:
        """What to know of the word at a place of a cell; empty where that is none of ours."""
        begin = body_of(cell)
        return explain(cell[begin:], at - begin, self._known) if begin is not None and at >= begin else ""


def install(shell: Any, assistant: Assistant) -> Callable[[], None]:
    """Put completion and, in a kernel, inspection in place; gives what takes them back."""

    @context_matcher(identifier="aura", priority=2000)  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        return assistant.match(context)

    completer = shell.Completer
    completer.custom_matchers.append(matcher)
    plain = completer.completions

    def completions(text: str, offset: int) -> Iterator[Any]:
        # in a spec nothing else fits: what Python would complete there is none of its words
        return iter(()) if assistant.nothing_fits(text, offset) else assistant.sign(plain(text, offset))

    completer.completions = completions
    undo_inspection = _inspect(shell, assistant)

    def undo() -> None:
        completer.custom_matchers.remove(matcher)
        del completer.completions
        undo_inspection()

    return undo


def _inspect(shell: Any, assistant: Assistant) -> Callable[[], None]:
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return lambda: None
    plain = kernel.do_inspect

    def do_inspect(code: str, cursor_pos: int, *more: Any, **options: Any) -> Any:
        text = assistant.explain(code, cursor_pos)
        if not text:
            return plain(code, cursor_pos, *more, **options)
        return {"status": "ok", "found": True, "data": {"text/plain": text}, "metadata": {}}

    kernel.do_inspect = do_inspect

    def undo() -> None:
        del kernel.do_inspect

    return undo
