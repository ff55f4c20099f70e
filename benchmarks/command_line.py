"""How long `jupyter aura` takes to start, beside a Python that does nothing.

    python benchmarks/command_line.py         # the table
    python benchmarks/command_line.py --imports   # and the modules that `run` waits for longest

Each line is a process of its own, run `TIMES` times; processor time is steadier than the clock on a busy machine.
"""

from __future__ import annotations

import argparse
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = 15
SPEC = """
inputs: [{name: n, type: integer, default: 3}]
steps:
  - {name: first, action: core.log, params: {message: "n is {{ inputs.n }}"}}
  - {name: second, action: core.set_context, params: {x: "{{ inputs.n * 2 }}"}}
  - {name: third, action: python.run, params: {code: "ctx.x + 1"}}
"""
AURA = ("-m", "aura_jupyter")
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "jupyter aura --version": (*AURA, "--version"),
    "jupyter aura run --help": (*AURA, "run", "--help"),
    "a completion of inputs": (*AURA, "__complete", "run", "spec.yaml", "-i", ""),
    "jupyter aura validate, 3 steps": (*AURA, "validate", "spec.yaml"),
    "jupyter aura run, 3 steps": (*AURA, "run", "-q", "spec.yaml"),
}


def measure(folder: Path, words: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Times by the clock and of the processor, in ms."""
    clock, processor = [], []
    for _ in range(TIMES):
        used, began = _used(), time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, check=True)
        clock.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (_used() - used))
    return clock, processor


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def show_imports(folder: Path, most: int = 12) -> None:
    """The modules whose own import takes longest."""
    command = [sys.executable, "-X", "importtime", *COMMANDS["jupyter aura run, 3 steps"]]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr
    found = re.findall(r"import time: +(\d+) \| +\d+ \| +(\S+)", said)
    print("\nimport, its own time in ms")
    for took, module in sorted(((int(took), module) for took, module in found), reverse=True)[:most]:
        print(f"{took / 1000:8.1f}  {module}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--imports", action="store_true", help="show the slowest imports of `run`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
        print(f"{'ms':<32}{'best':>8}{'median':>8}{'processor, best':>18}")
        for what, words in COMMANDS.items():
            clock, processor = measure(folder, words)
            print(f"{what:<32}{min(clock):8.0f}{statistics.median(clock):8.0f}{min(processor):18.0f}")
        if options.imports:
            show_imports(folder)


if __name__ == "__main__":
    main()
