from __future__ import annotations

import dataclasses
import linecache
import sys
import threading
import traceback
from typing import Any

import pytest

from aura_jupyter.actions import python
from tests.unit.ports import Port, call, complaints


def run(code: str, step: str = "here", **names: Any) -> Any:
    port = Port(names)
    port.step = step
    return call("python.run", port, code=code)


def test_the_last_expression_is_the_output() -> None:
    assert run("a = 2\na + 1") == 3
    assert run("a = 2") is None
    assert run("") is None
    assert run("# nothing") is None
    assert run("'''text'''") == "text"
    assert run("x = 1\nif x:\n    x") is None


def test_names_are_variables_and_objects_are_the_very_ones() -> None:
    frame = [1, 2]
    assert run("frame", frame=frame) is frame
    assert run("inputs['n'] + item", inputs={"n": 1}, item=2) == 3


def test_braces_are_pythons() -> None:
    assert run("d = {'k': {'x': n}}\n[f'{{{n}}}', d['k']['x'], '{{ n }}']", n=5) == ["{5}", 5, "{{ n }}"]


def test_nothing_but_the_names_and_the_builtins_is_a_variable() -> None:
    assert run("sorted(name for name in globals() if not name.startswith('__'))", n=1, m=2) == ["m", "n"]
    for name in "code", "context", "names", "compiled":
        with pytest.raises(NameError):
            run(name)


def test_an_input_may_have_the_name_of_a_builtin_or_a_module_variable() -> None:
    assert run("list", list=[1]) == [1]
    assert run("len(__builtins__.__name__)", __builtins__={}) == 8


def test_functions_see_each_other_and_the_variables() -> None:
    code = """
import math
def area(r): return square(r) * n
def square(r): return math.pow(r, 2)
[area(x) for x in (1, 2)]
"""
    assert run(code, n=3) == [3.0, 12.0]


def test_runs_do_not_see_each_other() -> None:
    run("leftover = 1")
    with pytest.raises(NameError):
        run("leftover")


def test_classes_and_dataclasses_can_be_defined() -> None:
    code = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class P:
    x: int = 1
P()
"""
    assert dataclasses.asdict(run(code)) == {"x": 1}


def test_annotations_are_pythons_own_unless_the_code_says_otherwise() -> None:
    assert run("def f(x: int): ...\nf.__annotations__['x']") is int


def test_a_traceback_shows_the_line_of_the_code() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("x = 0\ndef f():\n    return 1 / x  # here\nf()", step="divide")
    text = "".join(traceback.format_exception(caught.value))
    assert 'File "<python.run of step divide>", line 3, in f\n    return 1 / x  # here' in text
    assert 'File "<python.run of step divide>", line 4, in <module>\n    f()' in text


def test_two_codes_of_one_step_name_keep_their_own_lines() -> None:
    with pytest.raises(ZeroDivisionError) as first:
        run("1 / 0  # first", step="twice")
    with pytest.raises(ZeroDivisionError) as second:
        run("1 / 0  # second", step="twice")
    assert "# first" in "".join(traceback.format_exception(first.value))
    assert "# second" in "".join(traceback.format_exception(second.value))


def test_the_kept_codes_and_their_lines_are_bounded() -> None:
    for number in range(python.KEPT + 20):
        assert run(f"{number}", step="many") == number
    ours = [name for name in linecache.cache if str(name).startswith("<python.run")]
    assert len(ours) <= python.KEPT
    linecache.checkcache()
    assert len([name for name in linecache.cache if str(name).startswith("<python.run")]) == len(ours)


def test_it_runs_in_many_threads_at_once() -> None:
    barrier = threading.Barrier(6)
    found: list[int] = []

    def one(number: int) -> None:
        found.append(run("meet.wait(10)\ndef f(): return number\nf()", meet=barrier, number=number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == list(range(6))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x =", "line 1"),
        ("x = 1\n  y = 2", "in its line 2"),
        ("return 1", "'return' outside function"),
        ("x = 1\nawait x", "write an async def in a cell and call that as the action"),
        ("async with x: pass", "write an async def"),
        ("a\0b", "null"),
    ],
)
def test_what_is_no_python_is_found_before_anything_runs(code: str, words: str) -> None:
    [(parameter, found)] = complaints("python.run", code=code)
    assert parameter == "code"
    assert words in found
    with pytest.raises((SyntaxError, ValueError)):
        run(code)


def test_code_with_braces_is_checked_as_code_and_is_no_template() -> None:
    assert complaints("python.run", code="{{ x }}") == []
    [(_, found)] = complaints("python.run", code="{{ x")
    assert "no Python" in found
    [(_, found)] = complaints("python.run", code=3)
    assert "'code' must be text" in found


def test_a_loop_of_one_code_compiles_it_once() -> None:
    def names(number: int) -> str:
        return str(run("import sys\nsys._getframe().f_code.co_filename", step="loop", item=number))

    assert {names(number) for number in range(5)} == {"<python.run of step loop>"}
    assert "<python.run of step loop>" not in sys.modules
