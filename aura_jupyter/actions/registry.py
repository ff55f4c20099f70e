"""Which actions there are: `@action`, lookup by name, what their signatures take, and those that packages bring."""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import inspect
import re
import sys
import threading
import types
import typing
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, overload

from .context import ActionContext

if typing.TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "aura_jupyter.actions"
EXECUTORS = ("thread", "process", "loop", "dask")
_KEYS_OF_A_STEP = ("when", "loop", "retry", "timeout", "on_error", "depends_on", "executor")

F = TypeVar("F", bound=Callable[..., Any])


class Complaint(NamedTuple):
    """Why an action cannot be called as a step says. The message does not name the step."""

    parameter: str | None  # None: the action line as a whole
    code: str
    message: str
    hint: str
    meant: str | None = None  # the parameter that is nearest to an unknown one


Check = Callable[[Mapping[str, Any]], Iterable[Complaint]]
"""Looks at a call's values by name before anything runs; one that holds a template is UNKNOWN."""

UNKNOWN: Any = object()


class Face(NamedTuple):
    """What a function looks like to its caller; of the parameters, the one for the context is left out."""

    signature: inspect.Signature | None = None  # None: it has none, and takes whatever it is given
    is_async: bool = False
    context_parameter: str | None = None
    context_index: int | None = None  # its place among the positional parameters, if it has one
    positional: tuple[str, ...] = ()  # what `args` fill, in their order
    positional_only: frozenset[str] = frozenset()
    named: tuple[str, ...] = ()  # what `params` may fill
    required: tuple[str, ...] = ()
    more_args: bool = False
    any_name: bool = False
    flaw: str = ""  # why it can be no action at all


