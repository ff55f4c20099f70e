"""The one Jinja2 environment of the task language: sandboxed, strict about what is missing, without loading."""

from __future__ import annotations

import functools
import re
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from itertools import islice
from typing import Any, NoReturn, TypeVar

from jinja2 import nodes
from jinja2 import runtime as jinja_runtime
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from ..spec.problems import nearest
from .scope import STEP_FIELDS, VIEWS, Fields, StepFields, dict_of, kind_of

Tree = TypeVar("Tree", bound=nodes.Node)
GLOBALS = ("range", "dict", "namespace", "cycler", "joiner")
FORBIDDEN = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from … import",
    nodes.Extends: "extends",
}
_MISSING: Any = getattr(jinja_runtime, "missing")  # noqa: B009 - not in its list of exports
_POWER_BITS = 1_000_000  # of a whole number: a few milliseconds
_WIDTH = 200
_COMPARED = 200  # names that are looked through for the nearest: a hundredth of a second
_DICT_ATTRIBUTES = frozenset(dir(dict))
_STEP_FIELDS = frozenset(STEP_FIELDS)
_STRIPS = re.compile(r"\{[{%#]-|-[}%#]\}")
_BIT_BY_BIT = ("batch", "items", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "unique")


class _Evaluation(threading.local):
    """What one thread is evaluating: the names in scope and the undefined values made on the way."""

    names: Mapping[str, Any] = {}
    made: list[weakref.ref[Undefined]] | None = None


_now = _Evaluation()


def shorten(text: str, width: int = _WIDTH) -> str:
    """The text on one line, with `…` where it is longer than `width` characters."""
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width and len(text) <= 4 * width else line[: width - 1] + "…"


def listing(words: Collection[Any], first: str | None = None, limit: int = 8) -> str:
    """Names for a message: the nearest first, eight at the most, each of bounded length."""
    names = list(islice((word for word in words if isinstance(word, str) and word != first), limit))
    if first is not None:
        names = [first, *names[: limit - 1]]
    more = len(words) - len(names)
    shown = ", ".join(shorten(name, 40) for name in names)
    return f"{shown} and {more} more" if more > 0 else shown


def _shown(name: Any) -> str:
    """A name or key for a message."""
    if isinstance(name, str):
        return repr(shorten(name, 60))
    if name is None or (isinstance(name, (int, float)) and -1e18 < name < 1e18):
        return repr(name)
    return f"key of type {type(name).__name__}"


def _available(what: str, name: Any, words: Collection[Any]) -> str:
    known = islice((word for word in words if isinstance(word, str)), _COMPARED)
    return f"{what}: {listing(words, nearest(name, known) if isinstance(name, str) else None)}"


def _missing_in_fields(fields: Fields, name: Any) -> str:
    kind, shown = kind_of(fields), _shown(name)
    if kind == "inputs":
        there_are = _available("the inputs are", name, fields) if len(fields) else "the task has none"
        return f"there is no input {shown}; {there_are}"
    if kind == "steps":
        there_are = _available("these have", name, fields) if len(fields) else "none has"
        return f"no step {shown} has ended; {there_are}"
    if not len(fields):
        return f"{kind} has no {shown}: it is empty"
    return f"{kind} has no {shown}; " + _available("it has", name, fields)


def _missing_in_value(value: Any, name: Any) -> str:
    shown, kind = _shown(name), type(value).__name__
    if value is None:
        return f"{shown} cannot be read from null"
    if isinstance(value, StepFields):
        return f"a step has no {shown}; " + _available("it has", name, STEP_FIELDS)
    if isinstance(value, Mapping):
        there_are = _available("its keys are", name, value) if len(value) else "it is empty"
        return f"this {kind} has no {shown}; {there_are}"
    if isinstance(value, Sequence) and isinstance(name, int):
        return f"this {kind} has no item {shown}; its length is {len(value)}"
    public = islice((word for word in dir(value) if not word.startswith("_")), 4 * _COMPARED)
    near = nearest(name, public) if isinstance(name, str) else None
    return f"this {kind} has no {shown}" + (f"; the nearest that it has is: {near}" if near else "")


