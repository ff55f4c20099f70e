"""`python.run`: a few statements of Python in a spec."""

from __future__ import annotations

import ast
import builtins
import functools
import linecache
import threading
from collections import OrderedDict
from types import CodeType
from typing import Any, NamedTuple

from .checks import BadValue, each, text
from .context import ActionContext
from .registry import builtin

KEPT = 100  # compiled codes, and their lines for tracebacks


class _Code(NamedTuple):
    filename: str
    body: CodeType
    value: CodeType | None  # of the last statement, where that is an expression


_kept: OrderedDict[tuple[str, str], _Code] = OrderedDict()
_keeping = threading.Lock()


def _code(name: str, value: Any) -> str:
    code = text(name, value)
    if words := _mistake(code):
        raise BadValue(name, f"'{name}' is no Python: {words}", code="bad-code")
    return code


@functools.lru_cache(maxsize=KEPT)
def _mistake(code: str) -> str:
    try:
        _compiled(code, "<python.run>")
    except SyntaxError as error:
        return f"{error.msg}, in its line {error.lineno}" if error.lineno else error.msg
    except ValueError as error:  # a null byte
        return str(error)
    return ""


@builtin("python.run", kinds={"code": "code"}, check=each(code=_code))
def run(*, code: str, context: ActionContext) -> Any:
    """Run statements; the output is the value of the last one if that is an expression, else `null`.

    They run in a namespace of their own, in which every template name (`inputs`, `steps`, `ctx`, `item` ...) is a
    variable, and every input whose name is none of those.

    Args:
        code: the statements. Braces are Python's: no template is rendered in it.
        context: filled in.

    Raises:
        SyntaxError: it is no Python. A top-level `await` is none: an `async def` that is an action can do that.
    """
    compiled = _prepared(text("code", code), context.step)
    names = {**context.names(), "__name__": "__main__", "__builtins__": builtins}
    exec(compiled.body, names)  # noqa: S102 - what the action is for
    return None if compiled.value is None else eval(compiled.value, names)  # noqa: S307 - ditto


def _prepared(code: str, step: str) -> _Code:
    """The code compiled, its lines known to tracebacks for as long as it is kept."""
    with _keeping:
        found = _kept.get((step, code))
        if found is None:
            found = _kept[step, code] = _compiled(code, _filename(step))
            lines = code.splitlines(keepends=True)
            linecache.cache[found.filename] = (len(code), None, lines, found.filename)
            if len(_kept) > KEPT:
                _, oldest = _kept.popitem(last=False)
                linecache.cache.pop(oldest.filename, None)
        _kept.move_to_end((step, code))
        return found


def _filename(step: str) -> str:
    taken = {code.filename for code in _kept.values()}
    number, name = 1, f"<python.run of step {step}>"
    while name in taken:
        number += 1
        name = f"<python.run of step {step}, {number}>"
    return name


def _compiled(code: str, filename: str) -> _Code:
    tree = ast.parse(code, filename)
    last = tree.body[-1] if tree.body else None
    expression = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    if expression is not None:
        tree.body.pop()
    try:
        body = compile(tree, filename, "exec", dont_inherit=True)
        value = compile(expression, filename, "eval", dont_inherit=True) if expression else None
    except SyntaxError as error:
        if "outside" in error.msg and ("await" in error.msg or "async" in error.msg):
            error.msg += "; write an async def in a cell and call that as the action"
        raise
    return _Code(filename, body, value)
