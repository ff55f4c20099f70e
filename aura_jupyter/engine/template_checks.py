"""What can be said of a template before anything runs: names, fields, filters and tests that there are none of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from ..spec.problems import nearest
from .sandbox import ENVIRONMENT, GLOBALS, listing, parse, parse_expression, shorten
from .scope import ALWAYS, ERROR_FIELDS, LOCALS, STEP_ERROR_FIELDS, STEP_FIELDS, TASK_FIELDS

if TYPE_CHECKING:
    from .templates import Template

Kind = TypeVar("Kind", bound=nodes.Node)
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
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a template: the words of a problem, and the text to underline.

    Attributes:
        code: as in `Problem`.
        message: what is wrong, without the step's name.
        hint: one sentence to follow.
        fragment: the text in the template that is at fault, as written; empty for the whole.
        occurrence: which occurrence of `fragment` in the text, from 0.
    """

    code: str
    message: str
    hint: str
    fragment: str = ""
    occurrence: int = 0


class Names(Protocol):
    """What a template may read where it stands."""

    @property
    def inputs(self) -> Collection[str] | None:
        """The declared inputs; `None` where any may be read."""

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


def check(template: Template, names: Names) -> list[Finding]:
    """All that is wrong with a template, as far as it can be known before anything runs."""
    if template.is_constant:
        return []
    if template.path is not None:
        root, parts = template.path
        if _path_finding((root, *[part for _, part in parts]), names) is None:
            return []
    try:
        tree: nodes.Node = parse_expression(template.text) if template.bare else parse(template.text)
    except TemplateSyntaxError as error:
        return [broken(template, error)]
    except RecursionError:
        return [Finding("broken-template", "the template is nested too deep", "Split it up.")]
    checker = _Checker(template, names, tree)
    try:
        checker.visit(tree)
    except RecursionError:
        return [Finding("broken-template", "the template is nested too deep", "Split it up.")]
    return checker.findings


def broken(template: Template, error: TemplateSyntaxError) -> Finding:
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


# What a path may read


def _path_finding(path: Path, names: Names) -> tuple[Finding, int] | None:
    """What is wrong with a path whose root is no name of the template's own, and how many of its parts to underline."""
    root = str(path[0])
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
    message = f"{owner} has no field {_quoted(name)}"
    near = elsewhere.get(name) if elsewhere.get(name) in known else None
    if near is not None:
        return Finding(
            "spelling" if name == "result" and not root else "unknown-field", message, f"Write '{root}.{near}'."
        )
    near = nearest(name, known)
    fields = ", ".join(known)
    return Finding(
        "unknown-field", message, f"Did you mean '{root}.{near}'? It has: {fields}." if near else f"It has: {fields}."
    )


def _unknown_input(name: str, inputs: Collection[str]) -> Finding:
    message = f"there is no input {_quoted(name)}"
    if not inputs:
        return Finding("undefined-name", message, "The task declares no inputs.")
    near = nearest(name, inputs)
    declared = f"The inputs are: {listing(inputs)}."
    return Finding(
        "undefined-name", message, f"Did you mean '{_written('inputs', near)}'? {declared}" if near else declared
    )


def _unknown_name(name: str, names: Names) -> Finding:
    message = f"{_quoted(name)} is not defined here"
    if name in LOCALS:
        return Finding("undefined-name", message, names.hint_for(name))
    if name in _OTHER_LANGUAGES:
        return Finding("spelling", message, f"Write '{_OTHER_LANGUAGES[name]}'.")
    if name == "env":
        return Finding("spelling", "'env' is not available in templates", "Give the value as an input.")
    if name in _BOOLEAN_WORDS:
        return Finding(
            "undefined-name", message, f"Write {_BOOLEAN_WORDS[name]}, or put quotes around it inside the expression."
        )
    inputs = names.inputs or ()
    if name in inputs:
        return Finding("undefined-name", message, f"Write '{_written('inputs', name)}'.")
    known = [*ALWAYS, *(local for local in LOCALS if local in names.locals)]
    near = nearest(name, [*inputs, *known])
    there_are = f"Known here are: {', '.join(known)}."
    if near is None:
        return Finding("undefined-name", message, there_are)
    meant = near if near in known else _written("inputs", near)
    return Finding("undefined-name", message, f"Did you mean '{meant}'? {there_are}")


