"""Everything that `make test` runs, one after another: `run_all.py [NAME ...]` runs only the named ones.

It goes on after a failure. The last line sums up all tests; the exit status is 1 if anything failed, the linters
included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 3600  # seconds for one command
PYTHON = [sys.executable, "-m"]
NPM = ["npm", "--prefix", "labextension", "run", "--silent"]
LINT = {
    "ruff": [*PYTHON, "ruff", "check", "--quiet", "."],
    "format": [*PYTHON, "ruff", "format", "--quiet", "--check", "."],
    "mypy": [*PYTHON, "mypy", "--no-error-summary"],
    "eslint": [*NPM, "lint"],
    "prettier": [*NPM, "format:check"],
    "tsc": [*NPM, "types"],
}
TESTS = {  # calls of their own, since event loops and plugins of the one get in the way of the other
    "labextension": ["labextension/tests"],
    "unit": ["tests/unit", "tests/conformance"],
    "kernel": ["tests/kernel"],
    "server": ["tests/server"],
    "browser": ["tests/browser"],
    "notebooks": ["--nbval", "notebooks"],
}


class Count(NamedTuple):
    """How many tests passed and failed."""

    passed: int = 0
    failed: int = 0


def main(names: list[str]) -> int:
    """Runs what is named, or everything, and prints the sum."""
    unknown = set(names) - {"lint", *LINT, *TESTS}
    if unknown:
        print(f"unknown: {' '.join(sorted(unknown))}; known: lint {' '.join((*LINT, *TESTS))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="aura-tests-") as folder:
        environment = _environment(Path(folder))
        unclean = [name for name in LINT if not names or {name, "lint"} & set(names) if not _lint(name, environment)]
        counts = [_test(name, Path(folder), environment) for name in TESTS if not names or name in names]
    if unclean:
        print(f"not clean: {', '.join(unclean)}")
    if not names or counts:
        failed = sum(count.failed for count in counts)
        print(f"{sum(count.passed for count in counts)} passed, {failed} failed")
    return 1 if unclean or any(count.failed for count in counts) else 0


def _environment(folder: Path) -> dict[str, str]:
    """Settings and start-up files of the person who runs the tests have no part in them."""
    own = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    return {**os.environ, **own, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONNOUSERSITE": "1"}


def _lint(name: str, environment: dict[str, str]) -> bool:
    _heading(name)
    return _call(LINT[name], environment) == 0


def _test(name: str, folder: Path, environment: dict[str, str]) -> Count:
    if not _has_tests(TESTS[name]):
        return Count()
    _heading(name)
    report = folder / f"{name}.xml"
    status = _call(_command(name, report), environment)
    count = _read(report)
    if count is None or (status and not count.failed):
        print(f"the run itself failed, with status {status}: counted as one failure")
        return Count(count.passed if count else 0, 1)
    return count


def _command(name: str, report: Path) -> list[str]:
    """Runs tests and writes a JUnit file."""
    if name == "labextension":
        return [*NPM, "test", "--", "--reporter=dot", "--reporter=junit", f"--outputFile.junit={report}"]
    return [*PYTHON, "pytest", "-q", "--continue-on-collection-errors", f"--junitxml={report}", *TESTS[name]]


def _has_tests(arguments: list[str]) -> bool:
    folders = [ROOT / argument for argument in arguments if not argument.startswith("-")]
    patterns = ["*.ipynb"] if "--nbval" in arguments else ["test_*.py", "*.test.ts"]
    return any(any(folder.rglob(pattern)) for folder in folders for pattern in patterns)


def _call(arguments: list[str], environment: dict[str, str]) -> int:
    try:
        done = subprocess.run(arguments, cwd=ROOT, env=environment, timeout=LIMIT, check=False)
    except FileNotFoundError as error:
        print(error)
        return 1
    except subprocess.TimeoutExpired:
        print(f"stopped after {LIMIT / 60:.0f} minutes")
        return 1
    return done.returncode


def _read(report: Path) -> Count | None:
    """Counts of a JUnit file; None if it is missing or cut off."""
    try:
        suites = ET.parse(report).getroot().iter("testsuite")
    except (OSError, ET.ParseError):
        return None
    passed = failed = 0
    for suite in suites:
        total, errors, failures, skipped = (int(suite.get(k, 0)) for k in ("tests", "errors", "failures", "skipped"))
        failed += errors + failures
        passed += max(0, total - errors - failures - skipped)
    return Count(passed, failed)


def _heading(name: str) -> None:
    print(f"== {name}  {time.strftime('%H:%M:%S')}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
