"""The addresses of the REST API: they check who asks and what, and hand over to the service."""

from __future__ import annotations

import asyncio
import json
from http.client import responses
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async, url_path_join
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from tornado import web
from tornado.iostream import StreamClosedError

from ..rest import Accepted
from . import problems
from .openapi import document
from .operations import Asked, Operation
from .problems import Refusal
from .service import TaskService

_CORE = frozenset({"token", "_xsrf", "no_track_activity"})  # parameters that Jupyter Server itself reads
_KEYS = 100  # more than any body takes
RETRY = 1000  # milliseconds after which a browser comes back to a stream that broke


class AuraHandler(APIHandler):
    """Of all addresses: who asks is known before anything is looked at, and what goes wrong is a problem document.

    Args:
        service: who answers.
        operations: what the address does, by the verbs that it takes.
        limit: how many bytes a body may have.
    """

    operations: dict[str, Operation]

    def initialize(self, service: TaskService, operations: dict[str, Operation], limit: int) -> None:
        """Called by tornado with the route's arguments."""
        self.service, self.operations, self.limit = service, operations, limit

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse whoever is not known, whatever the verb, and a body that is too large."""
        await super().prepare()
        if not self.current_user and not self._is_preflight():
            raise web.HTTPError(403)
        if len(self.request.body) > self.limit:
            raise Refusal("too-large", f"The body has {len(self.request.body)} bytes, and {self.limit} may be.")

    def _is_preflight(self) -> bool:
        """Whether a browser asks before it sends: it does so without a token, and matters where the server allows
        other origins.
        """
        return self.request.method == "OPTIONS" and bool(self.allow_origin or self.allow_origin_pat)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A problem document, without a word of an exception that is not meant for it."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        refusal = error if isinstance(error, Refusal) else problems.of_status(status_code)
        self.set_status(refusal.status if isinstance(error, Refusal) else status_code)
        if self.get_status() == 405:
            self.set_header("Allow", ", ".join((*self.operations, "OPTIONS")))
        for name, value in refusal.headers.items():
            self.set_header(name, value)
        made = refusal.document().model_copy(update={"status": self.get_status()})
        self.finish(made.model_dump_json(), set_content_type=problems.JSON)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A refusal is no error of the server's."""
        if isinstance(value, Refusal):
            self.log.debug("Refused %s %s: %s", self.request.method, self.request.path, value.detail)
        else:
            super().log_exception(typ, value, tb)

    # --- what was asked -----------------------------------------------------------------------------------------------

    async def asked(self, operation: Operation, task_id: str = "") -> Asked:
        """The request, checked.

        Raises:
            Refusal: it is not as the operation has it.
        """
        notebooks = await self._notebooks() if operation.name == "kernels" else {}
        return Asked(self.service, task_id, self._query(operation), self._body(operation), notebooks)

    def _query(self, operation: Operation) -> BaseModel:
        fields = operation.query.model_fields
        found: dict[str, Any] = {}
        for name, raw in self.request.query_arguments.items():
            if name in _CORE or name.isdigit():  # JupyterLab adds the time against caches
                continue
            values = [self.decode_argument(value, name) for value in raw]
            many = name in fields and "list" in str(fields[name].annotation)
            found[name] = values if many or len(values) > 1 else values[0]
        try:
            return operation.query.model_validate(found)
        except ValidationError as error:
            raise problems.of_validation(error, "query") from None

    def _body(self, operation: Operation) -> BaseModel | None:
        model = operation.body
        if model is None or (not self.request.body and not any(f.is_required() for f in model.model_fields.values())):
            return model() if model is not None else None
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal("not-json", "Send JSON, with the header `Content-Type: application/json`.")
        try:
            said = from_json(self.request.body, allow_inf_nan=False)
            json.dumps(said, allow_nan=False)  # 1e999 is read as infinite
            if isinstance(said, dict) and len(said) > _KEYS:  # each that is none of the model's is told with its name
                raise Refusal("bad-request", f"The body has {len(said):,} keys, and none takes so many.")
            return model.model_validate(said, strict=True)
        except ValidationError as error:
            raise problems.of_validation(error, "body") from None
        except ValueError as error:
            raise Refusal("bad-request", f"The body is no JSON: {error}.") from None

    async def _notebooks(self) -> dict[str, str]:
        """Which notebook a kernel belongs to, for those who may look at sessions."""
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, "read", "sessions")):
            return {}
        sessions: list[dict[str, Any]] = await ensure_async(self.session_manager.list_sessions())
        return {each["kernel"]["id"]: each["path"] for each in sessions if each["type"] == "notebook"}

    async def respond(self, operation: Operation, task_id: str = "") -> None:
        """Do what was asked, and write the answer."""
        answer = await operation.call(await self.asked(operation, task_id))
        self.set_status(operation.status)
        if isinstance(answer, Accepted):
            self.set_header("Location", url_path_join(self.base_url, "aura/tasks", answer.task_id))
        self.finish(answer.model_dump_json() if isinstance(answer, BaseModel) else json.dumps(answer))

    @allow_unauthenticated  # a preflight alone gets here so: `prepare` has looked
    def options(self, *_: str) -> None:
        """Which verbs there are. Other origins are allowed where the server's settings say so, never by us."""
        if self._is_preflight():
            super().options()
        self.set_header("Allow", ", ".join((*self.operations, "OPTIONS")))
        self.set_status(204)
        self.finish()


