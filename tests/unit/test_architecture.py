"""Imports point one way, and stand at the top."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "aura_jupyter"

# A room may import from itself and from the rooms below it, never from those above or beside it.
LAYERS = (
    {"__init__", "__main__"},
    {"notebook", "server", "cli", "history"},
    {"client"},
    {"api"},
    {"view", "assist", "doctor"},
    {"engine"},
    {"actions"},
    {"spec"},
    {"rest"},
    {"messages"},
    {"protocol"},
    {"extras"},
    {"errors"},
)
LEVEL = {room: len(LAYERS) - number for number, rooms in enumerate(LAYERS) for room in rooms}

# Imports inside a function: (module, what it imports): why it may.
LATE: dict[tuple[str, str], str] = {
    ("actions.checks", "aura_jupyter.spec.wording"): "only a mistake needs it",
    ("actions.core", "aura_jupyter.spec.durations"): "few tasks sleep",
    ("actions.http", "httpx"): "slow, and most tasks fetch nothing",
    ("actions.registry", "aura_jupyter.spec.wording"): "only a mistake needs it",
    ("actions.registry", "importlib.metadata"): "20 ms that only the first lookup of an action needs",
    ("api", "aura_jupyter.view.text"): "only where somebody prints a tasklet",
    ("api", "nest_asyncio2"): "only `run` inside a running loop needs it",
    ("assist.language", "aura_jupyter.spec.durations"): "slow: pydantic",
    ("assist.language", "aura_jupyter.spec.fields"): "slow: pydantic",
    ("assist.language", "aura_jupyter.spec.model"): "100 ms that loading the extension would have to wait for",
    ("cli.completing", "aura_jupyter.actions.registry"): "slow: asyncio, and a person has pressed Tab",
    ("cli.completing", "aura_jupyter.spec.reader"): "slow: yaml, and a person has pressed Tab",
    ("client.servers", "jupyter_server.serverapp"): "an optional package, and slow",
    ("engine.execution_manager", "aura_jupyter.engine.dask"): "an optional package",
    ("engine.planner", "aura_jupyter.spec.model"): "100 ms that loading the extension would have to wait for",
    ("engine.retry", "tenacity"): "only a retry that waits needs it",
    ("engine.worker", "aura_jupyter.actions.context"): "a worker process starts sooner without",
    ("engine.worker", "aura_jupyter.errors"): "a worker process starts sooner without",
    ("engine.worker", "cloudpickle"): "a worker process starts sooner without",
    ("notebook.commands", "aura_jupyter.spec.model"): "100 ms that loading the extension would have to wait for",
    ("notebook.door.answers", "aura_jupyter.notebook.card.board"): "slow: it needs the widgets",
    ("notebook.door.registration", "aura_jupyter.notebook.door.answers"): "slow: the models of the messages",
    ("notebook.shows", "aura_jupyter.notebook.card.board"): "slow: it needs the widgets",
    ("notebook.waiting", "nest_asyncio2"): "applied only where a cell cannot be awaited",
}

# The engine is asyncio alone: it runs where there is no Jupyter.
FOREIGN_TO_ENGINE = {
    "IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "jupyter_client", "jupyter_server", "traitlets", "zmq",
}  # fmt: skip


class Import(NamedTuple):
    module: str  # the importing module, `engine.plan`
    target: str  # what is imported, `aura_jupyter.spec.model` or `yaml`
    line: int
    late: bool  # inside a function
    typing: bool  # under `if TYPE_CHECKING`

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: {self.target}"

    @property
    def own(self) -> str | None:
        """The imported module of this package, `spec.model`; None for others."""
        head, _, rest = self.target.partition(".")
        return (rest or "__init__") if head == PACKAGE.name else None


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if "node_modules" not in path.parts}


def imports_of(module: str) -> Iterator[Import]:
    yield from walk(ast.parse(MODULES[module].read_text(encoding="utf-8")), module)


def walk(node: ast.AST, module: str, *, late: bool = False, typing: bool = False) -> Iterator[Import]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (Import(module, target, node.lineno, late, typing) for target in targets(node, module))
        return
    late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from walk(child, module, late=late, typing=True)
        for child in node.orelse:
            yield from walk(child, module, late=late, typing=typing)
        return
    for child in ast.iter_child_nodes(node):
        yield from walk(child, module, late=late, typing=typing)


def targets(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    """The modules that a statement imports; of `from . import a, b`, each one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        is_package = MODULES[module].name == "__init__.py"
        package = [PACKAGE.name, *(module.split(".") if module != "__init__" else [])]
        kept = package[: len(package) - node.level + (1 if is_package else 0)]
        base = ".".join([*kept, *([base] if base else [])])
    for alias in node.names:
        if alias.name == "__version__":  # stands in the face of the package, and is imported without what is behind it
            continue
        below = f"{base}.{alias.name}"
        yield below if below.removeprefix(f"{PACKAGE.name}.") in MODULES else base


def room(module: str) -> str:
    return module.partition(".")[0]


IMPORTS = [found for module in MODULES for found in imports_of(module)]


def test_every_module_belongs_to_a_room_of_the_design() -> None:
    assert {room(module) for module in MODULES} <= set(LEVEL)


def test_imports_point_from_the_notebook_down_to_the_spec() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if found.own and not found.typing and room(found.own) != room(found.module)
        if LEVEL[room(found.own)] >= LEVEL[room(found.module)]
        if not (found.module == "__init__" and found.late)
    ]
    assert wrong == []


def test_no_two_modules_import_each_other_directly_or_through_others() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in IMPORTS:
        if found.own in MODULES and found.own != found.module and not found.typing and found.module != "__init__":
            graph[found.module].add(found.own)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_imports_stand_at_the_top_but_for_the_optional_and_the_slow() -> None:
    late = {(found.module, found.target): str(found) for found in IMPORTS if found.late and found.module != "__init__"}
    assert sorted(late[key] for key in late.keys() - LATE.keys()) == []
    assert sorted(LATE.keys() - late.keys()) == [], "these are allowed and no longer needed"


def test_the_engine_and_what_lies_below_know_no_jupyter() -> None:
    below = {name for name, level in LEVEL.items() if level <= LEVEL["engine"]}
    foreign = [
        str(found)
        for found in IMPORTS
        if room(found.module) in below and found.target.split(".")[0] in FOREIGN_TO_ENGINE
    ]
    assert foreign == []


def test_only_the_notebook_room_imports_ipython_and_widgets() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if found.target.split(".")[0] in {"IPython", "anywidget", "ipykernel", "ipywidgets"}
        if room(found.module) != "notebook"
    ]
    assert wrong == []


def test_no_module_is_named_after_nothing() -> None:
    names = {module.rsplit(".", 1)[-1] for module in MODULES}
    assert not names & {"base", "common", "helpers", "manager", "misc", "util", "utils"}


def test_the_reading_of_imports_sees_relative_late_and_typing_ones() -> None:
    source = """
from .. import errors
if TYPE_CHECKING:
    from . import tasklet
def call():
    import asyncio
"""
    assert [(found.target, found.late, found.typing) for found in walk(ast.parse(source), "engine.tasklet")] == [
        ("aura_jupyter.errors", False, False),
        ("aura_jupyter.engine.tasklet", False, True),
        ("asyncio", True, False),
    ]