@dataclass(frozen=True, eq=False)
class Action:
    """Something that a step can call."""

    name: str
    function: Callable[..., Any]
    executor: str | None  # asked for by @action
    source: str  # "built-in", "registered", "notebook", or the name of the package that brings it
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)  # of built-in ones, see `builtin`
    check: Check | None = dataclasses.field(default=None, repr=False)

    @functools.cached_property
    def face(self) -> Face:
        """What the function looks like to its caller."""
        return face_of(self.function)

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        return self.face.is_async

    @property
    def context_parameter(self) -> str | None:
        """The parameter annotated `ActionContext`, if there is one."""
        return self.face.context_parameter

    @property
    def signature(self) -> inspect.Signature | None:
        """The function's signature; None for a builtin that has none."""
        return self.face.signature

    @functools.cached_property
    def output_fields(self) -> tuple[str, ...]:
        """The keys of what it gives, where its annotation is a class with fields: a TypedDict, a dataclass …"""
        function = inspect.unwrap(self.function)
        annotations = getattr(function, "__annotations__", None) or {}
        returned = types.SimpleNamespace(__annotations__={"return": annotations.get("return", Any)})
        try:
            given = typing.get_type_hints(returned, globalns=getattr(function, "__globals__", {}))["return"]
            is_record = typing.is_typeddict(given) or dataclasses.is_dataclass(given) or hasattr(given, "_fields")
            return tuple(typing.get_type_hints(given)) if is_record and isinstance(given, type) else ()
        except Exception:  # noqa: BLE001 - the person's annotations, which need not be evaluated to anything
            return ()

    def arguments(
        self, args: Sequence[Any], params: Mapping[str, Any], context: ActionContext
    ) -> tuple[list[Any], dict[str, Any]]:
        """What to call the function with: the context goes where the function wants it, and `args` fill the others."""
        positional, named = list(args), dict(params)
        face = self.face
        if face.context_index is not None and face.context_index <= len(positional):
            positional.insert(face.context_index, context)
        elif face.context_parameter is not None:
            named[face.context_parameter] = context
        return positional, named

    def complaints(self, args: Sequence[Any], params: Mapping[str, Any]) -> list[Complaint]:
        """Everything that is wrong with a call, as far as that can be said before templates are rendered.

        Args:
            args: the step's `args` as written, templates and all.
            params: the step's `params` as written.
        """
        found = list(self.misfits(len(args), params))
        if self.check is not None:
            found.extend(self.check(self._known(args, params)))
        return found

    def misfits(self, count: int, names: Iterable[str]) -> Iterator[Complaint]:
        """What its signature says of a call with `count` positional arguments and with parameters of these names."""
        face = self.face
        if face.flaw:
            yield Complaint(None, "bad-action", f"{self.name} can be no action: {face.flaw}", "")
        elif face.signature is not None:
            by_args = face.positional[:count]
            if count > len(face.positional) and not face.more_args:
                yield self._too_many(count)
            given = set(names)
            suggested: set[str] = set()
            for name in names:
                yield from self._misfit(name, by_args, suggested)
            given.update(by_args, suggested)
            yield from self._missing([name for name in face.required if name not in given])

    def _misfit(self, name: str, by_args: Sequence[str], suggested: set[str]) -> Iterator[Complaint]:
        face = self.face
        if name == face.context_parameter:
            message = f"the parameter '{name}' of {self.name} is filled in by itself"
            yield Complaint(name, "unknown-parameter", message, f"Leave '{name}' out.")
        elif name in face.named:
            if name in by_args:
                message = f"the parameter '{name}' of {self.name} is given twice, in args and in params"
                yield Complaint(name, "duplicate-parameter", message, "Keep one of them.")
        elif not face.any_name:
            if name in face.positional_only:
                message = f"{self.name} takes '{name}' by its place only"
                yield Complaint(name, "misplaced-parameter", message, f"Write '{name}' under 'args'.")
            elif name in _KEYS_OF_A_STEP:
                message = f"{self.name} has no parameter '{name}'"
                yield Complaint(name, "misplaced-parameter", message, f"Write '{name}' beside 'params', for the step.")
            else:
                from ..spec.wording import nearest  # noqa: PLC0415 - slow, and for mistakes only

                near = nearest(name, face.named)
                suggested.update([near] if near else [])
                hint = f"Did you mean '{near}'? {self._takes()}" if near else self._takes()
                yield Complaint(name, "unknown-parameter", f"{self.name} has no parameter '{name}'", hint, near)

    def _too_many(self, count: int) -> Complaint:
        most = len(self.face.positional)
        takes = f"{most or 'no'} positional argument{'' if most == 1 else 's'}"
        message = f"{self.name} takes {takes}, and 'args' has {count}"
        return Complaint(None, "too-many-arguments", message, self._takes())

    def _missing(self, names: Sequence[str]) -> Iterator[Complaint]:
        if names:
            several = "s" if len(names) > 1 else ""
            quoted = _listed([f"'{name}'" for name in names])
            message = f"{self.name} needs the parameter{several} {quoted}"
            under = "args" if all(name in self.face.positional_only for name in names) else "params"
            yield Complaint(None, "missing-parameter", message, f"Give {'them' if several else 'it'} under '{under}'.")

    def _takes(self) -> str:
        face = self.face
        names = [*(name for name in face.positional if name in face.positional_only), *face.named]
        return f"The parameters are: {', '.join(names)}." if names else "It takes none."

    def _known(self, args: Sequence[Any], params: Mapping[str, Any]) -> dict[str, Any]:
        values = {**dict(zip(self.face.positional, args, strict=False)), **params}
        literal = {name for name, value in values.items() if is_literal(value, self.kinds.get(name, ""))}
        return {name: value if name in literal else UNKNOWN for name, value in values.items()}


