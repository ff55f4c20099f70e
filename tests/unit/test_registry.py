from __future__ import annotations

import asyncio
import functools
import inspect
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Optional

import pytest

import aura_jupyter.actions  # noqa: F401 - registers the built-in ones
from aura_jupyter.actions import registry as room
from aura_jupyter.actions.context import ActionContext
from aura_jupyter.actions.registry import Action, Complaint, Registry, action, from_callable
from tests.unit.ports import Port

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    fresh = Registry()
    monkeypatch.setattr(room, "registry", fresh)
    return fresh


def complaints(function: Callable[..., Any], *args: Any, **params: Any) -> list[Complaint]:
    return from_callable("f", function).complaints(args, params)


def only(found: list[Complaint]) -> Complaint:
    assert len(found) == 1, found
    return found[0]


# --- the decorator ---


def test_action_works_bare_and_returns_the_function_unchanged(registry: Registry) -> None:
    def clean(frame: object) -> object:
        return frame

    assert action(clean) is clean
    found = registry.get("clean")
    assert found is not None
    assert (found.function, found.executor, found.is_async, found.source) == (clean, None, False, "registered")


def test_action_works_with_a_name_and_an_executor(registry: Registry) -> None:
    @action(name="team.clean", executor="process")
    def clean() -> int:
        return 1

    found = registry.get("team.clean")
    assert found is not None
    assert found.executor == "process"
    assert clean() == 1
    assert registry.get("clean") is None


def test_registering_a_name_again_replaces_it_and_counts_as_a_change(registry: Registry) -> None:
    action(lambda: 1, name="a")
    before = registry.generation
    action(lambda: 2, name="a")
    found = registry.get("a")
    assert found is not None
    assert found.function() == 2
    assert registry.generation == before + 1
    assert registry.names() == ["a"]


def test_a_removed_action_is_gone_and_removing_it_again_changes_nothing(registry: Registry) -> None:
    action(lambda: 1, name="a")
    registry.remove("a")
    before = registry.generation
    registry.remove("a")
    assert registry.get("a") is None
    assert registry.generation == before


async def _async() -> None: ...


class _AsyncCallable:
    async def __call__(self, x: int) -> int:
        return x


class _Callable:
    def __call__(self, x: int) -> int:
        return x


class _Point:
    def __init__(self, x: int, y: int = 0) -> None: ...

    def move(self, by: int) -> None: ...

    async def amove(self, by: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (_async, True),
        (functools.partial(_async), True),
        (functools.partial(functools.partial(_AsyncCallable()), 1), True),
        (_AsyncCallable(), True),
        (_AsyncCallable, False),
        (_Callable(), False),
        (_Point, False),
        (_Point(1).move, False),
        (_Point(1).amove, True),
        (os.getpid, False),
        (max, False),
        (lambda: None, False),
    ],
)
def test_an_async_callable_is_told_from_a_plain_one(function: Callable[..., Any], *, is_async: bool) -> None:
    assert from_callable("f", function).is_async is is_async


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 brought markcoroutinefunction")
def test_a_function_marked_as_a_coroutine_function_is_async() -> None:
    mark = inspect.markcoroutinefunction  # type: ignore[attr-defined,unused-ignore]
    assert from_callable("f", mark(_Callable())).is_async


def test_a_builtin_without_a_signature_takes_whatever_it_is_given() -> None:
    found = from_callable("max", max)
    assert found.signature is None
    assert found.complaints([1, 2], {"key": 3}) == []


