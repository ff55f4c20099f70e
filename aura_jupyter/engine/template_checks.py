"""What can be said of a template before anything runs: names, fields, filters and tests that there are none of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from ..spec.problems import nearest
from .sandbox import ENVIRONMENT, parse, parse_expression
from .template_findings import Finding, Names, Path, Text, broken, path_finding, quoted, with_last
from .template_places import Source

Kind = TypeVar("Kind", bound=nodes.Node)


def check(template: Text, names: Names) -> list[Finding]:
    """All that is wrong with a template, as far as it can be known before anything runs."""
    if template.is_constant:
        return []
    if template.path is not None:
        root, parts = template.path
        if path_finding((root, *[part for _, part in parts]), names) is None:
            return []
    try:
        tree: nodes.Node = parse_expression(template.text) if template.bare else parse(template.text)
        checker = _Checker(template, names, tree)
        checker.visit(tree)
    except TemplateSyntaxError as error:
        return [broken(template, error)]
    except RecursionError:
        return [Finding("broken-template", "the template is nested too deep", "Split it up.")]
    return checker.findings


class _Checker:
    """Visits a tree in the order of its text and collects findings."""

    def __init__(self, template: Text, names: Names, tree: nodes.Node) -> None:
        self.names = names
        self.findings: list[Finding] = []
        self._source = Source(template)
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
        found = path_finding(path, self.names)
        if found is None:
            return
        finding, length = found
        if any(path[:cut] in self._guarded for cut in range(length, len(path) + 1)):
            return
        fragment, occurrence = self._source.path(path[:length], self._seen[path[:length]] - 1)
        if finding.fix is not None:
            finding = replace(finding, fix=with_last(fragment, str(path[length - 1]), finding.fix))
        self._add(finding, fragment, occurrence)

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
        finding = Finding(f"unknown-{what}", f"there is no {what} {quoted(name)}", hint, fix=near)
        self._add(finding, *self._source.word(name, what))

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
        write = f'{root}["{known}"]'
        hint = f"Write '{write}'."
        message = f"'{root}.{known}' is a minus to Jinja2"
        self._add(Finding("undefined-name", message, hint, fix=write), f"{root}.{known}", 0)
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
        self.visit(node.filter)
        self._inner(node.body)

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
