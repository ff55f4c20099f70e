"""The findings that a template's checks give: their words, for broken texts and for paths that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from jinja2.exceptions import TemplateSyntaxError

from ..spec.problems import nearest
from .sandbox import GLOBALS, Step, listing, shorten
from .scope import ALWAYS, ERROR_FIELDS, LOCALS, STEP_ERROR_FIELDS, STEP_FIELDS, TASK_FIELDS

Path = tuple[str | int | None, ...]  # the root's name, then names and indices; None for what only the run knows
_OTHER_LANGUAGES = {"nodes": "steps", "params": "inputs", "state": "ctx", "initial": "ctx"}
_OTHER_FIELDS = {
    "result": "output",
    "outputs": "output",
    "value": "output",
    "state": "status",
    "conclusion": "status",
    "outcome": "status",
}
_OTHER_LOOP_FIELDS = {"index0": "index", "index1": "index", "counter": "index", "size": "length", "value": "item"}
_OTHER_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "null": "none"}
_FILTERS = {  # that do what these functions of Python do
    **{name: name for name in ("abs", "float", "int", "list", "map", "max", "min", "round", "sum")},
    "len": "length",
    "str": "string",
    "sorted": "sort",
    "reversed": "reverse",
    "filter": "select",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a template: the words of a problem, and the text to underline.

    Attributes:
        code: as in `Problem`.
        message: what is wrong, without the step's name.
        hint: one sentence to follow.
        fragment: the text in the template that is at fault, as written; empty for the whole.
        occurrence: which occurrence of `fragment` in the text, from 0.
        fix: what to write in place of `fragment`; of a path, until `fragment` is known, in place of its last name.
    """

    code: str
    message: str
    hint: str
    fragment: str = ""
    occurrence: int = 0
    fix: str | None = None


class Names(Protocol):
    """What a template may read where it stands."""

    @property
    def inputs(self) -> Collection[str] | None:
        """The declared inputs; `None` where any may be read."""

    @property
    def only_inputs(self) -> bool:
        """Whether nothing but `inputs` may be read, as in a title."""

    @property
    def locals(self) -> frozenset[str]:
        """Of `item`, `loop`, `error`, `output` and `attempt` those in scope."""

    @property
    def loop_fields(self) -> frozenset[str]:
        """The fields that `loop` has here."""

    def step(self, name: str) -> Finding | None:
        """What is wrong with reading this step here, if anything; `fragment` is left empty."""

    def hint_for(self, name: str) -> str:
        """Where a local that is not in scope here is known."""


class Text(Protocol):
    """What the checks look at in a `Template`."""

    @property
    def text(self) -> str:
        """As written."""

    @property
    def bare(self) -> bool:
        """Whether it is an expression without braces."""

    @property
    def path(self) -> tuple[str, tuple[Step, ...]] | None:
        """Root and parts of a plain path."""

    @property
    def is_constant(self) -> bool:
        """Whether it holds no template at all."""


def broken(template: Text, error: TemplateSyntaxError) -> Finding:
    """The finding for a template that Jinja2 cannot parse."""
    said = (error.message or "").strip().rstrip(".")
    for jinja, written in _TOKENS.items():
        said = said.replace(jinja, written)
    unended = None if template.bare else _unended(template.text)
    if unended is not None:
        return unended
    for pattern, message, hint in _SAYINGS:
        found = pattern.search(said)
        if found is not None:
            return _broken(shorten(found.expand(message)), shorten(found.expand(hint)))
    return _broken(f"the template is broken: {shorten(said, 120)}", "Correct the expression.")


_TOKENS = {"end of print statement": "}}", "end of statement block": "%}", "end of template": "the end"}
_SAYINGS = [
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (
            r"innermost block that needs to be closed is '(\w+)'",
            r"'{% \1 %}' has no end",
            r"Write '{% end\1 %}' where it ends.",
        ),
        (r"^(there is no '.+)", r"\1", "Put the text itself into the template."),
        (r"unknown tag '(end\w+|else|elif)'", r"'{% \1 %}' has no beginning", "Take it out, or write what it ends."),
        (r"unknown tag '(\w+)'", r"there is no tag '\1'", "Write 'if', 'for', 'set', 'with', 'macro' or 'raw'."),
        (r"^No (filter|test) named '(.*)'", r"there is no \1 '\2'", r"Write one of Jinja2's \1s."),
        (r"^there is more than one expression", r"\g<0>", "Write one expression, or text with '{{ … }}' in it."),
        (
            r"expected token '(.+)', got '(.+)'",
            r"'\2' stands where '\1' is expected",
            r"Write '\1' before '\2', or take '\2' out.",
        ),
        (
            r"^[Uu]nexpected the end|^unexpected '(}}|%}|the end)'|got the end",
            "an expression is not complete",
            "Write the rest of it.",
        ),
        (r"^unexpected (?:char )?('.+?')", r"\1 stands where it has no meaning", r"Take \1 out."),
    )
]


def _unended(text: str) -> Finding | None:
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        start = text.rfind(opening)
        if start >= 0 and closing not in text[start:]:
            subject = "It" if not text[:start].strip() else "What"
            return _broken(
                "the template has no end", f"{subject} begins with '{opening}' and needs '{closing}' at its end."
            )
    return None