class Undefined(jinja_runtime.StrictUndefined):
    """What a template could not find. What stands below it is missing too.

    Any use raises, but for `default()` and `is defined`.
    """

    __slots__ = ("__weakref__",)

    def __init__(
        self, hint: str | None = None, obj: Any = _MISSING, name: Any = None, exc: type[Exception] = UndefinedError
    ) -> None:
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type]
        if _now.made is not None:
            _now.made.append(weakref.ref(self))

    @property
    def _undefined_message(self) -> str:
        hint, obj, name = self._undefined_hint, self._undefined_obj, self._undefined_name
        if hint:
            return hint
        if obj is _MISSING:
            return f"{_shown(name)} is not defined; " + _available("there are", name, _now.names)
        return _missing_in_fields(obj, name) if type(obj) is Fields else _missing_in_value(obj, name)

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        self._fail_with_undefined_error()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: Any) -> Undefined:  # type: ignore[override]
        return self

    __repr__ = __index__ = __abs__ = __round__ = __reversed__ = __invert__ = __divmod__ = __rdivmod__ = _fail
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __matmul__ = __rmatmul__ = __fspath__ = _fail
    __setitem__ = __delitem__ = __bytes__ = __lshift__ = __rshift__ = __rlshift__ = __rrshift__ = _fail


