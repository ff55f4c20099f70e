from __future__ import annotations

import asyncio
import http.server
import json
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from aura_jupyter.errors import TaskError
from tests.unit.ports import Port, call, complaints


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what came; `/status/N` with that status, `/to/X` leads to `/X`, `/cut` breaks off."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, rest = url.path.strip("/").partition("/")
        came = {
            "method": self.command,
            "path": url.path,
            "query": urllib.parse.parse_qs(url.query, keep_blank_values=True),
            "body": body.decode(),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        status, data = 200, json.dumps(came).encode()
        headers = {"Content-Type": "application/json"}
        if kind == "status":
            status, data = int(rest), b"x" * 300
        elif kind == "to":
            status, headers["Location"] = 302, f"/{rest}"
        elif kind == "large":
            data = json.dumps(["x" * 1000] * 1000).encode()
        elif kind == "odd":
            data, headers["Content-Type"] = "é".encode("latin-1"), "text/plain; charset=latin-1"
        elif kind == "empty":
            data = b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) + (10 if kind == "cut" else 0)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = kind == "cut"

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join()


def request(**params: Any) -> dict[str, Any]:
    result: dict[str, Any] = asyncio.run(call("http.request", Port(), **params))
    return result


def test_it_gives_status_headers_text_and_json(url: str) -> None:
    result = request(url=f"{url}/a?b=1")
    assert list(result) == ["status", "headers", "text", "json"]
    assert result["status"] == 200
    assert result["headers"]["content-type"] == "application/json"
    assert json.loads(result["text"]) == result["json"]
    assert result["json"]["method"] == "GET"


def test_headers_and_query_are_sent_as_text_and_lists_repeat(url: str) -> None:
    query = {"q": "1 2&3", "n": [1, 2], "yes": True, "none": None, "b": 3}
    came = request(url=f"{url}/a?b=1", headers={"X-N": 5, "X-Yes": True, "X-Word": "é"}, query=query)["json"]
    assert came["query"] == {"b": ["1", "3"], "q": ["1 2&3"], "n": ["1", "2"], "yes": ["true"], "none": [""]}
    assert (came["headers"]["x-n"], came["headers"]["x-yes"]) == ("5", "true")
    assert came["headers"]["x-word"].encode("latin-1").decode() == "é"


def test_a_body_is_json_a_form_or_text(url: str) -> None:
    came = request(url=url, method="post", json={"k": [1, None]})["json"]
    assert (came["method"], json.loads(came["body"])) == ("POST", {"k": [1, None]})
    assert came["headers"]["content-type"] == "application/json"
    came = request(url=url, method="PUT", data={"a": "1 2", "b": ["x", "y"]})["json"]
    assert (came["method"], came["body"]) == ("PUT", "a=1+2&b=x&b=y")
    assert request(url=url, method="PATCH", data="é")["json"]["body"] == "é"
    assert request(url=url, method="PATCH", data=b"raw")["json"]["body"] == "raw"
    assert request(url=url, method="POST", json=[])["json"]["body"] == "[]"


def test_json_is_null_where_the_body_is_none(url: str) -> None:
    assert request(url=f"{url}/odd") | {"headers": {}} == {"status": 200, "headers": {}, "text": "é", "json": None}
    assert request(url=f"{url}/empty")["json"] is None


def test_a_large_body_is_read_whole(url: str) -> None:
    assert request(url=f"{url}/large")["json"] == ["x" * 1000] * 1000


def test_redirects_are_followed(url: str) -> None:
    assert request(url=f"{url}/to/there")["json"]["path"] == "/there"


def test_a_status_of_400_or_more_fails_the_step_and_says_what_came(url: str) -> None:
    secret = url.replace("http://", "http://me:hidden@")
    with pytest.raises(TaskError) as caught:
        request(url=f"{secret}/status/404?key=hidden#hidden", method="delete", query={"token": "hidden"})
    assert str(caught.value) == f"DELETE {url}/status/404 answered 404 Not Found: {'x' * 200}…"
    assert request(url=f"{url}/status/500", raise_for_status=False)["status"] == 500
    assert request(url=f"{url}/status/304")["status"] == 304


def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError, match=rf"^GET http://127.0.0.1:{free.getsockname()[1]}/x: "):
            request(url=f"http://127.0.0.1:{free.getsockname()[1]}/x")


def test_an_answer_that_breaks_off_is_a_connection_error(url: str) -> None:
    with pytest.raises(ConnectionError, match="/cut: "):
        request(url=f"{url}/cut")


def test_redirects_without_an_end_are_a_task_error(url: str) -> None:
    with pytest.raises(TaskError, match="redirect"):
        request(url=f"{url}/" + "to/" * 40)


def test_it_is_cancelled_at_once(url: str) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            address = f"http://127.0.0.1:{server.getsockname()[1]}"
            running = asyncio.ensure_future(call("http.request", Port(), url=address))
            connection, _ = await asyncio.get_running_loop().sock_accept(server)  # it never answers
            running.cancel()
            await asyncio.wait_for(asyncio.wait([running]), 10)
            assert running.cancelled()
            connection.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "ftp://a/b"}, "'url' must begin with http:// or https://"),
        ({"url": "example.org"}, "'url' must begin with"),
        ({"url": 3}, "'url' must be text"),
        ({"url": "http://a", "method": "G T"}, "there is no such method"),
        ({"url": "http://a", "headers": ["a"]}, "'headers' must be a mapping"),
        ({"url": "http://a", "query": "a=1"}, "'query' must be a mapping"),
        ({"url": "http://a", "data": [1]}, "Use 'json' for anything else."),
        ({"url": "http://a", "data": "x", "json": 1}, "both 'json' and 'data' are given"),
        ({"url": "http://a", "raise_for_status": "off"}, "Write false, without quotes."),
    ],
)
def test_what_cannot_be_right_is_found_before_and_while_it_runs(params: dict[str, Any], words: str) -> None:
    [(_, found)] = complaints("http.request", **params)
    assert words in found
    with pytest.raises(ValueError, match=r"must be|no such|both"):
        request(**params)


def test_a_url_that_no_client_understands_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="'url' is none"):
        request(url="http://a:port/")