def _broken(message: str, hint: str) -> Finding:
    return Finding("broken-template", message, hint)


def path_finding(path: Path, names: Names) -> tuple[Finding, int] | None:
    """What is wrong with a path whose root is no name of the template's own, and how many of its parts to underline."""
    root = str(path[0])
    if names.only_inputs and root in ALWAYS and root != "inputs":
        return Finding("unknown-name", "a title can read the inputs only", "Read an input, or leave it out."), 1
    if root not in ALWAYS and root not in names.locals:
        return (_unknown_name(root, names), 1) if root not in GLOBALS else None
    if len(path) < 2 or not isinstance(path[1], str):
        return None
    name = path[1]
    if root == "inputs":
        return None if names.inputs is None or name in names.inputs else (_unknown_input(name, names.inputs), 2)
    if root == "steps":
        return _step_finding(path, name, names)
    known: Sequence[str] = {"error": ERROR_FIELDS, "task": TASK_FIELDS}.get(root, ())
    if root == "loop":
        known = tuple(field for field in ("index", "length", "item") if field in names.loop_fields)
    return (
        (_unknown_field(root, f"'{root}'", name, known, _OTHER_LOOP_FIELDS), 2) if known and name not in known else None
    )


def _step_finding(path: Path, name: str, names: Names) -> tuple[Finding, int] | None:
    finding = names.step(name)
    if finding is not None:
        return finding, 2
    if len(path) > 2 and isinstance(path[2], str) and path[2] not in STEP_FIELDS:
        return _unknown_field("", "a step", path[2], STEP_FIELDS, _OTHER_FIELDS), 3
    if len(path) > 3 and path[2] == "error" and isinstance(path[3], str) and path[3] not in STEP_ERROR_FIELDS:
        return _unknown_field("", "a step's error", path[3], STEP_ERROR_FIELDS, {}), 4
    return None


def _unknown_field(root: str, owner: str, name: str, known: Sequence[str], elsewhere: dict[str, str]) -> Finding:
    message = f"{owner} has no field {quoted(name)}"
    near = elsewhere.get(name) if elsewhere.get(name) in known else None
    if near is not None:
        code = "spelling" if name == "result" and not root else "unknown-field"
        return Finding(code, message, f"Write '{root}.{near}'.", fix=near)
    near = nearest(name, known)
    fields = ", ".join(known)
    hint = f"Did you mean '{root}.{near}'? It has: {fields}." if near else f"It has: {fields}."
    return Finding("unknown-field", message, hint, fix=near)


def _unknown_input(name: str, inputs: Collection[str]) -> Finding:
    message = f"there is no input {quoted(name)}"
    if not inputs:
        return Finding("undefined-name", message, "The task declares no inputs.")
    near = nearest(name, inputs)
    declared = f"The inputs are: {listing(inputs)}."
    hint = f"Did you mean '{_written('inputs', near)}'? {declared}" if near else declared
    return Finding("undefined-name", message, hint, fix=near)


def _unknown_name(name: str, names: Names) -> Finding:
    message = f"{quoted(name)} is not defined here"
    if name in LOCALS:
        return Finding("undefined-name", message, names.hint_for(name))
    if name in _OTHER_LANGUAGES:
        write = _OTHER_LANGUAGES[name]
        return Finding("spelling", message, f"Write '{write}'.", fix=write)
    if name == "env":
        return Finding("spelling", "'env' is not available in templates", "Give the value as an input.")
    if name in _OTHER_WORDS:
        write = _OTHER_WORDS[name]
        hint = f"Write {write}, or put quotes around it inside the expression."
        return Finding("undefined-name", message, hint, fix=write)
    inputs = names.inputs or ()
    if name in inputs:
        write = _written("inputs", name)
        return Finding("undefined-name", message, f"Write '{write}'.", fix=write)
    if name in _FILTERS:
        return Finding("undefined-name", message, f"Write it as a filter: … | {_FILTERS[name]}.")
    known = [*ALWAYS, *(local for local in LOCALS if local in names.locals)]
    near = nearest(name, [*inputs, *known])
    there_are = f"Known here are: {', '.join(known)}."
    if near is None:
        how = f" A variable is read as '{_written('inputs', name)}', with '{name}' under 'inputs'."
        return Finding("undefined-name", message, there_are + how)
    meant = near if near in known else _written("inputs", near)
    return Finding("undefined-name", message, f"Did you mean '{meant}'? {there_are}", fix=meant)


def with_last(fragment: str, name: str, meant: str) -> str | None:
    """A path as written, with another name in place of its last one; None where that is not seen.

    Args:
        fragment: the path as written.
        name: its last name.
        meant: the other one.
    """
    if fragment == name:
        return meant
    for ending in (f".{name}", f'["{name}"]', f"['{name}']"):
        if fragment.endswith(ending):
            return _written(fragment.removesuffix(ending), meant)
    return None


def quoted(name: str) -> str:
    """A name in a message."""
    return f"'{shorten(name, 60)}'"


def _written(root: str, name: str) -> str:
    return f"{root}.{name}" if name.isidentifier() else f'{root}["{name}"]'