class _Generator(CodeGenerator):
    def write_commons(self) -> None:
        super().write_commons()
        self.writeline(
            "cond_expr_undefined = environment.no_else"
        )  # Jinja2's own would render an `if` without `else` to nothing


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2's immutable sandbox, in which the views of a scope have no methods and messages stay short."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"**"})  # and so Jinja2 computes none when it compiles

    def call_binop(self, context: jinja_runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """A power, unless its digits would hold the loop for long."""
        if isinstance(left, int) and isinstance(right, int) and (int.bit_length(left) - 1) * right > _POWER_BITS:
            raise SecurityError(f"this power would have more than {_POWER_BITS // 10 * 3:,} digits")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: the attribute, else the item."""
        if type(obj) is Fields:
            try:
                return obj[attribute]
            except KeyError:
                return Undefined(obj=obj, name=attribute)
        if type(obj) is StepFields and attribute in _STEP_FIELDS:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: the item, else the attribute."""
        if type(obj) is Fields:
            try:
                return obj[argument]
            except (KeyError, TypeError):
                return Undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """What an attribute is that the sandbox keeps from templates: an error when used."""
        hint = f"a template may not read {_shown(attribute)} of a value of type {type(obj).__name__}"
        return Undefined(hint, obj, attribute, SecurityError)

    def call(self, context: jinja_runtime.Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call from a template, unless the callable is marked as unsafe."""
        if not self.is_safe_callable(obj):
            raise SecurityError(f"a template may not call this {type(obj).__name__}")
        return context.call(obj, *args, **kwargs)

    @staticmethod
    def no_else(_: str) -> Undefined:
        """What `a if b` yields where `b` is false."""
        return Undefined("an 'if' in an expression has no 'else', and its condition is false")


def _listed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return list(found) if isinstance(found, Iterator) else found

    return filtered


def _with_dicts(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which takes a view such as `inputs` for a plain dict."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return function(*(dict_of(value) if type(value) in VIEWS else value for value in args), **kwargs)

    return called


def _environment() -> Environment:
    environment = Environment(
        autoescape=False, keep_trailing_newline=True, undefined=Undefined, loader=None, cache_size=0
    )
    environment.globals = {name: environment.globals[name] for name in GLOBALS}
    environment.globals["dict"] = _with_dicts(dict)
    for name in ("items", "dictsort"):
        environment.filters[name] = _with_dicts(environment.filters[name])
    for name in _BIT_BY_BIT:
        environment.filters[name] = _listed(environment.filters[name])
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _for_json}
    return environment


def _for_json(value: Any) -> Any:
    if type(value) in VIEWS:
        return dict_of(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


ENVIRONMENT = _environment()
_GLOBALS: MutableMapping[str, Any] = ENVIRONMENT.globals


def parse(text: str) -> nodes.Template:
    """The syntax tree of a text.

    Raises:
        TemplateSyntaxError: it is broken, or uses `include`, `import` or `extends`.
    """
    tree = _keeping_returns(text, ENVIRONMENT.parse)
    if "{%" in text:
        for kind, word in FORBIDDEN.items():
            if (found := tree.find(kind)) is not None:
                raise TemplateSyntaxError(f"there is no '{word}' in a task's templates", found.lineno)
    return tree


def _keeping_returns(source: str, parse: Callable[[str], Tree]) -> Tree:
    """The tree of a source, with the carriage returns that Jinja2 would make line feeds of in its texts."""
    if "\r" not in source or _STRIPS.search(source):  # to Jinja2 only white space is taken away by a '-'
        return parse(source)
    instead = next(chr(code) for code in range(0xE000, 0xF900) if chr(code) not in source)
    try:
        tree = parse(source.replace("\r", instead))
    except TemplateSyntaxError:  # one stands between the words of an expression
        return parse(source)
    for node in (tree, *tree.find_all((nodes.TemplateData, nodes.Const))):
        if isinstance(node, nodes.TemplateData):
            node.data = node.data.replace(instead, "\r")
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            node.value = node.value.replace(instead, "\r")
    return tree


def parse_expression(source: str, *, tuples: bool = False) -> nodes.Expr:
    """The syntax tree of one expression without braces.

    Args:
        source: the expression.
        tuples: whether `1, 2` is one too, as Jinja2 has it in braces; as a condition it would always be true.

    Raises:
        TemplateSyntaxError: it is broken, or more than one.
    """

    def parsed(text: str) -> nodes.Expr:
        parser = Parser(ENVIRONMENT, text, state="variable")
        found = parser.parse_tuple() if tuples else parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("there is more than one expression", parser.stream.current.lineno)
        return found

    expression = _keeping_returns(source, parsed)
    expression.set_environment(ENVIRONMENT)
    return expression


def inner_expression(text: str) -> str | None:
    """What stands between the braces of a text that is one `{{ … }}`; it may still turn out to be more than one."""
    stripped = text.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}") and len(stripped) > 3):
        return None
    start = 3 if stripped[2:3] in ("-", "+") else 2
    end = -3 if stripped[-3] == "-" else -2
    return stripped[start:end]


class Compiled:
    """A compiled text or expression. `evaluate` may be called from several threads."""

    __slots__ = ("_blocks", "_render", "_value")

    def __init__(self, text: str, *, bare: bool) -> None:
        expression = self._expression(text, bare=bare)
        if expression is None:
            template = ENVIRONMENT.from_string(parse(text))
        else:
            result = nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)
            template = ENVIRONMENT.from_string(nodes.Template([result], lineno=1))
        self._value = expression is not None
        self._render = template.root_render_func
        self._blocks = template.blocks

    @staticmethod
    def _expression(text: str, *, bare: bool) -> nodes.Expr | None:
        if bare:
            return parse_expression(text)
        inner = inner_expression(text)
        if inner is None:
            return None
        try:
            return parse_expression(inner, tuples=True)
        except TemplateSyntaxError:
            return None

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The expression's value, or the rendered text. Raises whatever the template raises."""
        outer = _now.names, _now.made
        _now.names, _now.made = names, []
        try:
            context = jinja_runtime.Context(ENVIRONMENT, {**_GLOBALS, **names}, None, self._blocks)
            pieces = list(self._render(context))
            if not self._value:
                return "".join(pieces)
            value = context.vars["result"]
            if isinstance(value, Undefined):
                value._fail()
            if any(made() is not None for made in _now.made):
                _refuse_undefined(value, set())
            return settled(value)
        finally:
            _now.names, _now.made = outer


def settled(value: Any) -> Any:
    """A template's value as an action gets it: views as plain dicts, marked-up text as text."""
    if type(value) in VIEWS:
        return dict_of(value)
    return str(value) if type(value) is Markup else value


def _refuse_undefined(value: Any, seen: set[int]) -> None:
    if isinstance(value, Undefined):
        value._fail()
    if not isinstance(value, (list, tuple, dict)) or id(value) in seen:
        return
    seen.add(id(value))
    for inner in value.values() if isinstance(value, dict) else value:
        _refuse_undefined(inner, seen)


Step = tuple[bool, str | int]  # whether it is written with a dot, and the name or index


def walk(root: str, steps: tuple[Step, ...], names: Mapping[str, Any]) -> Any:
    """Read a plain path by the sandbox's rules, without calling Jinja2. Raises as a compiled template would."""
    value = names.get(root, _MISSING)
    if value is _MISSING:
        return _walk_undefined(Undefined(name=root), names)
    for dotted, key in steps:
        kind = type(value)
        if kind is Fields:
            try:
                value = value[key]
                continue
            except (KeyError, TypeError):
                return _walk_undefined(Undefined(obj=value, name=key), names)
        if kind is dict and key in value and not (dotted and key in _DICT_ATTRIBUTES):
            value = value[key]
            continue
        if kind is StepFields and key in _STEP_FIELDS:
            value = getattr(value, key)
            continue
        value = ENVIRONMENT.getattr(value, key) if dotted else ENVIRONMENT.getitem(value, key)  # type: ignore[arg-type]
        if isinstance(value, Undefined):
            return _walk_undefined(value, names)
    return settled(value) if type(value) in VIEWS else value


def _walk_undefined(value: Undefined, names: Mapping[str, Any]) -> NoReturn:
    outer = _now.names
    _now.names = names
    try:
        value._fail()
    finally:
        _now.names = outer
