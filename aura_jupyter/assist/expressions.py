"""What fits inside a template: names in scope, their fields, filters and tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..engine.sandbox import ENVIRONMENT, GLOBALS
from ..engine.scope import ALWAYS, ERROR_FIELDS, STEP_ERROR_FIELDS, STEP_FIELDS, TASK_FIELDS
from ..engine.tasklet import StepStatus, TaskStatus
from .place import Place
from .steps import Step
from .template_names import Fields, names_set

_WORD = re.compile(r"(?:[^\W\d]\w*)?$")
_PATH = re.compile(r"""(?<![\w.\]])([^\W\d]\w*(?:\.\w+|\[\s*(?:"[^"]*"|'[^']*'|\d+)\s*\])*)\.(\w*)$""")
_ITEM = re.compile(r"""([^\W\d]\w*(?:\.\w+|\[\s*(?:"[^"]*"|'[^']*'|\d+)\s*\])*)\[\s*$""")
_COMPARED = re.compile(
    r"""([^\W\d]\w*(?:\.\w+|\[\s*(?:"[^"]*"|'[^']*')\s*\])*)\s*(?:[=!]=|(?:not\s+)?in\s*[(\[](?:[^)\]]*,)?)\s*$"""
)
_PART = re.compile(r"""\.(\w+)|\[\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*\]""")
_OPENING = re.compile(r"\{\{|\{%|\{#")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_TAGS = ("if", "for", "set", "else", "elif", "endif", "endfor", "endset", "with", "endwith", "macro", "endmacro", "raw")


Name = tuple[str, str]
"""A word and its kind."""


@dataclass(frozen=True, slots=True)
class Expression:
    """The part of a template before the cursor.

    Attributes:
        text: from its beginning on.
        tag: whether it is a statement, `{% … %}`.
        names: what the template in front of it has set, with the known fields of each.
    """

    text: str
    tag: bool = False
    names: Mapping[str, Fields] = field(default_factory=dict)


def expression_at(text: str, *, bare: bool) -> Expression | None:
    """The expression that the end of a text stands in, None where that is plain text.

    Args:
        text: a value of the spec down to the cursor.
        bare: whether the value is an expression without braces, too.
    """
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        closing = text.find(_CLOSING[opening[0]], opening.end())
        if closing < 0:
            if opening[0] == "{#":
                return None
            names = names_set(text[: opening.start()])
            return Expression(text[opening.end() :].lstrip("-"), opening[0] == "{%", names)
        at = closing + 2
    return Expression(text) if bare and at == 0 else None


def names_at(expression: Expression, place: Place) -> tuple[int, list[Name]]:
    """What fits at the end of an expression.

    Returns:
        How many characters before the cursor they stand for, and the words with their kinds.
    """
    text = expression.text
    quote = _open_quote(text)
    if quote is not None:
        return _begun(text[quote + 1 :], _texts(text[:quote], place, expression.names))
    path = _PATH.search(text)
    if path is not None:
        length, found = _begun(path[2], _below(_parts(path[1]), place, expression.names))
        if all(name.isidentifier() for name, _ in found):
            return length, found
        return len(path[0]), [(_written(path[1], name), kind) for name, kind in found]
    word = _WORD.search(text)
    assert word is not None
    return _begun(word[0], _words(text[: word.start()].rstrip(), place, expression))


def _words(before: str, place: Place, expression: Expression) -> Iterable[Name]:
    """The bare words that fit behind a part of an expression."""
    if before.endswith("|"):
        return ((name, "filter") for name in sorted(ENVIRONMENT.filters))
    if re.search(r"\bis(?:\s+not)?$", before):
        return ((name, "test") for name in sorted(ENVIRONMENT.tests) if name.isidentifier())
    if expression.tag and not before:
        return ((name, "keyword") for name in _TAGS)
    names = dict.fromkeys((*expression.names, *in_scope(place)))
    return [*((name, "name") for name in names), *((name, "function") for name in GLOBALS)]


def _begun(word: str, names: Iterable[Name]) -> tuple[int, list[Name]]:
    """The length of a word, and the names that go on with it."""
    return len(word), [name for name in names if name[0].lower().startswith(word.lower())]


def in_scope(place: Place) -> Iterable[str]:
    """The names that a template may read at a place."""
    return (*_locals(place), *ALWAYS)


def _locals(place: Place) -> Iterator[str]:
    step, path = place.step, place.below_step
    if step is None:
        return
    loop = step.node.get("loop")
    if loop is not None and path[:1] in (("params",), ("args",), ("retry",)):
        yield from ("item", "loop")
    elif path == ("loop", "while"):
        yield "loop"
    if path == ("retry", "until"):
        yield from ("output", "attempt")
    if step.owner is not None or step.section == "finally":
        yield "error"


def _below(parts: list[str], place: Place, names: Mapping[str, Fields]) -> Iterable[Name]:
    """What stands below a path; a name that the template has set hides others."""
    if parts[0] in names:
        return [(field, "field") for field in names[parts[0]]] if len(parts) == 1 else []
    return _fields(parts, place)


def _fields(parts: list[str], place: Place) -> Iterator[Name]:
    """What stands below a path of the language's own names."""
    match parts:
        case ["inputs"]:
            yield from ((name, "input") for name in _inputs(place))
        case ["steps"]:
            yield from ((step.name, "step") for step in _readable(place))
        case ["steps", _]:
            yield from ((name, "field") for name in STEP_FIELDS)
        case ["steps", name, "output"]:
            yield from ((field, "field") for field in _output(name, place))
        case ["steps", _, "error"]:
            yield from ((name, "field") for name in STEP_ERROR_FIELDS)
        case ["ctx"]:
            yield from ((name, "name") for name in _stored(place))
        case ["error"]:
            yield from ((name, "field") for name in ERROR_FIELDS)
        case ["task"]:
            yield from ((name, "field") for name in TASK_FIELDS)
        case ["loop"]:
            yield from ((name, "field") for name in _loop_fields(place))


def _loop_fields(place: Place) -> Iterable[str]:
    loop = place.step.node.get("loop") if place.step is not None else None
    if place.below_step == ("loop", "while"):
        return ("index",)
    return ("index", "item") if loop is not None and loop.get("while") is not None else ("index", "length", "item")


def _readable(place: Place) -> Iterable[Step]:
    step = place.step
    loop = step.node.get("loop") if step is not None else None
    own = loop is not None and loop.get("while") is not None and place.below_step[:1] != ("when",)
    found = {each.name: each for each in place.steps.before(step, own=own) if each.name}
    return found.values()


def _inputs(place: Place) -> Iterator[str]:
    declared = place.root.get("inputs")
    for item in declared.items if declared is not None else ():
        name = item.text if item.kind == "text" else item.value("name")
        if name:
            yield name


def _stored(place: Place) -> list[str]:
    """The names that the spec's own `core.set_context` steps store."""
    found: dict[str, None] = {}
    for step in place.steps:
        params = step.node.get("params")
        if step.node.value("action") == "core.set_context" and params is not None:
            found.update(dict.fromkeys(params.keys))
    return list(found)


def _output(name: str, place: Place) -> Iterable[str]:
    """The keys of what a step gives, where that is known of its action."""
    step = next((each for each in place.steps if each.name == name), None)
    if step is None or step.node.get("loop") is not None:
        return ()
    params = step.node.get("params")
    if step.node.value("action") == "core.set_context" and params is not None:
        return [str(key) for key in params.keys]
    action = place.action_of(step.node)
    return action.output_fields if action is not None else ()


def _texts(before: str, place: Place, names: Mapping[str, Fields]) -> list[Name]:
    """What fits inside a quoted text of an expression."""
    item = _ITEM.search(before)
    if item is not None:
        return list(_below(_parts(item[1]), place, names))
    compared = _COMPARED.search(before)
    if compared is None:
        return []
    match _parts(compared[1]):
        case ["steps", _, "status"]:
            return [(status.value, "status") for status in StepStatus if status.is_final]
        case ["task", "status"]:
            return [(status.value, "status") for status in TaskStatus if status is not TaskStatus.QUEUED]
    return []


def _open_quote(text: str) -> int | None:
    """Where the quote stands that is open at the end of an expression."""
    opened: int | None = None
    for at, character in enumerate(text):
        if opened is None and character in "\"'":
            opened = at
        elif opened is not None and character == text[opened] and text[at - 1] != "\\":
            opened = None
    return opened


def _parts(path: str) -> list[str]:
    root = re.match(r"\w+", path)
    assert root is not None
    return [root[0], *("".join(filter(None, found)) for found in _PART.findall(path, root.end()))]


def _written(root: str, name: str) -> str:
    return f"{root}.{name}" if name.isidentifier() else f'{root}["{name}"]'
