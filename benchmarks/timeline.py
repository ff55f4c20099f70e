"""How long a page's main thread works in one go, by the browser's own timeline.

A task of the main thread is what the browser does before it can look at the next key or click. Its thread time leaves
out the moments in which the machine ran something else, so that figures of a busy machine can be compared.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page

CATEGORIES = ["-*", "toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing"]
PROFILER = "disabled-by-default-v8.cpu_profiler"
OURS = re.compile("^blob:|/extensions/aura-jupyter/")  # what the kernel sent, and the extension
_BEGIN = "aura-begin"  # what was traced before is the tracing's own beginning


class Task(NamedTuple):
    """What the main thread did in one go: milliseconds of thread time, and of them those in our own code."""

    took: float
    ours: float


class Timeline:
    """What was traced.

    Attributes:
        tasks: of the page's main thread.
    """

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    @property
    def longest(self) -> float:
        """The longest task, in milliseconds."""
        return max((task.took for task in self.tasks), default=0.0)

    @property
    def longest_of_ours(self) -> float:
        """The longest time of one task in our own code, in milliseconds; 0 without a profile."""
        return max((task.ours for task in self.tasks), default=0.0)

    def read(self, events: list[dict[str, Any]]) -> None:
        """Take the events of a trace."""
        begin = next(event for event in events if event["name"] == _BEGIN)
        place = begin["pid"], begin["tid"]
        of_page = [event for event in events if (event.get("pid"), event.get("tid")) == place]
        is_ours = _is_ours(events, begin["pid"])
        for event in of_page:
            if event["name"] == "RunTask" and event["ph"] == "X" and event["ts"] >= begin["ts"]:
                took = event.get("tdur", event["dur"]) / 1000
                self.tasks.append(Task(took, took * is_ours(event["ts"], event["dur"])))


@contextmanager
def traced(browser: Browser, page: Page, *, profile: bool = False) -> Iterator[Timeline]:
    """Trace a page while the block runs.

    Args:
        browser: Chromium.
        page: the page.
        profile: sample the stack, too, to tell our own code from JupyterLab's; this slows the page down.
    """
    found = Timeline()
    browser.start_tracing(page=page, categories=[*CATEGORIES, *([PROFILER] if profile else [])])
    page.wait_for_timeout(500)
    page.evaluate(f"performance.mark('{_BEGIN}')")
    yield found
    found.read(json.loads(browser.stop_tracing())["traceEvents"])


def _is_ours(events: list[dict[str, Any]], process: int) -> Callable[[int, int], float]:
    """Gives for a stretch of time which part of its samples lay in our code, or in what that called."""
    ours: dict[int, bool] = {0: False}
    samples: list[tuple[int, bool]] = []
    at = 0
    profile = (event for event in events if event["name"] in ("Profile", "ProfileChunk") and event["pid"] == process)
    for event in sorted(profile, key=lambda event: event["ts"]):
        data = event["args"]["data"]
        at = data.get("startTime", at)
        chunk = data.get("cpuProfile", {})
        for node in chunk.get("nodes", ()):
            url = node["callFrame"].get("url", "")
            ours[node["id"]] = OURS.search(url) is not None or ours[node.get("parent", 0)]
        for node, passed in zip(chunk.get("samples", ()), data.get("timeDeltas", ()), strict=False):
            at += passed
            samples.append((at, ours[node]))
    samples.sort()

    def share(start: int, length: int) -> float:
        some = samples[bisect_left(samples, (start, False)) : bisect_left(samples, (start + length, False))]
        return sum(mine for _, mine in some) / len(some) if some else 0.0

    return share
