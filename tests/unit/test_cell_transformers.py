from __future__ import annotations

import ast

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from aura_jupyter.notebook.cell import Awaiting, RunningCells, lift


def transform(cell: str, *, possible: bool = True) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms.append(lift)
    lines = manager.transform_cell(cell).splitlines(keepends=True)
    return "".join(Awaiting(lambda: possible)(lines))


def call_of(code: str) -> list[object]:
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and node.args]
    return [ast.literal_eval(each) for each in calls[-1].args]


def test_a_cell_is_awaited_at_its_top_level() -> None:
    code = transform("%%aura delays -w\nsteps:\n  - action: é\n")
    assert code.startswith("await get_ipython().run_cell_magic(")
    assert call_of(code) == ["aura_awaited", "delays -w", "steps:\n  - action: é\n"]


def test_a_cell_is_left_alone_where_no_await_is_possible() -> None:
    code = transform("%%aura -w\nsteps: []\n", possible=False)
    assert call_of(code) == ["aura", "-w", "steps: []\n"]
    assert "await" not in code


def test_comments_blank_lines_and_line_magics_may_stand_above() -> None:
    code = transform("\n# why\n\n%load_ext aura_jupyter\n%%aura\nsteps: []\n")
    assert "await get_ipython().run_cell_magic('aura_awaited', '', 'steps: []\\n')" in code
    assert "get_ipython().run_line_magic('load_ext', 'aura_jupyter')" in code


@pytest.mark.parametrize("above", ["%%time", "text = '''", "f(", "def f():"])
def test_a_line_that_only_looks_like_a_cell_is_left_alone(above: str) -> None:
    lines = [f"{above}\n", "%%aura\n", "steps: []\n"]
    assert lift(lines) is lines


@pytest.mark.parametrize("above", ["x = 1", "!ls", "files = %ls", "def f():\n    return 1\n\n"])
def test_a_cell_below_code_becomes_a_call_that_refuses_it(above: str) -> None:
    assert transform(f"{above}\n%%aura delays\nsteps: []\n") == "get_ipython().run_line_magic('%aura', 'delays')\n"


def test_a_cell_without_a_body_reaches_the_magic() -> None:
    assert call_of(transform("%%aura delays")) == ["aura_awaited", "delays", "\n"]


@pytest.mark.parametrize("cell", ["%%aura?", "%%aura??", "%%auras\nx", "%%timeit\npass", "x = 1", "'%%aura'"])
def test_other_cells_are_not_ours(cell: str) -> None:
    assert "'aura'" not in transform(cell)
    assert "await" not in transform(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "%aura wait",
        "%aura wait a b",
        "x = %aura wait a",
        "%aura run daily.yaml --wait",
        "if True:\n    %aura wait a",
        "y = 'é'; x = 1\n%aura wait é",
    ],
)
def test_waiting_line_magics_are_awaited(cell: str) -> None:
    code = transform(cell)
    assert "await get_ipython().run_line_magic('aura_awaited', " in code
    ast.parse(code)


@pytest.mark.parametrize("cell", ["%aura", "%aura show a", "def f():\n    %aura wait a", "%aurora wait"])
def test_other_line_magics_are_not_awaited(cell: str) -> None:
    assert "await" not in transform(cell)


def test_text_that_only_looks_like_a_call_is_left_alone() -> None:
    cell = "text = '''\nget_ipython().run_cell_magic('aura', '', 'x')\n'''\n"
    assert transform(cell) == cell


def test_several_calls_of_a_cell_are_awaited_each() -> None:
    assert transform("%aura wait a\nfor n in 'bc':\n    %aura wait b\n").count("await ") == 2


class Info:
    def __init__(self, raw_cell: str) -> None:
        self.raw_cell = raw_cell


def test_lines_count_from_the_first_line_of_the_cell() -> None:
    cells = RunningCells()
    cells.begin(Info("\n# why\n%%aura delays  -w \nsteps: []"))
    line = cells.line("%%aura", "delays  -w")
    assert line.above == ("", "# why", "%%aura delays  -w ")
    assert line.text == "delays  -w"


def test_a_call_that_stands_in_no_cell_is_its_own_first_line() -> None:
    assert RunningCells().line("%%aura", "delays").above == ("%%aura delays",)
    assert RunningCells().line("%%aura", "").above == ("%%aura",)


def test_the_end_of_a_cell_that_was_never_begun_is_harmless() -> None:
    cells = RunningCells()
    cells.end(None)
    cells.begin(Info("a"))
    cells.begin(Info("b"))
    cells.end(None)
    assert cells.depth == 1


def test_a_console_goes_on_asking_for_lines_until_an_empty_one() -> None:
    manager = TransformerManager()
    manager.cleanup_transforms.append(lift)
    assert manager.check_complete("%%aura task")[0] == "incomplete"
    assert manager.check_complete("%%aura task\nsteps:")[0] == "incomplete"
    assert manager.check_complete("%%aura task\nsteps: []\n\n")[0] == "complete"
