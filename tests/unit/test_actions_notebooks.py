from __future__ import annotations

import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from aura_jupyter.actions import children
from aura_jupyter.errors import MissingPackageError, TaskError
from tests.unit.ports import Port, call, complaints


def write(path: Path, *cells: str, parameters: str = "") -> Path:
    made: list[dict[str, Any]] = [{"source": parameters, "metadata": {"tags": ["parameters"]}}] if parameters else []
    made += [{"source": source, "metadata": {}} for source in cells]
    for cell in made:
        cell.update(cell_type="code", outputs=[], execution_count=None)
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": made, "metadata": spec, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def printed(path: str) -> str:
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return "".join("".join(output["text"]) for cell in cells for output in cell.get("outputs", []) if "text" in output)


def run(port: Port | None = None, /, **params: Any) -> Any:
    return call("notebook.run", port or Port(), **params)


def test_it_is_executed_with_its_parameters_in_a_thread_and_quietly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "report.ipynb", "print(n, where, rows)", parameters="n = 1\nrows = []")
    found: list[str] = []
    parameters = {"n": 5, "where": tmp_path, "rows": (1, {"a": None})}
    with caplog.at_level(logging.INFO, "papermill"):
        thread = threading.Thread(target=lambda: found.append(run(path=source, parameters=parameters)))
        thread.start()
        thread.join(60)
    assert found == [str(tmp_path / "report-output.ipynb")]
    assert printed(found[0]) == f"5 {tmp_path} [1, {{'a': None}}]\n"
    assert [record for record in caplog.records if record.name == "papermill"] == []
    assert capfd.readouterr() == ("", "")
    assert children.end_all() == 0


def test_a_failing_cell_fails_the_step_and_is_named_and_the_notebook_is_there(tmp_path: Path) -> None:
    source = write(tmp_path / "a.ipynb", "print('before')", "raise ValueError('boom')", "print('after')")
    target = str(tmp_path / "b.ipynb")
    with pytest.raises(TaskError) as caught:
        run(path=str(source), output_path=target)
    assert str(caught.value) == f"cell [2] of {target} failed: ValueError: boom"
    assert printed(target) == "before\n"


def test_cancelled_it_ends_its_kernel(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    source = write(tmp_path / "a.ipynb", f"import time\nheld = open({str(ready)!r}, 'w')\ntime.sleep(60)")
    port = Port()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            run(port, path=source)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    with ready.open(encoding="utf-8") as stream:  # the cell is under way
        port.cancel()
        assert stream.read() == ""  # the kernel is gone
    thread.join(60)
    assert [type(error) for error in raised] == [TaskError]
    assert children.end_all() == 0


def test_a_kernel_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "kernels" / "broken"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit('no such engine')"]
    spec = {"argv": argv, "display_name": "Broken", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    source = write(tmp_path / "a.ipynb", "1")
    source.write_text(source.read_text(encoding="utf-8").replace("python3", "broken"), encoding="utf-8")
    with pytest.raises(TaskError, match=r"Kernel died[\s\S]*no such engine"):
        run(path=source)


def test_a_notebook_or_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no notebook '.*nothing\.ipynb'"):
        run(path=tmp_path / "nothing.ipynb")
    source = write(tmp_path / "a.ipynb", "1")
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere' to write 'b\.ipynb' into"):
        run(path=source, output_path=tmp_path / "nowhere" / "b.ipynb")


def test_parameters_that_a_notebook_cannot_hold_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.ipynb", "1")
    with pytest.raises(ValueError, match=r"'parameters\.rows\[0\]' is a set, which cannot be written"):
        run(path=source, parameters={"rows": [{1}]})
    [(parameter, _)] = complaints("notebook.run", path="a.ipynb", parameters=[1])
    assert parameter == "parameters"


def test_without_papermill_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "papermill", None)
    with pytest.raises(MissingPackageError, match=r"notebook\.run needs .*pip install 'aura_jupyter\[notebooks\]'"):
        run(path=write(tmp_path / "a.ipynb", "1"))
