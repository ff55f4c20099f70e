"""The task language: the cases of this folder, and the language's own suite where it lies beside the repository.

A case in `cases/*.yaml` uses built-in actions only:

    name, because        what holds, and why one would expect it
    spec, inputs         what is submitted; the working directory is an empty folder
    expect               status, result, error (null, or its class and words of it), and by step: steps (statuses),
                         outputs, attempts; or, where it is refused, spec_error: words of the message, and its line
"""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import aura_jupyter as aura

HERE = Path(__file__).parent
SUITE = HERE.parents[2] / "shared" / "conformance" / "run.py"
LIMIT = 30  # seconds for one case


def own_cases() -> list[Any]:
    files = sorted((HERE / "cases").glob("*.yaml"))
    cases = [(file.stem, case) for file in files for case in yaml.safe_load(file.read_text(encoding="utf-8"))]
    return [pytest.param(case, id=f"{stem}: {case['name']}") for stem, case in cases]


def load_suite() -> ModuleType | None:
    spec = importlib.util.spec_from_file_location("conformance_suite", SUITE) if SUITE.exists() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


suite = load_suite()


def suite_cases() -> list[Any]:
    cases = suite.cases() if suite else []
    return [pytest.param(case, id=f"{case['file']}: {case['name']}") for case in cases]


async def submit(case: dict[str, Any]) -> aura.Tasklet:
    tasklet = aura.submit(case["spec"], inputs=case.get("inputs"))
    async with asyncio.timeout(LIMIT):
        return await tasklet.wait()


def same(got: Any, want: Any) -> bool:
    """Equal in value and kind: 1 is neither 1.0 nor true."""
    if isinstance(want, dict):
        return isinstance(got, dict) and list(got) == list(want) and all(same(got[key], want[key]) for key in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    return type(got) is type(want) and got == want


def check_refusal(error: aura.SpecError, words: list[str], line: int | None) -> None:
    for word in words:
        assert word in str(error)
    if line is not None:
        assert error.line == line, str(error)


def check(tasklet: aura.Tasklet, want: dict[str, Any]) -> None:
    assert tasklet.status == want.get("status", "COMPLETED"), repr(tasklet.error)
    if "result" in want:
        assert same(tasklet.result, want["result"]), f"{tasklet.result!r}, not {want['result']!r}"
    if want.get("error"):
        assert type(tasklet.error).__name__ == want["error"]["type"]
        assert all(word in str(tasklet.error) for word in want["error"].get("words", [])), str(tasklet.error)
    elif "error" in want:
        assert tasklet.error is None
    for name, status in want.get("steps", {}).items():
        assert tasklet.steps[name].status == status, f"{name} is {tasklet.steps[name].status}"
    for name, output in want.get("outputs", {}).items():
        assert same(tasklet.steps[name].output, output), f"{name} gave {tasklet.steps[name].output!r}"
    for name, attempts in want.get("attempts", {}).items():
        assert tasklet.steps[name].attempts == attempts


@pytest.mark.parametrize("case", own_cases())
def test_where_the_page_is_silent(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    want = case["expect"]
    assert want.keys() <= {"status", "result", "error", "steps", "outputs", "attempts", "spec_error"}
    if "spec_error" not in want:
        check(asyncio.run(submit(case)), want)
        return
    with pytest.raises(aura.SpecError) as refusal:
        asyncio.run(submit(case))
    check_refusal(refusal.value, want["spec_error"]["words"], want["spec_error"].get("line"))


@pytest.mark.skipif(suite is None, reason="the suite is not beside the repository")
@pytest.mark.parametrize("case", suite_cases())
def test_the_suite_of_the_language(case: dict[str, Any]) -> None:
    assert suite is not None
    suite.check(case)