def test_a_partial_a_class_and_an_object_are_checked_by_their_own_signatures() -> None:
    assert only(complaints(functools.partial(_Point, 1, y=2), z=3)).parameter == "z"
    assert only(complaints(_Point, y=3)).code == "missing-parameter"
    assert complaints(_Callable(), x=1) == []
    assert complaints(_Point(1).move, 5) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: action(len, executor="gpu"), "no executor 'gpu': write thread, process, loop or dask"),
        (lambda: action(_async, executor="process"), "async def"),
        (lambda: action(3), "callable"),  # type: ignore[call-overload]
        (lambda: action("team.clean"), "write @action\\(name='team.clean'\\)"),  # type: ignore[call-overload]
        (lambda: action(len, name=""), "not empty"),
        (lambda: action(len, name="  "), "not empty"),
        (lambda: action(len, name=3), "text"),  # type: ignore[call-overload]
        (lambda: action(lambda: 1), "no name of its own"),
        (lambda: action(functools.partial(len, [])), "no name of its own"),
    ],
)
def test_wrong_use_of_the_decorator_is_a_clear_error(registry: Registry, wrong: Callable[[], Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        wrong()
    assert registry.names() == []


def test_an_async_generator_is_refused_with_what_to_do(registry: Registry) -> None:
    async def rows() -> Any:
        yield 1

    with pytest.raises(TypeError, match=r"async generator.*gather"):
        action(rows)
    assert only(complaints(rows)).code == "bad-action"


# --- signatures ---


def f(a: int, b: int = 1, *, c: int = 2) -> None: ...


def test_an_unknown_parameter_names_the_nearest_one_and_those_there_are() -> None:
    found = only(complaints(f, a=1, cc=2))
    assert found.parameter == "cc"
    assert found.code == "unknown-parameter"
    assert found.message == "f has no parameter 'cc'"
    assert found.hint == "Did you mean 'c'? The parameters are: a, b, c."


def test_a_key_of_the_step_among_the_parameters_is_told_where_it_goes() -> None:
    found = only(complaints(f, a=1, timeout=2))
    assert (found.code, found.message) == ("misplaced-parameter", "f has no parameter 'timeout'")
    assert found.hint == "Write 'timeout' beside 'params', for the step."


def test_an_action_without_parameters_says_so() -> None:
    assert only(complaints(os.getpid, x=1)).hint == "It takes none."


def test_a_missing_parameter_is_named_and_a_misspelt_one_is_not_missing_too() -> None:
    def retry(times: int, value: str) -> None: ...

    assert only(complaints(retry, times=1)).message == "f needs the parameter 'value'"
    assert only(complaints(retry)).message == "f needs the parameters 'times' and 'value'"
    assert only(complaints(retry, times=1, valeu=2)).code == "unknown-parameter"


def test_too_many_positional_arguments_are_counted() -> None:
    assert only(complaints(f, 1, 2, 3)).message == "f takes 2 positional arguments, and 'args' has 3"
    assert only(complaints(os.getpid, 1)).message == "f takes no positional arguments, and 'args' has 1"


def test_the_same_parameter_by_args_and_params_is_refused() -> None:
    found = only(complaints(f, 1, a=2))
    assert (found.parameter, found.code) == ("a", "duplicate-parameter")


def test_a_positional_only_parameter_belongs_under_args() -> None:
    def g(x: int, /, y: int = 0) -> None: ...

    found = only(complaints(g, x=1))
    assert (found.parameter, found.hint) == ("x", "Write 'x' under 'args'.")
    assert only(complaints(g)).hint == "Give it under 'args'."
    assert complaints(g, 1, y=2) == []


def test_star_args_and_star_kwargs_take_everything() -> None:
    def g(*args: Any, **params: Any) -> None: ...

    def h(a: int, /, **params: Any) -> None: ...

    assert complaints(g, 1, 2, 3, x=1, args=2, params=3) == []
    assert complaints(h, 1, a=2) == []


def test_a_wrapped_function_is_checked_by_what_it_wraps() -> None:
    @functools.wraps(f)
    def wrapper(*args: Any, **params: Any) -> None: ...

    assert only(complaints(wrapper, 1, d=2)).parameter == "d"


def test_a_function_changed_in_place_is_looked_at_again() -> None:
    def g(a: int) -> None: ...
    def h(b: int) -> None: ...

    assert complaints(g, a=1) == []
    g.__code__ = h.__code__
    assert complaints(g, b=1) == []


# --- the context ---


def quoted(a: int, context: ActionContext) -> None: ...
def optional_(a: int, context: Optional[ActionContext] = None) -> None: ...  # noqa: UP045
def union(a: int, context: ActionContext | None = None) -> None: ...
def annotated(a: int, context: Annotated[ActionContext, "filled in"]) -> None: ...
def through_module(a: int, context: room.ActionContext) -> None: ...
def unresolvable(a: Decimal, context: ActionContext) -> None: ...
def partly_unresolvable(context: Nowhere.ActionContext, a: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    "function", [quoted, optional_, union, annotated, through_module, unresolvable, partly_unresolvable]
)
def test_the_context_parameter_is_found_however_it_is_annotated(function: Callable[..., Any]) -> None:
    assert from_callable("f", function).context_parameter == "context"
    assert complaints(function, a=1) == []
    assert complaints(function, 1) == []


def test_annotations_that_are_no_text_are_understood_too() -> None:
    def g(a: int, context: int) -> None: ...

    annotated = Annotated[ActionContext | None, 1]
    for annotation in (ActionContext, ActionContext | None, annotated, Optional["ActionContext"]):
        g.__annotations__ = {"a": int, "context": annotation}
        assert from_callable("f", functools.partial(g)).context_parameter == "context"


def test_an_annotation_that_cannot_be_resolved_harms_nothing(registry: Registry) -> None:
    @action
    def g(a: Decimal, b: 1 / 0 = 1) -> None: ...  # type: ignore[valid-type]

    found = registry.get("g")
    assert found is not None
    assert found.context_parameter is None
    assert found.complaints([], {"a": 1}) == []


def test_the_context_is_not_to_be_given_by_the_spec() -> None:
    found = only(complaints(quoted, a=1, context=2))
    assert (found.parameter, found.hint) == ("context", "Leave 'context' out.")


def test_two_context_parameters_are_refused(registry: Registry) -> None:
    def g(one: ActionContext, two: ActionContext) -> None: ...

    with pytest.raises(TypeError, match="one and two"):
        action(g)


def first(context: ActionContext, a: int, b: int = 0) -> tuple[Any, ...]:
    return context, a, b


def middle(a: int, context: ActionContext, b: int = 0) -> tuple[Any, ...]:
    return context, a, b


def by_place(context: ActionContext, /, a: int, b: int = 0) -> tuple[Any, ...]:
    return context, a, b


def by_name(a: int, b: int = 0, *, context: ActionContext) -> tuple[Any, ...]:
    return context, a, b


@pytest.mark.parametrize("function", [first, middle, by_place, by_name])
def test_the_context_goes_where_the_function_wants_it_and_args_fill_the_others(function: Callable[..., Any]) -> None:
    context = ActionContext(Port())
    found = from_callable("f", function)
    for args, params in ([1, 2], {}), ([1], {"b": 2}), ([], {"a": 1, "b": 2}):
        positional, named = found.arguments(args, params, context)
        assert function(*positional, **named) == (context, 1, 2)


def test_the_context_hands_everything_to_the_port() -> None:
    port = Port(names={"n": 1})
    context = ActionContext(port)
    context.log("hello", "WARNING")
    context.progress(3, 10, "three")
    context.set_context({"x": 1})
    port.cancel()
    assert port.lines == [("warning", "hello")]
    assert port.shown == [(3, 10, "three")]
    assert port.stored == {"x": 1}
    assert context.names() == {"n": 1}
    assert (context.cancelled, context.task, context.step, context.attempt) == (True, "the tasklet", "here", 1)
    assert asyncio.run(context.run_task("t", {})) == "the result"


def test_a_level_that_there_is_none_of_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="no level 'loud': write debug, info, warning or error"):
        ActionContext(Port()).log("x", "loud")


# --- checks of literal values ---


def test_a_check_sees_values_by_name_but_for_those_with_templates() -> None:
    seen: list[dict[str, Any]] = []

    def g(a: Any, b: Any = 0, c: Any = 0, d: Any = 0, e: Any = 0) -> None: ...
    def check(values: Any) -> list[Complaint]:
        seen.append(dict(values))
        return [Complaint("a", "bad-value", "no", "")]

    kinds = {"c": "code", "d": "spec", "e": "condition"}
    made = Action("g", g, None, "built-in", kinds, check)
    spec = {"steps": ["{{ x }}"]}
    assert made.complaints(["x"], {"b": ["{{ x }}"], "c": "f'{{1}}'", "d": spec, "e": "x > 1"})[0].message == "no"
    made.complaints(["{% if x %}"], {"b": [{"k": "v"}], "d": "{{ x }}", "e": True})
    made.complaints([1], {"d": "steps:\n- {{ x }}"})
    assert seen == [
        {"a": "x", "b": room.UNKNOWN, "e": room.UNKNOWN, "c": "f'{{1}}'", "d": spec},
        {"a": room.UNKNOWN, "b": [{"k": "v"}], "d": room.UNKNOWN, "e": True},
        {"a": 1, "d": "steps:\n- {{ x }}"},
    ]


# --- packages ---


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, package: str, code: str, points: str) -> None:
    (site / f"{package}.py").write_text(code, encoding="utf-8")
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[aura_jupyter.actions]\n{points}\n", encoding="utf-8")


