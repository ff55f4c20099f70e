"""Everything that `make test` runs, one after another: `run_all.py [NAME ...]` runs only the named ones.

It goes on after a failure. The last line sums up all tests; the exit status is 1 if anything failed, the linters
included. What needs a kernel or a browser mostly waits, so two runs go side by side; what the one prints is shown when
the other has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

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
    "notebooks": ["--nbval", "notebooks"],
    "browser": ["tests/browser", "--ignore-glob=*/test_lab_*.py"],
    "lab": sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/browser/test_lab_*.py")),
}
FIRST = ("labextension", "unit")
BESIDE = ("lab",)  # runs side by side with those after the first


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
        unclean = [name for name in LINT if not names or {name, "lint"} & set(names) if not _lint(name, Path(folder))]
        counts = _run([name for name in TESTS if not names or name in names], Path(folder))
    if unclean:
        print(f"not clean: {', '.join(unclean)}")
    if not names or counts:
        failed = sum(count.failed for count in counts)
        print(f"{sum(count.passed for count in counts)} passed, {failed} failed")
    return 1 if unclean or any(count.failed for count in counts) else 0


def _run(names: list[str], folder: Path) -> list[Count]:
    """Runs these tests; two runs go side by side once the quick ones are done."""
    first, beside = [name for name in names if name in FIRST], [name for name in names if name in BESIDE]
    others = [name for name in names if name not in (*first, *beside)]
    counts = [_test(name, folder) for name in first]
    with ThreadPoolExecutor() as pool, (folder / "beside.txt").open("w+", encoding="utf-8") as out:
        counts_beside = pool.map(lambda name: _test(name, folder, out if others else None), beside)
        counts += [_test(name, folder) for name in others]
        counts += counts_beside
        out.seek(0)
        sys.stdout.writelines(out)
    return counts


def _environment(folder: Path) -> dict[str, str]:
    """Settings and start-up files of the person who runs the tests have no part in them."""
    folder.mkdir(exist_ok=True)  # IPython makes its own in one that is there
    own = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    return {**os.environ, **own, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONNOUSERSITE": "1"}


def _lint(name: str, folder: Path) -> bool:
    _heading(name)
    return _call(LINT[name], _environment(folder)) == 0


def _test(name: str, folder: Path, out: IO[str] | None = None) -> Count:
    if not _has_tests(TESTS[name]):
        return Count()
    _heading(name, out)
    report = folder / f"{name}.xml"
    status = _call(_command(name, report), _environment(folder / name), out)
    count = _read(report)
    if count is None or (status and not count.failed):
        print(f"the run itself failed, with status {status}: counted as one failure", file=out)
        return Count(count.passed if count else 0, 1)
    return count


def _command(name: str, report: Path) -> list[str]:
    """Runs tests and writes a JUnit file."""
    if name == "labextension":
        return [*NPM, "test", "--", "--reporter=dot", "--reporter=junit", f"--outputFile.junit={report}"]
    cache = f"cache_dir={report.with_suffix('.cache')}"  # of its own, since two may run at a time
    options = ["-q", "--continue-on-collection-errors", f"--junitxml={report}", "-o", cache]
    return [*PYTHON, "pytest", *options, *TESTS[name]]


def _has_tests(arguments: list[str]) -> bool:
    places = [ROOT / argument for argument in arguments if not argument.startswith("-")]
    patterns = ["*.ipynb"] if "--nbval" in arguments else ["test_*.py", "*.test.ts"]
    return any(place.is_file() or any(any(place.rglob(pattern)) for pattern in patterns) for place in places)


def _call(arguments: list[str], environment: dict[str, str], out: IO[str] | None = None) -> int:
    try:
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env=environment,
            timeout=LIMIT,
            check=False,
            stdout=out,
            stderr=out and subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        print(error, file=out)
        return 1
    except subprocess.TimeoutExpired:
        print(f"stopped after {LIMIT / 60:.0f} minutes", file=out)
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


def _heading(name: str, out: IO[str] | None = None) -> None:
    print(f"== {name}  {time.strftime('%H:%M:%S')}", flush=True, file=out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