def _quoted(name: str) -> str:
    return f"'{shorten(name, 60)}'"


def _written(root: str, name: str) -> str:
    return f"{root}.{name}" if name.isidentifier() else f'{root}["{name}"]'


# The walk over a syntax tree


class _Checker:
    """Visits a tree in the order of its text and collects findings."""

    def __init__(self, template: Template, names: Names, tree: nodes.Node) -> None:
        self.names = names
        self.findings: list[Finding] = []
        self._source = _Source(template)
        self._seen: Counter[Path] = Counter()
        self._own: set[str] = set()  # names that the template has set where the walk stands
        self._guarded = _guarded(tree) if "defined" in template.text else frozenset()
        self._everywhere = _assigned(tree) if "{%" in template.text else frozenset()

    def visit(self, node: nodes.Node) -> None:
        """Check a node and what is under it."""
        visitor = getattr(self, f"visit_{type(node).__name__.lower()}", None)
        if visitor is not None:
            visitor(node)
        else:
            self._all(node.iter_child_nodes())

    def _all(self, found: Iterable[nodes.Node | None]) -> None:
        for node in found:
            if node is not None:
                self.visit(node)

    # paths

    def visit_name(self, node: nodes.Name) -> None:
        if node.ctx == "load":
            self._chain(node)

    def visit_getattr(self, node: nodes.Getattr) -> None:
        self._chain(node)

    def visit_getitem(self, node: nodes.Getitem) -> None:
        self._chain(node)

    def _chain(self, node: nodes.Node, *, lenient: bool = False) -> None:
        path, inside = _unfold(node)
        if path is None:
            self._all(inside)
            return
        for length in range(1, min(len(path), 4) + 1):
            self._seen[path[:length]] += 1
        if not lenient and path[0] not in self._own:
            self._report(path)
        self._all(inside)

    def _report(self, path: Path) -> None:
        found = _path_finding(path, self.names)
        if found is None:
            return
        finding, length = found
        if any(path[:cut] in self._guarded for cut in range(length, len(path) + 1)):
            return
        self._add(finding, *self._source.path(path[:length], self._seen[path[:length]] - 1))

    def _add(self, finding: Finding, fragment: str, occurrence: int) -> None:
        if not any((finding.code, finding.message) == (other.code, other.message) for other in self.findings):
            self.findings.append(replace(finding, fragment=fragment, occurrence=occurrence))

    def _lenient(self, node: nodes.Node | None) -> None:
        """What `default()` or `is defined` is applied to: a missing value is no mistake there."""
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            self._chain(node, lenient=True)
        elif isinstance(node, nodes.CondExpr):
            self.visit_condexpr(node, self._lenient)
        elif isinstance(node, nodes.Filter) and node.name in ("default", "d", "attr"):
            self.visit_filter(node, self._lenient)
        elif node is not None:
            self.visit(node)

    # expressions

    def visit_condexpr(self, node: nodes.CondExpr, visit: Any = None) -> None:
        (visit or self.visit)(node.expr1)
        self.visit(node.test)
        if node.expr2 is not None:
            (visit or self.visit)(node.expr2)

    def visit_filter(self, node: nodes.Filter, visit: Any = None) -> None:
        passes = visit if node.name == "attr" else self._lenient if node.name in ("default", "d") else None
        if node.node is not None:
            (passes or self.visit)(node.node)
        if node.name not in ENVIRONMENT.filters:
            self._unknown("filter", node.name, ENVIRONMENT.filters)
        keep_lenient = visit if visit is not None and node.name in ("default", "d") else self.visit
        for argument in node.args:
            keep_lenient(argument)
        self._all([*node.kwargs, node.dyn_args, node.dyn_kwargs])
        self._named_in_argument(node)

    def visit_test(self, node: nodes.Test) -> None:
        (self._lenient if node.name in ("defined", "undefined") else self.visit)(node.node)
        if node.name not in ENVIRONMENT.tests:
            self._unknown("test", node.name, ENVIRONMENT.tests)
        self._all([*node.args, *node.kwargs, node.dyn_args, node.dyn_kwargs])

    def _named_in_argument(self, node: nodes.Filter) -> None:
        place = {"map": 0, "select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}.get(node.name)
        if place is None or len(node.args) <= place:
            return
        argument = node.args[place]
        known, what = (ENVIRONMENT.filters, "filter") if node.name == "map" else (ENVIRONMENT.tests, "test")
        if isinstance(argument, nodes.Const) and isinstance(argument.value, str) and argument.value not in known:
            self._unknown(what, argument.value, known)

    def _unknown(self, what: str, name: str, known: Iterable[str]) -> None:
        near = nearest(name, known)
        hint = f"Did you mean '{near}'?" if near else f"Write one of Jinja2's {what}s."
        self._add(
            Finding(f"unknown-{what}", f"there is no {what} {_quoted(name)}", hint), *self._source.word(name, what)
        )

    def visit_sub(self, node: nodes.Sub) -> None:
        if not self._hyphenated(node):
            self._all((node.left, node.right))

    def _hyphenated(self, node: nodes.Sub) -> bool:
        """Report `inputs.new-text` where an input has that name. To Jinja2 it is a minus."""
        first, *others = _operands(node)
        path, _ = _unfold(_last(first))
        if path is None or len(path) != 2 or path[0] not in ("inputs", "steps") or path[0] in self._own:
            return False
        root, name, known = str(path[0]), str(path[1]), ""
        for other in others:
            name += f"-{_first_word(other)}"
            if self._exists(root, name) and f"{root}.{name}" in self._source.text:
                known = name
        if not known:
            return False
        hint = f"Write '{root}[\"{known}\"]'."
        message = f"'{root}.{known}' is a minus to Jinja2"
        self._add(Finding("undefined-name", message, hint), f"{root}.{known}", 0)
        return True

    def _exists(self, root: str, name: str) -> bool:
        if root == "inputs":
            return self.names.inputs is not None and name in self.names.inputs
        finding = self.names.step(name)
        return finding is None or finding.code != "unknown-step"

    # statements, which set names

    def _inner(self, body: Iterable[nodes.Node], *more: str) -> None:
        outer = self._own
        self._own = {*outer, *more}
        self._all(body)
        self._own = outer

    def visit_assign(self, node: nodes.Assign) -> None:
        self.visit(node.node)
        self._set(node.target)

    def visit_assignblock(self, node: nodes.AssignBlock) -> None:
        if node.filter is not None:
            self.visit(node.filter)
        self._inner(node.body)
        self._set(node.target)

    def _set(self, target: nodes.Node) -> None:
        for reference in _with_itself(target, nodes.NSRef):
            if reference.name not in self._own:
                self._chain(nodes.Name(reference.name, "load"))
        self._own.update(_targets(target))

    def visit_for(self, node: nodes.For) -> None:
        targets = _targets(node.target)
        self.visit(node.iter)
        if node.test is not None:
            self._inner([node.test], *targets)
        self._inner(node.body, *targets, "loop")
        self._inner(node.else_)

    def visit_with(self, node: nodes.With) -> None:
        self._all(node.values)
        self._inner(node.body, *(name for target in node.targets for name in _targets(target)))

    def visit_macro(self, node: nodes.Macro) -> None:
        self._own.add(node.name)
        self._function(node)

    def visit_callblock(self, node: nodes.CallBlock) -> None:
        self.visit(node.call)
        self._function(node)

    def _function(self, node: nodes.Macro | nodes.CallBlock) -> None:
        arguments = [argument.name for argument in node.args]
        self._inner(node.defaults, *arguments)
        self._inner(node.body, *arguments, "caller", "varargs", "kwargs", *self._everywhere)

    def visit_filterblock(self, node: nodes.FilterBlock) -> None:
        self._inner(node.body)
        self.visit(node.filter)

    def visit_block(self, node: nodes.Block) -> None:
        self._inner(node.body, "self", "super", *self._everywhere)


def _unfold(node: nodes.Node) -> tuple[Path | None, list[nodes.Node]]:
    """The path of a chain such as `steps["a"].output[i]`, and the nodes to visit inside it.

    There is no path where it does not start at a name.
    """
    parts: list[str | int | None] = []
    inside: list[nodes.Node] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, (str, int)):
            parts.append(node.arg.value)
        else:
            parts.append(None)
            inside.insert(0, node.arg)
        node = node.node
    if isinstance(node, nodes.Name):
        return (node.name, *reversed(parts)), inside
    return None, [node, *inside]