class ReadingHandler(AuraHandler):
    """Of operations that look."""

    @web.authenticated
    @authorized("read", resource="kernels")
    async def get(self, task_id: str = "") -> None:
        """Answer."""
        await self.respond(self._operation("GET"), task_id)

    @web.authenticated
    @authorized("read", resource="kernels")
    async def post(self, task_id: str = "") -> None:
        """Answer."""
        await self.respond(self._operation("POST"), task_id)

    def _operation(self, verb: str) -> Operation:
        if verb not in self.operations:
            raise web.HTTPError(405)
        return self.operations[verb]


class ExecutingHandler(AuraHandler):
    """Of operations that run something, or change what runs."""

    @web.authenticated
    @authorized("execute", resource="kernels")
    async def post(self, task_id: str = "") -> None:
        """Answer."""
        await self.respond(self.operations["POST"], task_id)


class EventsHandler(AuraHandler):
    """The stream of what happens to a task."""

    _streaming: asyncio.Task[Any] | None = None

    @web.authenticated
    @authorized("read", resource="kernels")
    async def get(self, task_id: str) -> None:
        """Send events until the task has ended or the listener has gone."""
        self._query(self.operations["GET"])
        with self.service.stream():
            await self._stream(task_id)

    async def _stream(self, task_id: str) -> None:
        updates = await self.service.updates(task_id, self.request.headers.get("Last-Event-ID"))
        if updates is None:
            self.set_status(204)  # there is no more to come: a browser does not ask again
            self.finish()
            return
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # or proxies keep events back
        self._streaming = asyncio.current_task()
        try:
            self.write(f"retry: {RETRY}\n\n")
            async for told in updates:
                self.write(told.text if told is not None else ": still there\n\n")
                await self.flush()
            self.finish(set_content_type="text/event-stream")
        except StreamClosedError:
            return
        except asyncio.CancelledError:
            if not self.request.connection.stream.closed():  # type: ignore[union-attr]
                raise

    def on_connection_close(self) -> None:
        """The listener has gone."""
        super().on_connection_close()
        if self._streaming is not None:
            self._streaming.cancel()


class OpenApiHandler(AuraHandler):
    """The description of the API."""

    @web.authenticated
    @authorized("read", resource="kernels")
    async def get(self) -> None:
        """Answer."""
        self.finish(json.dumps(document(url_path_join(self.base_url, "aura"))))


class NoSuchHandler(AuraHandler):
    """Any other address below `aura/`."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse, once it is known who asks."""
        await super().prepare()
        raise web.HTTPError(404, responses[404])
