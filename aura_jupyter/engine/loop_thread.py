"""An event loop in a thread of its own: what runs on it goes on while a cell holds the kernel's."""

from __future__ import annotations

import asyncio
import threading


class LoopThread:
    """Runs an event loop in a daemon thread until the process ends.

    Attributes:
        loop: the loop, which runs already.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        running = threading.Event()
        self.loop.call_soon(running.set)
        threading.Thread(target=self._run, name="aura-loop", daemon=True).start()
        running.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