def _guarded(tree: nodes.Node) -> frozenset[Path]:
    """The paths that the template tests with `is defined`."""
    found = set()
    for test in _with_itself(tree, nodes.Test):
        if test.name in ("defined", "undefined"):
            path, _ = _unfold(test.node)
            if path is not None and None not in path:
                found.add(path)
    return frozenset(found)


def _assigned(tree: nodes.Node) -> frozenset[str]:
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    return frozenset(names | {macro.name for macro in tree.find_all(nodes.Macro)})


def _targets(target: nodes.Node) -> list[str]:
    return [name.name for name in _with_itself(target, nodes.Name)]


def _with_itself(node: nodes.Node, kind: type[Kind]) -> Iterator[Kind]:
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)


def _operands(node: nodes.Node) -> list[nodes.Node]:
    """`a - b - c` as a list."""
    found: list[nodes.Node] = []
    while isinstance(node, nodes.Sub):
        found.insert(0, node.right)
        node = node.left
    return [node, *found]


def _last(node: nodes.Node) -> nodes.Node:
    while isinstance(node, nodes.BinExpr):
        node = node.right
    return node


def _first_word(node: nodes.Node) -> str:
    while not isinstance(node, (nodes.Name, nodes.Const)):
        inner = next(node.iter_child_nodes(), None)
        if inner is None:
            return ""
        node = inner
    return node.name if isinstance(node, nodes.Name) else str(node.value)


