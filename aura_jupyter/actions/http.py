"""`http.request`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from ..errors import TaskError
from .checks import BadValue, as_text, boolean, each, filled, mapping, optional, wrong_type
from .registry import UNKNOWN, Complaint, builtin

if TYPE_CHECKING:
    import ssl

    import httpx

LARGE = 200_000  # bytes of a body above which it is decoded in a thread
SHOWN = 200  # characters of a body that an error repeats


def _url(name: str, value: Any) -> str:
    url = filled(name, str(value) if type(value).__name__ == "URL" else value).strip()
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower() not in ("http", "https") or not rest:
        raise BadValue(name, f"'{name}' must begin with http:// or https://")
    return url


def _method(name: str, value: Any) -> str:
    method = filled(name, value).strip().upper()
    if not method.replace("-", "").isalpha():
        raise BadValue(name, f"'{name}' is '{value}', and there is no such method")
    return method


def _data(name: str, value: Any) -> Any:
    if not isinstance(value, str | bytes | Mapping):
        raise wrong_type(name, "a mapping (sent as a form) or text", value, "Use 'json' for anything else.")
    return value


_each = each(
    url=_url,
    method=_method,
    headers=optional(mapping),
    query=optional(mapping),
    data=optional(_data),
    raise_for_status=boolean,
)


def _check(values: Mapping[str, Any]) -> Iterator[Complaint]:
    yield from _each(values)
    bodies = [values[name] for name in ("json", "data") if name in values]
    if len(bodies) == 2 and all(body is not None and body is not UNKNOWN for body in bodies):
        yield _both().complaint


def _both() -> BadValue:
    return BadValue("data", "a request has one body, and both 'json' and 'data' are given", "Keep one of them.")


class Answer(TypedDict):
    """What a request gives."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any


@builtin("http.request", check=_check)
async def request(
    url: str,
    method: str = "GET",
    headers: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
    json: Any = None,
    data: Mapping[str, Any] | str | bytes | None = None,
    *,
    raise_for_status: bool = True,
) -> Answer:
    """Send a request and follow redirects; the output is `{status, headers, text, json}`.

    There is no limit of its own on the time it takes: give the step a `timeout`.

    Args:
        url: http or https.
        method: in any case.
        headers: by name.
        query: added to that of the URL; a list repeats its name.
        json: any JSON value, sent as the body.
        data: a mapping, sent as a form, or text, sent as it is.
        raise_for_status: whether a status of 400 or more fails the step.

    Raises:
        TaskError: the status is 400 or more, and `raise_for_status` is true.
        ConnectionError: the server was not reached, or the connection broke.
    """
    boolean("raise_for_status", raise_for_status)
    if json is not None and data is not None:
        raise _both()
    method = _method("method", method)
    body = _body(json, optional(_data)("data", data))
    if "httpx" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "httpx")  # 0.1 s and more, for which the loop stays free
    target = _target(_url("url", url), query)
    shown = f"{method} {target.copy_with(username=None, password=None, query=None, fragment=None)}"
    response = await _send(shown, method, target, optional(mapping)("headers", headers), body)
    text, value = await _read(response)
    if raise_for_status and response.is_error:
        answer = f"{response.status_code} {response.reason_phrase}".strip()
        said = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"  # what is left of a secret is known by the ellipsis
        raise TaskError(f"{shown} answered {answer}" + (f": {said}" if text else ""))
    return {"status": response.status_code, "headers": dict(response.headers), "text": text, "json": value}


def _target(url: str, query: Mapping[str, Any] | None) -> httpx.URL:
    import httpx  # noqa: PLC0415 - slow

    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadValue("url", f"'url' is none: {error}") from None
    if query is None:
        return target
    pairs = list(target.params.multi_items())
    for name, value in mapping("query", query).items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs.extend((name, as_text(item)) for item in values)
    return target.copy_with(params=pairs)


def _body(json: Any, data: Any) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return {"data": data}
    return {"json": json} if data is None and json is not None else {"content": data}


async def _send(
    what: str, method: str, url: httpx.URL, headers: Mapping[str, Any] | None, body: dict[str, Any]
) -> httpx.Response:
    import httpx  # noqa: PLC0415 - slow

    verify = await asyncio.to_thread(_tls, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    sent = httpx.Headers({name: as_text(value) for name, value in (headers or {}).items()}, encoding="utf-8")
    with _translated(what):
        async with httpx.AsyncClient(follow_redirects=True, timeout=None, verify=verify) as client:  # noqa: S113
            return await client.request(method, url, headers=sent, **body)


@functools.lru_cache(maxsize=4)
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001 - what it is made from
    """Making one takes 20 ms and more."""
    import httpx  # noqa: PLC0415 - slow

    return httpx.create_ssl_context()


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    import httpx  # noqa: PLC0415 - slow

    try:
        yield
    except httpx.TimeoutException as error:
        raise TimeoutError(f"{what}: {str(error) or 'no answer in time'}") from error
    except httpx.TransportError as error:
        raise ConnectionError(f"{what}: {str(error) or type(error).__name__}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TaskError(f"{what}: {str(error) or type(error).__name__}") from error


async def _read(response: httpx.Response) -> tuple[str, Any]:
    if len(response.content) > LARGE:
        return await asyncio.to_thread(_decoded, response)
    return _decoded(response)


def _decoded(response: httpx.Response) -> tuple[str, Any]:
    text = response.text
    try:
        return text, response.json()
    except (ValueError, RecursionError):
        return text, None
