"""Nobody gets in without a token, an XSRF token beside a cookie, and the authorizer's consent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from jupyter_server.auth.authorizer import Authorizer
from tornado.httpclient import HTTPResponse
from traitlets.config import Config

from aura_jupyter.server.operations import OPERATIONS, Operation
from tests.server.servers import Send

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OPEN_API = Operation("openapi", "GET", "openapi.json", "", None, None)  # type: ignore[arg-type]
ALL = (*OPERATIONS, OPEN_API)


class DenyAll(Authorizer):
    """Lets nobody do anything, and remembers what was asked."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return False


def routes() -> Iterator[tuple[str, str]]:
    for operation in ALL:
        for verb in VERBS:
            yield verb, f"aura/{operation.path.format(task_id='0123456789abcdef')}"
    for verb in VERBS:
        yield verb, "aura/no/such/address"
        yield verb, "aura"


def is_problem(response: HTTPResponse) -> bool:
    if response.request.method == "HEAD":
        return True
    document = json.loads(response.body)
    right_type = response.headers["Content-Type"] == "application/problem+json"
    return right_type and document["status"] == response.code and document["type"].startswith("urn:aura:problem:")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}], ids=["no token", "a wrong token"])
def test_no_route_takes_any_verb_without_the_token(send: Send, headers: dict[str, str]) -> None:
    for verb, path in routes():
        response = send(verb, path, headers)
        assert response.code == 403, (verb, path)
        assert is_problem(response), (verb, path)


def test_a_wrong_token_in_the_address_does_not_help(send: Send) -> None:
    assert (send("GET", "aura/tasks?token=wrong")).code == 403


@pytest.mark.parametrize("jp_argv", [["--ServerApp.allow_unauthenticated_access=False"]])
def test_nor_where_the_server_is_closed_by_default(send: Send) -> None:
    for verb, path in routes():
        assert (send(verb, path)).code == 403, (verb, path)


def test_other_verbs_than_its_own_are_refused_by_each_route(send: Send, token: dict[str, str]) -> None:
    for operation in ALL:
        for verb in set(VERBS) - {operation.verb, "OPTIONS"}:
            response = send(verb, f"aura/{operation.path.format(task_id='0123456789abcdef')}", token)
            assert response.code == 405, (verb, operation.path)
            assert response.headers["Allow"] == f"{operation.verb}, OPTIONS"
            assert is_problem(response)


def test_an_address_that_is_none_is_a_problem_document(send: Send, token: dict[str, str]) -> None:
    response = send("GET", "aura/no/such/address", token)
    assert (response.code, is_problem(response)) == (404, True)


@pytest.mark.parametrize(
    "jp_server_config",
    [Config({"ServerApp": {"jpserver_extensions": {"aura_jupyter": True}, "authorizer_class": DenyAll}})],
)
def test_the_authorizer_is_asked_by_every_route_and_its_no_counts(send: Send, token: dict[str, str]) -> None:
    DenyAll.asked.clear()
    for operation in ALL:
        response = send(
            operation.verb, f"aura/{operation.path.format(task_id='0123456789abcdef')}", token, body="no json"
        )
        assert (response.code, is_problem(response)) == (403, True), operation.path
    assert DenyAll.asked == [(operation.needs, "kernels") for operation in ALL]
    executing = {operation.name for operation in OPERATIONS if operation.needs == "execute"}
    assert executing == {"run_ad_hoc", "cancel", "rerun", "answer", "move"}


def cookies_of(send: Send, token: dict[str, str]) -> dict[str, str]:
    """The cookies of a login and the XSRF token, by their names."""
    login = send("GET", "aura/tasks", token)
    page = send("GET", "login")
    pairs = [line.split(";")[0] for each in (login, page) for line in each.headers.get_list("Set-Cookie")]
    return dict(pair.split("=", 1) for pair in pairs)


def test_a_cookie_needs_its_xsrf_token_to_change_anything(send: Send, token: dict[str, str]) -> None:
    cookies = cookies_of(send, token)
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert (send("GET", "aura/tasks", header)).code == 200
    for operation in OPERATIONS:
        if operation.verb == "POST":
            response = send("POST", f"aura/{operation.path.format(task_id='0123456789abcdef')}", header)
            assert (response.code, is_problem(response)) == (403, True), operation.path
    with_xsrf = {**header, "X-XSRFToken": cookies["_xsrf"]}
    body = json.dumps({"task_spec": "steps: []"})
    assert (send("POST", "aura/validate", with_xsrf, body)).code == 200


def test_a_cookie_is_worth_nothing_to_another_origin(send: Send, token: dict[str, str]) -> None:
    cookies = cookies_of(send, token)
    header = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-XSRFToken": cookies["_xsrf"],
        "Origin": "https://elsewhere.example",
    }
    for operation in OPERATIONS:
        response = send(operation.verb, f"aura/{operation.path.format(task_id='0123456789abcdef')}", header)
        assert (response.code, is_problem(response)) == (404, True), operation.path


def test_options_says_what_an_address_takes_and_allows_no_origin(send: Send, token: dict[str, str]) -> None:
    response = send("OPTIONS", "aura/tasks/run/ad_hoc", token)
    assert (response.code, response.headers["Allow"]) == (204, "POST, OPTIONS")
    assert not [name for name in response.headers if name.startswith("Access-Control-Allow-M")]
    assert "Access-Control-Allow-Origin" not in response.headers or not response.headers["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("jp_argv", [["--ServerApp.allow_origin=https://elsewhere.example"]])
def test_a_preflight_is_answered_where_the_server_allows_the_origin(send: Send) -> None:
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    response = send("OPTIONS", "aura/tasks/run/ad_hoc", asked)
    assert response.code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "https://elsewhere.example"
    assert (send("POST", "aura/tasks/run/ad_hoc", {"Origin": asked["Origin"]})).code == 403