def is_literal(value: Any, kind: str = "") -> bool:
    """Whether a parameter's value is known before anything runs: no template in it, for its kind of parameter."""
    if kind == "code":
        return True
    if isinstance(value, str):
        written_here = kind == "spec" and "\n" in value
        return written_here or (kind != "condition" and "{{" not in value and "{%" not in value)
    if isinstance(value, Mapping):
        return kind == "spec" or all(is_literal(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(is_literal(item) for item in value)
    return True


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


# --- what a function looks like ---------------------------------------------------------------------------------------


_faces: weakref.WeakKeyDictionary[types.FunctionType, tuple[types.CodeType, Face]] = weakref.WeakKeyDictionary()


def face_of(function: Callable[..., Any]) -> Face:
    """What a callable looks like: its signature, whether it is async, where it wants the context."""
    if type(function) is not types.FunctionType:
        return _look_at(function)
    kept = _faces.get(function)
    if kept is None or kept[0] is not function.__code__:  # a module that is reloaded in place changes it
        kept = _faces[function] = (function.__code__, _look_at(function))
    return kept[1]


def _look_at(function: Callable[..., Any]) -> Face:
    call = _call_of(function)
    if inspect.isasyncgenfunction(call):
        return Face(flaw="it is an async generator, and an action returns one value; gather what it yields into a list")
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return Face(is_async=is_async)
    contexts = _context_parameters(signature, function)
    if len(contexts) > 1:
        return Face(flaw=f"the parameters {_listed(contexts)} are all annotated ActionContext, and one is enough")
    return _face(signature, contexts[0] if contexts else None, is_async=is_async)


def _face(signature: inspect.Signature, context: str | None, *, is_async: bool) -> Face:
    kinds = inspect.Parameter
    parameters = list(signature.parameters.values())
    by_place = [p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    others = [p for p in parameters if p.name != context and p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]
    return Face(
        signature=signature,
        is_async=is_async,
        context_parameter=context,
        context_index=by_place.index(context) if context in by_place else None,
        positional=tuple(name for name in by_place if name != context),
        positional_only=frozenset(p.name for p in others if p.kind is kinds.POSITIONAL_ONLY),
        named=tuple(p.name for p in others if p.kind is not kinds.POSITIONAL_ONLY),
        required=tuple(p.name for p in others if p.default is kinds.empty),
        more_args=any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        any_name=any(p.kind is kinds.VAR_KEYWORD for p in parameters),
    )


def _call_of(function: Any) -> Any:
    """The function that is called in the end: through partials, and the `__call__` of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, type) or inspect.isroutine(function):
        return function
    return getattr(type(function), "__call__", function)  # noqa: B004 - the method itself is wanted


def _context_parameters(signature: inspect.Signature, function: Callable[..., Any]) -> list[str]:
    found = []
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if annotation is parameter.empty or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if isinstance(annotation, str):
            annotation = _resolved(annotation, function)
        if _means_context(annotation):
            found.append(parameter.name)
    return found


def _resolved(annotation: str, function: Callable[..., Any]) -> Any:
    """What the text of an annotation means; ActionContext by its name alone where that cannot be found out."""
    call = inspect.unwrap(_call_of(function))
    module = sys.modules.get(getattr(call, "__module__", None) or "")
    names = getattr(call, "__globals__", None) or getattr(module, "__dict__", {})
    try:
        return eval(annotation, names)  # noqa: S307 - the author's own annotation, as typing.get_type_hints does
    except Exception:  # noqa: BLE001 - an annotation may raise anything, and none may break the registration
        return ActionContext if re.search(r"\bActionContext\b", annotation) else None


def _means_context(annotation: Any) -> bool:
    if isinstance(annotation, str | typing.ForwardRef):
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        return text.rpartition(".")[2] == "ActionContext"
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return any(_means_context(part) for part in typing.get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, ActionContext)


# --- the registry -----------------------------------------------------------------------------------------------------

_loading: contextvars.ContextVar[str | None] = contextvars.ContextVar("aura_loading", default=None)


class Registry:
    """The actions by name. All of it may be used from any thread."""

    def __init__(self) -> None:
        self.generation = 0  # counts changes, so that whoever keeps what was looked up knows when to look again
        self._actions: dict[str, Action] = {}
        self._changing = threading.Lock()
        self._loading = threading.RLock()
        self._packages_loaded = False

    def get(self, name: str) -> Action | None:
        """The action of that name. The first name that is not known loads those that installed packages bring."""
        found = self._actions.get(name)
        if found is None and not self._packages_loaded:
            self._load_packages()
            found = self._actions.get(name)
        return found

    def names(self) -> list[str]:
        """The names of all actions, sorted."""
        self._load_packages()
        return sorted(self._actions)

    def add(self, action: Action) -> None:
        """Register an action; one that had its name is replaced, but not by a package's."""
        with self._changing:
            if _loading.get() is not None and action.name in self._actions:
                return
            self._actions[action.name] = action
            self.generation += 1

    def remove(self, name: str) -> None:
        """Forget the action of that name, if there is one."""
        with self._changing:
            if self._actions.pop(name, None) is not None:
                self.generation += 1

    def _load_packages(self) -> None:
        with self._loading:
            if self._packages_loaded:
                return
            from importlib.metadata import entry_points  # noqa: PLC0415 - slow

            failures = [self._load(point) for point in entry_points(group=ENTRY_POINTS)]
            self._packages_loaded = True
        for failure in filter(None, failures):
            warnings.warn(failure, RuntimeWarning, stacklevel=3)

    def _load(self, point: EntryPoint) -> str:
        """Register what an entry point brings; the words for a warning if that fails."""
        package = point.dist.name if point.dist is not None else point.module
        token = _loading.set(package)
        try:
            found = point.load()
            for name, function in found.items() if isinstance(found, Mapping) else [(point.name, found)]:
                if not isinstance(function, types.ModuleType):
                    self._add_loaded(name, function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a package may raise anything, and it alone is at fault
            what = f"{point.name} = {point.value}"
            return f"the actions of the package {package} do not load ({what}): {type(error).__name__}: {error}"
        finally:
            _loading.reset(token)
        return ""

    def _add_loaded(self, name: str, function: Callable[..., Any]) -> None:
        """Under the entry point's name; an `@action` on the function itself has its say on the executor."""
        for registered in list(self._actions.values()):
            if registered.function is function:
                self.add(dataclasses.replace(registered, name=name))
                return
        action(function, name=name)


registry = Registry()


@overload
def action(function: F, *, name: str | None = None, executor: str | None = None) -> F: ...
@overload
def action(function: None = None, *, name: str | None = None, executor: str | None = None) -> Callable[[F], F]: ...
def action(
    function: Callable[..., Any] | None = None, *, name: str | None = None, executor: str | None = None
) -> Callable[..., Any]:
    """Register a function as an action; works bare and with arguments, and returns the function unchanged.

    Args:
        function: what to call: a function, an `async def`, a class, any callable.
        name: what steps call it by; the function's own name if left out. A name that is taken is replaced.
        executor: where a plain function runs: `thread` (the default), `process`, `loop` or `dask`.
            A step's own `executor` goes first.

    Raises:
        TypeError: it is not callable, or can be no action.
        ValueError: the name or the executor is none.
    """
    if executor is not None and executor not in EXECUTORS:
        raise ValueError(f"there is no executor {executor!r}: write {', '.join(EXECUTORS[:-1])} or {EXECUTORS[-1]}")
    if function is None:
        return functools.partial(action, name=name, executor=executor)
    if isinstance(function, str):
        raise TypeError(f"@action takes a function, and this is text: write @action(name={function!r})")
    if not callable(function):
        raise TypeError(f"an action must be callable, and this is {type(function).__name__}")
    made = Action(_name_of(function, name), function, executor, _loading.get() or "registered")
    if made.face.flaw:
        raise TypeError(f"{made.name} can be no action: {made.face.flaw}")
    if made.is_async and executor is not None:
        raise ValueError(f"{made.name} is an async def, which runs on the event loop: leave executor={executor!r} out")
    registry.add(made)
    return function


def _name_of(function: Callable[..., Any], name: str | None) -> str:
    if name is None:
        name = getattr(function, "__name__", "<none>")
        if name.startswith("<"):
            raise ValueError(f"this {type(function).__name__} has no name of its own: write @action(name=...)")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"the name of an action must be text, and not empty: {name!r}")
    return name


def from_callable(name: str, function: Callable[..., Any]) -> Action:
    """A callable of the notebook as an action, not registered. A complaint says if it can be no action."""
    return Action(name, function, None, "notebook")


def builtin(name: str, *, kinds: Mapping[str, str] | None = None, check: Check | None = None) -> Callable[[F], F]:
    """Register a built-in action.

    Args:
        name: with the room's prefix, such as `core.log`.
        kinds: the parameters that are more than values: `code` is never a template, `spec` none where it is a mapping
            or several lines, `condition` is an expression with or without braces.
        check: what to say of literal values before anything runs.
    """

    def register(function: F) -> F:
        registry.add(Action(name, function, None, "built-in", kinds or {}, check))
        return function

    return register
