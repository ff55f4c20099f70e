"""The extension of Jupyter Server: its settings, its addresses, its end."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Integer, Unicode

from .handlers import AuraHandler, EventsHandler, ExecutingHandler, NoSuchHandler, OpenApiHandler, ReadingHandler
from .kernels import Kernels
from .local import Local
from .operations import OPERATIONS, Operation
from .own_kernels import OwnKernels, OwnSettings
from .service import TaskService
from .tasks import KnownTasks

_TASK_ID = "([^/]+)"


class AuraServer(ExtensionApp):
    """Run tasks in this server's kernels over REST, and look at them: `aura/…`."""

    name = "aura_jupyter"
    extension_url = "/aura/openapi.json"
    load_other_extensions = True

    kernel_name = Unicode(
        "",
        help="The kernelspec of the kernels that are started for tasks which name none. Empty: the server's default.",
    ).tag(config=True)
    kernel_idle_seconds = Float(600.0, help="Seconds without a task after which such a kernel is ended.").tag(
        config=True
    )
    max_kernels = Integer(2, min=0, help="How many such kernels there may be; 0: a task must name its kernel.").tag(
        config=True
    )
    max_body_bytes = Integer(10_000_000, min=1, help="How large a request's body may be.").tag(config=True)
    max_streams = Integer(1000, min=1, help="How many streams of events may be open.").tag(config=True)
    kernel_deadline = Float(10.0, help="Seconds that a kernel's reply may take before a request fails.").tag(
        config=True
    )

    service: TaskService | None = None

    def initialize_handlers(self) -> None:
        """Make the service and its addresses."""
        assert self.serverapp is not None
        known = KnownTasks()
        kernels = Kernels(self.serverapp.kernel_manager, known, self.kernel_deadline)
        settings = OwnSettings(self.kernel_name, self.kernel_idle_seconds, self.max_kernels)
        own = OwnKernels(kernels, known, settings)
        self.service = TaskService(kernels, known, own, Local(self.kernel_deadline), self.max_streams)
        self.handlers.extend(self._routes())

    def _routes(self) -> list[tuple[str, type[AuraHandler], dict[str, Any]]]:
        routes = [self._route(path, list(found)) for path, found in groupby(OPERATIONS, lambda each: each.path)]
        return [
            *routes,
            ("/aura/openapi.json", OpenApiHandler, self._arguments({"GET"})),
            ("/aura(?:/.*)?", NoSuchHandler, self._arguments(())),
        ]

    def _route(self, path: str, operations: list[Operation]) -> tuple[str, type[AuraHandler], dict[str, Any]]:
        first = operations[0]
        kind = EventsHandler if first.is_stream else ExecutingHandler if first.needs == "execute" else ReadingHandler
        return f"/aura/{path.format(task_id=_TASK_ID)}", kind, self._arguments({each.verb: each for each in operations})

    def _arguments(self, operations: Any) -> dict[str, Any]:
        return {"service": self.service, "operations": operations, "limit": self.max_body_bytes}

    async def stop_extension(self) -> None:
        """The server stops: end streams, let go of kernels."""
        if self.service is not None:
            await self.service.close()
