"""tests/run_all.py, what `make test` runs: it sums up all runs and goes on after a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "run_all.py"

Runner = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run_all(tmp_path: Path) -> Runner:
    """Runs a copy of the script over test files of one's own: gives the exit status and the lines that it printed."""
    (tmp_path / "tests" / "conformance").mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider", encoding="utf-8")
    script = shutil.copy(SCRIPT, tmp_path / "tests")

    def run(*names: str, **files: str) -> tuple[int, list[str]]:
        for room, text in files.items():
            path = tmp_path / "tests" / ("browser/test_lab_it.py" if room == "lab" else f"{room}/test_it.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, script, *names]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout.splitlines()

    return run


def test_the_last_line_sums_up_all_runs(run_all: Runner) -> None:
    status, lines = run_all("unit", "kernel", unit="def test_a(): ...\ndef test_b(): ...", kernel="def test_c(): ...")
    assert lines[-1] == "3 passed, 0 failed"
    assert status == 0


def test_each_run_has_a_place_for_settings_of_its_own(run_all: Runner) -> None:
    checks = """
import os, pathlib
def test_it():
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        assert pathlib.Path(os.environ[name]).parent.is_dir()
    assert pathlib.Path(os.environ[name]).parent.name == pathlib.Path(__file__).parent.name
"""
    assert run_all("unit", "kernel", unit=checks, kernel=checks)[1][-1] == "2 passed, 0 failed"


def test_failures_and_errors_count_as_failed_and_the_next_run_goes_on(run_all: Runner) -> None:
    unit = """
import pytest
@pytest.fixture
def broken(): raise OSError
def test_error(broken): ...
def test_failure(): assert False
def test_skipped(): pytest.skip("here")
def test_good(): ...
"""
    status, lines = run_all("unit", "kernel", unit=unit, kernel="def test_c(): ...")
    assert lines[-1] == "2 passed, 2 failed"
    assert status == 1


def test_two_runs_go_side_by_side_and_are_shown_one_after_the_other(run_all: Runner, tmp_path: Path) -> None:
    waits = """
import pathlib, time
def test_it():
    here = pathlib.Path({here!r})
    (here / {mine!r}).touch()
    until = time.monotonic() + 60
    while not (here / {other!r}).exists():
        assert time.monotonic() < until
{end}
"""
    kernel = waits.format(here=str(tmp_path), mine="kernel", other="lab", end="")
    lab = waits.format(here=str(tmp_path), mine="lab", other="kernel", end="    assert not 'the lab failed'")
    status, lines = run_all("kernel", "browser", "lab", kernel=kernel, browser="def test_a(): ...", lab=lab)
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    headings = [line.split()[1] for line in lines if line.startswith("== ")]
    assert headings == ["kernel", "browser", "lab"]
    assert "the lab failed" in "\n".join(lines).partition("== lab")[2]


def test_a_run_that_dies_counts_as_a_failure(run_all: Runner) -> None:
    status, lines = run_all("unit", "kernel", unit="import os\ndef test_a(): os._exit(0)", kernel="def test_c(): ...")
    assert lines[-1] == "1 passed, 1 failed"
    assert status == 1


def test_a_module_that_cannot_be_read_counts_as_a_failure(run_all: Runner) -> None:
    status, lines = run_all("unit", unit="import nothing_of_that_name")
    assert lines[-1] == "0 passed, 1 failed"
    assert status == 1


def test_an_unknown_name_is_refused(run_all: Runner) -> None:
    assert run_all("unti") == (2, [])