def test_a_package_brings_a_callable_under_the_entry_points_name(registry: Registry, site: Path) -> None:
    install(site, "aura_sums", "def add(a, b=1): return a + b", "sums.add = aura_sums:add")
    found = registry.get("sums.add")
    assert found is not None
    assert found.source == "aura_sums"
    assert found.function(1) == 2
    assert only(found.complaints([], {"c": 1, "a": 1})).parameter == "c"


def test_a_package_brings_a_module_that_registers_or_a_mapping(registry: Registry, site: Path) -> None:
    code = """
from aura_jupyter.actions.registry import action

@action(name="more.one", executor="process")
def one(): return 1

def two(): return 2

table = {"more.two": two}
"""
    points = "anything = aura_more\nothers = aura_more:table\nmore.alias = aura_more:one"
    install(site, "aura_more", code, points)
    assert registry.names() == ["more.alias", "more.one", "more.two"]
    alias = registry.get("more.alias")
    assert alias is not None
    assert (alias.name, alias.executor, alias.source) == ("more.alias", "process", "aura_more")


def test_packages_are_loaded_when_a_name_is_first_not_known(registry: Registry, site: Path) -> None:
    install(site, "aura_lazy", "def add(): return 1", "lazy.add = aura_lazy:add")
    action(lambda: 1, name="known")
    assert registry.get("known") is not None
    assert "aura_lazy" not in sys.modules
    assert registry.get("unknown") is None
    assert "aura_lazy" in sys.modules


