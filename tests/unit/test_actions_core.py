from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aura_jupyter.errors import TaskError
from tests.unit.ports import Port, call, complaints


def run(name: str, port: Port | None = None, /, **params: Any) -> Any:
    return asyncio.run(call(name, port or Port(), **params))


def test_core_log_writes_any_object_and_gives_it_back() -> None:
    port = Port()
    value = {"rows": 3}
    assert run("core.log", port, message=value, level="Warning") is value
    assert run("core.log", port, message="plain") == "plain"
    assert port.lines == [("warning", value), ("info", "plain")]


@pytest.mark.parametrize(
    ("level", "write"),
    [
        ("warn", "Write 'warning'."),
        ("CRITICAL", "Write 'error'."),
        ("loud", "Write debug, info, warning or error."),
        (3, "must be text"),
    ],
)
def test_a_level_that_there_is_none_of_is_found_before_and_while_it_runs(level: Any, write: str) -> None:
    [(parameter, words)] = complaints("core.log", message="x", level=level)
    assert parameter == "level"
    assert write in words
    with pytest.raises(ValueError, match=write):
        run("core.log", message="x", level=level)


def test_a_level_that_is_a_template_is_left_to_the_run() -> None:
    assert complaints("core.log", message="x", level="{{ inputs.level }}") == []
    assert complaints("core.log", message="x", level="INFO") == []


def test_core_sleep_takes_a_duration() -> None:
    assert run("core.sleep", seconds="1ms") is None
    assert run("core.sleep", seconds=0) is None
    assert complaints("core.sleep", seconds="1m30s") == []
    [(parameter, words)] = complaints("core.sleep", seconds="soon")
    assert parameter == "seconds"
    assert "soon" in words
    with pytest.raises(ValueError, match="seconds"):
        run("core.sleep", seconds=-1)


def test_core_set_context_takes_any_names_and_gives_the_mapping() -> None:
    port = Port()
    values = {"context": 1, "self": 2, "values": 3, "name": 4, "params": 5}
    assert complaints("core.set_context", **values) == []
    assert run("core.set_context", port, **values) == values
    assert port.stored == values


def test_core_assert_fails_with_assertion_error_and_its_message() -> None:
    assert run("core.assert", that=True) is True
    with pytest.raises(AssertionError, match="sums are off"):
        run("core.assert", that=False, message="sums are off")
    with pytest.raises(AssertionError, match="the condition is false"):
        run("core.assert", that=False)


def test_core_fail_fails_with_task_error() -> None:
    with pytest.raises(TaskError, match="enough"):
        run("core.fail", message="enough")


def test_core_run_task_hands_task_and_inputs_to_the_engine() -> None:
    port = Port()
    spec = {"steps": [{"action": "core.log", "params": {"message": "{{ inputs.n }}"}}]}
    assert run("core.run_task", port, task=spec, inputs={"n": 1}) == "the result"
    assert run("core.run_task", port, task="daily.yaml") == "the result"
    assert run("core.run_task", port, task=Path("daily.yaml")) == "the result"
    assert port.subtasks == [(spec, {"n": 1}), ("daily.yaml", {}), (Path("daily.yaml"), {})]


def test_core_run_task_refuses_what_is_no_spec_and_inputs_that_are_no_mapping() -> None:
    [(parameter, words)] = complaints("core.run_task", task="daily", inputs=[1])
    assert parameter == "inputs"
    assert "'inputs' must be a mapping, and this is a list" in words
    [(parameter, _)] = complaints("core.run_task", task=3)
    assert parameter == "task"
    with pytest.raises(ValueError, match="mapping"):
        run("core.run_task", task="daily", inputs=3)
    assert complaints("core.run_task", task="{{ inputs.spec }}", inputs="{{ inputs.x }}") == []


def test_what_is_an_expression_code_or_a_spec_goes_under_params_only() -> None:
    from aura_jupyter.actions.registry import registry

    for name in "core.assert", "core.run_task", "python.run":
        found = registry.get(name)
        assert found is not None
        assert any(complaint.code == "too-many-arguments" for complaint in found.complaints(["x"], {}))
