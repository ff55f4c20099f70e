"""Texts with Jinja2 in them: found, compiled at most once when first needed, rendered to the value itself."""

from __future__ import annotations

import re
import threading
from typing import Any

from jinja2.exceptions import TemplateSyntaxError

from ..errors import TemplateError
from .sandbox import GLOBALS, Compiled, Step, shorten, walk
from .scope import Fields, Scope
from .template_checks import check
from .template_findings import Finding, Names, broken

__all__ = ["Fields", "Finding", "Names", "Scope", "Template", "check", "condition", "is_true", "template"]

_KEPT = 20_000
_PART = r"""\.[^\W\d]\w*|\[(?:"[^"\\\n]*"|'[^'\\\n]*'|-?(?:0|[1-9][0-9]*))\]"""
_PATH = re.compile(rf"\s*(?P<open>\{{\{{[-+]?)?\s*(?P<root>[^\W\d]\w*)(?P<parts>(?:{_PART})*)\s*(?(open)-?\}}\}})\s*")
_PARTS = re.compile(_PART)
_DOTTED = re.compile(r"\{\{ *([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*) *\}\}", re.ASCII)  # what most are, and quicker
_KEYWORDS = ("true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is")
_NO_ROOT = frozenset({*GLOBALS, *_KEYWORDS, "self", "super"})
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0", ""})


class Template:
    """One text with a template in it, or one bare expression. Made by `template` and `condition`.

    It may be rendered from any thread.

    Attributes:
        text: the text as written.
        bare: whether the text is an expression without braces.
        path: root and parts of a plain path such as `{{ steps.a.output }}`, else `None`.
    """

    __slots__ = ("_compiled", "_constant", "bare", "path", "text")

    def __init__(self, text: str, *, bare: bool = False) -> None:
        self.text = text
        self.bare = bare
        self.path = _plain_path(text, bare=bare)
        self._compiled: Compiled | None = None
        self._constant: tuple[Any] | None = None

    @classmethod
    def constant(cls, value: Any) -> Template:
        """A template that always yields this value, as a `when: true` does."""
        made = cls.__new__(cls)
        made.text, made.bare, made.path = value if isinstance(value, str) else "", True, None
        made._compiled, made._constant = None, (value,)
        return made

    @property
    def is_constant(self) -> bool:
        """Whether it holds no template at all."""
        return self._constant is not None

    def render(self, scope: Scope) -> Any:
        """The value of a single expression, else the text.

        Raises:
            TemplateError: something is undefined, broken, forbidden or failed; the message says what, and what was
                available. The original is its cause.
        """
        try:
            if self.path is not None:
                return walk(*self.path, scope.names)
            if self._constant is not None:
                return self._constant[0]
            return (self._compiled or self._compile()).evaluate(scope.names)
        except TemplateSyntaxError as error:
            finding = broken(self, error)
            raise TemplateError(f"{finding.message}. {finding.hint}".strip()) from error
        except BaseException as error:  # what a function of the notebook raises, too: an exit of it ends nothing else
            raise TemplateError(_sentence(error)) from error

    def _compile(self) -> Compiled:
        with _lock:
            if self._compiled is None:
                self._compiled = Compiled(self.text, bare=self.bare)
            return self._compiled

    def __repr__(self) -> str:
        return f"<Template {shorten(self.text, 60)!r}>"


_lock = threading.RLock()
_templates: dict[str, Template] = {}
_conditions: dict[str, Template] = {}


def template(text: str) -> Template | None:
    """The template of a text, or `None` where it holds neither `{{` nor `{%`. The same text gives the same template."""
    found = _templates.get(text)
    if found is not None:
        return found
    if "{{" not in text and "{%" not in text:
        return None
    return _keep(_templates, Template(text))


def condition(value: bool | str) -> Template:
    """The template of a condition, or of any expression that may stand with or without braces.

    Args:
        value: an expression with or without braces; a boolean or the empty string stands for itself.
    """
    if not isinstance(value, str) or not value:
        return Template.constant(value)
    return template(value) or _conditions.get(value) or _keep(_conditions, Template(value, bare=True))


def is_true(value: Any, what: str) -> bool:
    """Whether the value of a condition counts as true: as in Python, text by its words.

    Args:
        value: what the condition gave.
        what: what it is the condition of, such as `when`; messages name it.

    Raises:
        TemplateError: it is text that says neither, or has no truth, as a DataFrame.
    """
    if value is True or value is False:
        return bool(value)
    if isinstance(value, str):
        word = value.lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise TemplateError(f"'{what}' gave the text {shorten(repr(value[:60]), 60)}, which is neither true nor false")
    try:
        return bool(value)
    except BaseException as error:
        kind = type(value).__name__
        raise TemplateError(f"'{what}' gave a {kind}, which is neither true nor false: {_sentence(error)}") from error


def _keep(cache: dict[str, Template], made: Template) -> Template:
    kept = cache.setdefault(made.text, made)
    if len(cache) > _KEPT:
        with _lock:
            del cache[next(iter(cache))]
    return kept


def _plain_path(text: str, *, bare: bool) -> tuple[str, tuple[Step, ...]] | None:
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        root, *names = dotted[1].split(".")
        return None if root in _NO_ROOT else (root, tuple([(True, name) for name in names]))
    found = _PATH.fullmatch(text)
    if found is None or (found["open"] is None) != bare:
        return None
    root, written = found["root"], found["parts"]
    if root in _NO_ROOT or not root.isidentifier():
        return None
    parts: list[Step] = []
    for part in _PARTS.findall(written):
        if part[0] == ".":
            if not part[1:].isidentifier():
                return None
            parts.append((True, part[1:]))
        else:
            parts.append((False, part[2:-2] if part[1] in "\"'" else int(part[1:-1])))
    return root, tuple(parts)


def _sentence(error: BaseException) -> str:
    from_jinja = type(error).__module__.startswith("jinja2")
    try:
        said = shorten(str(error))
    except Exception:  # noqa: BLE001 - an exception whose text fails too
        said = ""
    if from_jinja and said:
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
