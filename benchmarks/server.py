"""What the server costs with many kernels, many listeners and many tasks from outside.

    python benchmarks/server.py            # 50 kernels, 500 listeners, 1,000 tasks within a minute
    python benchmarks/server.py --quick    # roughly: 5 kernels, 50 listeners, 100 tasks within 10 seconds

It prints a table and asserts nothing. Each kernel runs a task that changes every second, and the listeners, in a
process of their own, follow those. Meanwhile tasks are submitted at a steady rate, each to the next kernel, and the
first event of each is waited for. Times are those of a client on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from aura_jupyter.client import AsyncClient  # noqa: E402
from tests.server.servers import TOKEN, JupyterServer, running_server  # noqa: E402

SMALL = "steps: [{name: a, action: core.log, params: {message: hello}}]"
LONG = "steps: [{name: wait, action: core.sleep, params: {seconds: 1}, loop: {times: 10000}}]"
MEGABYTE = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--kernels", type=int, help="how many kernels")
    parser.add_argument("--listen", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        url, most, *task_ids = options.listen
        asyncio.run(listen(url, int(most), task_ids))
        return
    kernels, listeners, tasks, seconds = (5, 50, 100, 10.0) if options.quick else (50, 500, 1_000, 60.0)
    with tempfile.TemporaryDirectory(prefix="aura-server-") as folder, running_server(Path(folder)) as server:
        measure(server, Path(folder), options.kernels or kernels, listeners, tasks, seconds)


def measure(server: JupyterServer, folder: Path, kernels: int, listeners: int, tasks: int, seconds: float) -> None:
    process = psutil.Process(server.process.pid)
    row("server, when it has started", memory(process), "MB")
    began = time.monotonic()
    ids = start_kernels(server, folder, kernels)
    row(f"{kernels} kernels with Aura, until all answer", time.monotonic() - began, "s")
    row("server, with these kernels", memory(process), "MB")
    row("a kernel, in the mean", statistics.mean(memory(child) for child in process.children()), "MB")
    long = [server.client.run_ad_hoc(LONG, kernel_id=each).task_id for each in ids]
    before = process.cpu_times()
    with listening(server, listeners, long) as heard:
        row(f"server, with {listeners} listeners", memory(process), "MB")
        began = time.monotonic()
        submitted, first = asyncio.run(submit(server.url, ids, tasks, seconds))
        took = time.monotonic() - began
        after = process.cpu_times()
        row("server, at the end", memory(process), "MB")
        row(
            "server, its share of a processor",
            100 * (after.user + after.system - before.user - before.system) / took,
            "%",
        )
    row(f"{tasks} submissions, until the last had its first event", took, "s")
    row("events that the listeners heard", sum(heard), "")
    row("  of the listeners, those that heard none", heard.count(0), "")
    print(f"\n{'milliseconds':<58} {'p50':>9} {'p99':>9} {'most':>9}")
    spread("submit: from the request to the answer", submitted)
    spread("first event: from the request to the first word of the task", first)


def start_kernels(server: JupyterServer, folder: Path, number: int) -> list[str]:
    """Kernels that load Aura as they start, a few at a time."""
    spec = folder / "jupyter_data_dir" / "kernels" / "aura"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv = [*command, "--InteractiveShellApp.extensions=aura_jupyter"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Aura", "language": "python"}), "utf-8")

    def start(_: int) -> str:
        started = server.http.post("api/kernels", json={"name": "aura"})
        started.raise_for_status()
        return str(started.json()["id"])

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(start, range(number)))
    while not all(each.aura for each in server.client.kernels().kernels):
        time.sleep(0.5)
    return ids


class listening:  # noqa: N801 - a context
    """Listeners in a process of their own; gives how many events each heard, once it is left."""

    def __init__(self, server: JupyterServer, listeners: int, task_ids: list[str]) -> None:
        self.command = [sys.executable, __file__, "--listen", server.url, str(listeners), *task_ids]
        self.heard: list[int] = []

    def __enter__(self) -> list[int]:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdout is not None
        self.process.stdout.readline()  # all of them have heard something
        return self.heard

    def __exit__(self, *_: object) -> None:
        out, _ = self.process.communicate("")
        self.heard += json.loads(out)


async def listen(url: str, most: int, task_ids: list[str]) -> None:
    """Follow tasks until standard input is closed."""
    heard = [0] * most
    all_there = asyncio.Event()

    async def one(client: AsyncClient, number: int) -> None:
        async for _ in client.events(task_ids[number % len(task_ids)]):
            heard[number] += 1
            if all(heard):
                all_there.set()

    async with AsyncClient(url, TOKEN) as client:
        following = [asyncio.create_task(one(client, number)) for number in range(most)]
        await all_there.wait()
        heard[:] = [0] * most
        print("listening", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps(heard))
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


async def submit(url: str, ids: list[str], number: int, seconds: float) -> tuple[list[float], list[float]]:
    """Submit at a steady rate; how long each answer and each first event took, in seconds."""
    submitted: list[float] = []
    first: list[float] = []

    async def one(client: AsyncClient, kernel_id: str) -> None:
        began = time.perf_counter()
        accepted = await client.run_ad_hoc(SMALL, kernel_id=kernel_id)
        submitted.append(time.perf_counter() - began)
        async for _ in client.events(accepted.task_id):
            first.append(time.perf_counter() - began)
            break

    async with AsyncClient(url, TOKEN) as client, asyncio.TaskGroup() as group:
        start = time.perf_counter()
        for count, kernel_id in zip(range(number), itertools.cycle(ids), strict=False):
            await asyncio.sleep(max(0.0, start + count * seconds / number - time.perf_counter()))
            group.create_task(one(client, kernel_id))
    return submitted, first


def memory(process: psutil.Process) -> float:
    """What a process holds for itself, in MB."""
    return float(process.memory_info().rss) / MEGABYTE


def row(what: str, figure: float, unit: str) -> None:
    print(f"{what:<58} {figure:>9,.4g} {unit}".rstrip(), flush=True)


def spread(what: str, took: list[float]) -> None:
    ordered = sorted(took)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{what:<58} {middle * 1000:>9.1f} {late * 1000:>9.1f} {ordered[-1] * 1000:>9.1f}")


if __name__ == "__main__":
    main()
