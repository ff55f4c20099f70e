"""Which server a client speaks to: the one that is named, or the one that runs here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from .errors import NoServerError

TIMEOUT = 30.0  # seconds that an answer may take


@dataclass(frozen=True, slots=True)
class Server:
    """A Jupyter server.

    Attributes:
        url: its address, with its base URL.
        token: that it takes.
    """

    url: str
    token: str

    @property
    def options(self) -> dict[str, Any]:
        """What httpx has to know. A proxy has no part in what stays on this machine."""
        local = urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        base = f"{self.url.rstrip('/')}/aura/"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)  # every stream holds one
        return {"base_url": base, "headers": headers, "timeout": TIMEOUT, "trust_env": not local, "limits": limits}


def find(url: str | None, token: str | None) -> Server:
    """The server that is meant.

    Args:
        url: its address, which may hold the token; None for the one that runs on this machine: in a notebook or a
            terminal of a server, that one.
        token: None for that of the running server, or what `JUPYTER_TOKEN` holds.

    Raises:
        NoServerError: there is none, or there are several.
    """
    if url is not None:
        url, _, query = url.partition("?")
        token = token or parse_qs(query).get("token", [None])[0]  # as a server prints its address
    if url is not None and token is not None:
        return Server(url, token)
    running = list(_running())
    if url is not None:
        known = next((each.token for _, each in running if _same(each.url, url)), None)
        return Server(url, known or os.environ.get("JUPYTER_TOKEN", ""))
    found = _around(running) or (running[0][1] if len(running) == 1 else None)
    if found is None:
        urls = ", ".join(each.url for _, each in running)
        says = f"Several Jupyter servers run here: {urls}" if running else "No Jupyter server was found here"
        raise NoServerError(f"{says}. Say which one, with its url and token.")
    return Server(found.url, found.token if token is None else token)


def _running() -> Iterator[tuple[int, Server]]:
    """The servers of this machine with their process ids, where Jupyter Server is installed."""
    try:
        from jupyter_server.serverapp import list_running_servers  # noqa: PLC0415 - an optional package, and slow
    except ModuleNotFoundError:
        return
    for info in list_running_servers():
        yield int(info["pid"]), Server(info["url"], info.get("token", ""))


def _around(running: list[tuple[int, Server]]) -> Server | None:
    """The server that this process is in: its terminals know its address, its kernels its process id."""
    address, parent = os.environ.get("JUPYTER_SERVER_URL", ""), os.environ.get("JPY_PARENT_PID", "")
    for pid, server in running:
        if str(pid) == parent or _same(server.url, address):
            return server
    return None


def _same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")