def test_a_packages_action_never_takes_the_place_of_a_registered_one(registry: Registry, site: Path) -> None:
    install(site, "aura_taker", "def add(): return 1", "mine = aura_taker:add")
    action(lambda: 2, name="mine")
    registry.names()
    found = registry.get("mine")
    assert found is not None
    assert found.source == "registered"


def test_a_package_that_fails_is_named_in_one_warning_and_the_others_load(registry: Registry, site: Path) -> None:
    install(site, "aura_broken", "raise SystemExit(3)", "broken = aura_broken:nothing")
    install(site, "aura_missing", "", "missing = aura_missing:nothing")
    install(site, "aura_whole", "def f(): return 1", "whole = aura_whole:f")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert registry.get("nothing") is None
        assert registry.get("whole") is not None
        registry.names()
    words = sorted(str(warning.message) for warning in caught)
    assert len(words) == 2
    assert "package aura_broken do not load (broken = aura_broken:nothing): SystemExit: 3" in words[0]
    assert "aura_missing" in words[1]


def test_an_entry_point_that_is_no_action_is_a_warning(registry: Registry, site: Path) -> None:
    install(site, "aura_number", "n = 3", "number = aura_number:n")
    with pytest.warns(RuntimeWarning, match=r"aura_number.*callable"):
        registry.names()
    assert registry.names() == []


def test_names_are_looked_up_from_many_threads_while_packages_load_once(registry: Registry, site: Path) -> None:
    install(site, "aura_slow", "from threading import active_count\ndef f(): return 1", "slow.f = aura_slow:f")
    barrier = threading.Barrier(8)
    found: list[Action | None] = []

    def look() -> None:
        barrier.wait(10)
        found.append(registry.get("slow.f"))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert all(one is not None and one is found[0] for one in found)


# --- the room ---


def test_every_built_in_action_is_registered_and_documented() -> None:
    names = [name for name in room.registry.names() if room.registry.get(name).source == "built-in"]  # type: ignore[union-attr]
    assert names == [
        "core.assert",
        "core.fail",
        "core.log",
        "core.run_task",
        "core.set_context",
        "core.sleep",
        "file.glob",
        "file.read",
        "file.write",
        "http.request",
        "human.approve",
        "notebook.run",
        "python.run",
        "shell.run",
    ]
    for name in names:
        found = room.registry.get(name)
        assert found is not None
        assert found.function.__doc__
        assert isinstance(found.face.signature, inspect.Signature)


def test_importing_the_room_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; import aura_jupyter.actions; "
        "print({'httpx', 'papermill', 'nbformat', 'jupyter_client', 'pydantic', 'yaml', 'jinja2', 'difflib', "
        "'importlib.metadata'} & set(sys.modules))"
    )
    root = Path(inspect.getfile(room)).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_module_is_no_action() -> None:
    with pytest.raises(TypeError, match="callable"):
        action(ModuleType("m"))  # type: ignore[call-overload]


def test_a_bad_value_pickles() -> None:
    from aura_jupyter.actions.checks import BadValue

    error = pickle.loads(pickle.dumps(BadValue("level", "'level' is wrong", "Write 'info'.")))
    assert str(error) == "'level' is wrong. Write 'info'."
    assert error.complaint == Complaint("level", "bad-value", "'level' is wrong", "Write 'info'.")