# Where in the text a finding stands


class _Source:
    """The tokens of a template's text with their places, read when the first finding needs them."""

    def __init__(self, template: Template) -> None:
        self.text = template.text
        self._bare = template.bare
        self._tokens: list[tuple[str, str, int]] | None = None

    def path(self, path: Path, number: int) -> tuple[str, int]:
        """The fragment and occurrence of the path's `number`th reading, as written."""
        places = [place for start in range(len(self.tokens)) if (place := self._match(path, start)) is not None]
        return self._fragment(places, number)

    def word(self, name: str, what: str) -> tuple[str, int]:
        """The fragment and occurrence of a filter's or test's name."""
        before = ("|", "filter", "(", ",") if what == "filter" else ("is", "not", "(", ",")
        places = []
        for index, (_, value, start) in enumerate(self.tokens):
            if index and self.tokens[index - 1][1] in before and value.strip("'\"") == name:
                offset = value.find(name)
                places.append((start + offset, start + offset + len(name)))
        return self._fragment(places, 0)

    def _fragment(self, places: list[tuple[int, int]], number: int) -> tuple[str, int]:
        if not places:
            return "", 0
        start, end = places[min(number, len(places) - 1)]
        fragment = self.text[start:end]
        return fragment, self.text.count(fragment, 0, start)

    def _match(self, path: Path, start: int) -> tuple[int, int] | None:
        tokens = self.tokens
        if tokens[start][:2] != ("name", path[0]) or (start and tokens[start - 1][1] in (".", "|")):
            return None
        at = start + 1
        for part in path[1:]:
            following = [token[1] for token in tokens[at : at + 3]]
            if following[:2] == [".", part]:
                at += 2
            elif len(following) == 3 and following[0] == "[" and following[1] in (f'"{part}"', f"'{part}'", str(part)):
                at += 3
            else:
                return None
        last = tokens[at - 1]
        return tokens[start][2], last[2] + len(last[1])

    @property
    def tokens(self) -> list[tuple[str, str, int]]:
        """Kind, text and place of each token that is no white space."""
        if self._tokens is None:
            self._tokens = list(self._read())
        return self._tokens

    def _read(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        for _, kind, value in ENVIRONMENT.lexer.tokeniter(self.text, None, None, "variable" if self._bare else None):
            place = self.text.find(value, at)
            if place < 0:
                continue
            at = place + len(value)
            if kind not in ("whitespace", "data"):
                yield kind, value, place
