"""Tasks over REST, in the kernel of a notebook."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.server.servers import ASKING, TWO_STEPS, JupyterServer, Send, ServerKernel, until


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal."""
    document: dict[str, Any] = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, document["status"], document["code"]) == (status, status, code), document
    assert document["title"]
    assert document["detail"]
    return document


def test_a_task_runs_in_the_kernel_and_its_result_comes_back(server: JupyterServer, kernel: ServerKernel) -> None:
    body = {"task_spec": TWO_STEPS, "kernel_id": kernel.kernel_id, "title": "From outside"}
    response = server.post("tasks/run/ad_hoc", body)
    assert response.status_code == 202
    accepted = response.json()
    assert accepted == {"task_id": accepted["task_id"], "kernel_id": kernel.kernel_id, "busy": False}
    assert response.headers["Location"] == f"/some%20base/aura/tasks/{accepted['task_id']}"
    server.client.wait(accepted["task_id"])
    task = server.http.get(response.headers["Location"].removeprefix("/some%20base/")).json()
    assert (task["status"], task["title"], task["kernel_id"]) == ("COMPLETED", "From outside", kernel.kernel_id)
    assert task["result"] == {"type": "int", "is_json": True, "value": 42, "preview": ""}
    assert [(step["name"], step["status"]) for step in task["steps"]] == [
        ("first", "COMPLETED"),
        ("second", "COMPLETED"),
    ]
    assert kernel.ok("%aura").stdout.count("From outside") == 1


def test_a_spec_may_be_json_and_inputs_are_json_values(kernel: ServerKernel) -> None:
    spec = {"inputs": ["rows"], "steps": [{"name": "a", "action": "core.log", "params": {"message": "x"}}]}
    spec["returns"] = "{{ inputs.rows }}"  # type: ignore[assignment]
    rows = [{"n": 1, "x": None, "t": "ä", "f": 0.5, "b": True}]
    done = kernel.server.client.wait(kernel.run_task(spec, {"rows": rows}))
    assert done.result is not None
    assert done.result.value == rows


def test_a_result_that_is_no_json_is_shown_by_its_type_and_a_preview(kernel: ServerKernel) -> None:
    spec = "steps:\n - name: a\n   action: python.run\n   params: {code: '{1, 2}'}\nreturns: '{{ steps.a.output }}'"
    result = kernel.server.client.wait(kernel.run_task(spec)).result
    assert result is not None
    assert (result.type, result.is_json, result.value, result.preview) == ("set", False, None, "set of 2")


def test_a_task_from_outside_does_not_see_the_notebooks_variables(kernel: ServerKernel) -> None:
    kernel.ok("private = 'of the notebook'")
    body = {"task_spec": f"inputs: [private]{TWO_STEPS}", "kernel_id": kernel.kernel_id}
    document = refused(kernel.server.post("tasks/run/ad_hoc", body), 422, "bad-spec")
    assert [problem["code"] for problem in document["problems"]] == ["input-missing"]
    assert "of the notebook" not in json.dumps(document)


def test_a_bad_spec_is_refused_with_all_its_problems(kernel: ServerKernel) -> None:
    spec = "steps:\n - name: a\n   action: core.lg\n   parms: {}\n"
    document = refused(
        kernel.server.post("tasks/run/ad_hoc", {"task_spec": spec, "kernel_id": kernel.kernel_id}), 422, "bad-spec"
    )
    assert {(problem["line"], problem["column"]) for problem in document["problems"]} == {(3, 12), (4, 4)}
    assert all(problem["code"] and problem["message"] and problem["hint"] for problem in document["problems"])


def test_what_is_not_there_is_404(server: JupyterServer, kernel: ServerKernel) -> None:
    for path in ("tasks/0123456789abcdef", "tasks/0123456789abcdef/logs", "tasks/0123456789abcdef/events"):
        refused(server.get(path), 404, "no-task")
    for what in ("cancel", "rerun"):
        refused(server.post(f"tasks/0123456789abcdef/{what}"), 404, "no-task")
    refused(server.post("tasks/run/ad_hoc", {"task_spec": TWO_STEPS, "kernel_id": "none"}), 404, "no-kernel")
    refused(server.get("tasks", kernel_id="none"), 404, "no-kernel")
    refused(server.get("actions", kernel_id="none"), 404, "no-kernel")


def test_a_kernel_without_aura_says_what_to_do_and_takes_tasks_once_it_is_loaded(server: JupyterServer) -> None:
    with server.kernel() as kernel:
        body = {"task_spec": TWO_STEPS, "kernel_id": kernel.kernel_id}
        document = refused(server.post("tasks/run/ad_hoc", body), 409, "no-aura")
        assert "%load_ext aura_jupyter" in document["detail"]
        shown = next(each for each in server.client.kernels().kernels if each.kernel_id == kernel.kernel_id)
        assert (shown.aura, shown.version) == (False, None)
        kernel.ok("%load_ext aura_jupyter")
        until(lambda: server.post("tasks/run/ad_hoc", body).status_code == 202)
        shown = next(each for each in server.client.kernels().kernels if each.kernel_id == kernel.kernel_id)
        assert (shown.aura, shown.name, shown.own, bool(shown.version)) == (True, "python3", False, True)
        kernel.ok("%unload_ext aura_jupyter")
        until(
            lambda: not any(each.aura for each in server.client.kernels().kernels if each.kernel_id == kernel.kernel_id)
        )


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"{", "bad-request", 400),
        (b"[]", "bad-request", 400),
        (b'{"task_spec": 3}', "bad-request", 400),
        (b'{"task_spec": "steps: []", "kernel": "x"}', "bad-request", 400),
        (b'{"task_spec": "steps: []", "inputs": {"x": NaN}}', "bad-request", 400),
        (b'{"task_spec": "steps: []", "inputs": {"x": [1e999]}}', "bad-request", 400),
        (b"\xff", "bad-request", 400),
        (b"[" * 100_000, "bad-request", 400),
        (b'{"task_spec": ""' + b"".join(b', "k%d": 1' % at for at in range(500_000)) + b"}", "bad-request", 400),
        (b'{"task_spec": "' + b"x" * 10_000_001 + b'"}', "too-large", 413),
    ],
    ids=["cut off", "a list", "a number", "an unknown key", "NaN", "infinite", "no text", "deep", "many keys", "large"],
)
def test_a_body_that_is_not_as_it_should_be_is_refused(
    server: JupyterServer, body: bytes, code: str, status: int
) -> None:
    for path in ("tasks/run/ad_hoc", "validate"):
        response = server.http.post(f"aura/{path}", content=body, headers={"Content-Type": "application/json"})
        refused(response, status, code)
        assert len(response.content) < 2_000


def test_a_body_must_say_that_it_is_json(server: JupyterServer) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        response = server.http.post("aura/validate", content=b'{"task_spec": ""}', headers={"Content-Type": kind})
        refused(response, 415, "not-json")


def test_a_parameter_that_there_is_not_is_refused_and_named(server: JupyterServer) -> None:
    assert "stats" in json.dumps(refused(server.get("tasks", stats="RUNNING"), 400, "bad-request"))
    refused(server.get("tasks", status="BROKEN"), 400, "bad-request")
    refused(server.get("tasks", limit=0), 400, "bad-request")
    refused(server.get("tasks", cursor="none of ours"), 400, "bad-request")
    refused(server.get("tasks", cursor="bm9uZSBvZiBvdXJz"), 422, "bad-cursor")
    assert server.get("tasks", **{"1731900000000": ""}).status_code == 200  # JupyterLab's way around caches


def test_the_list_has_the_newest_first_and_is_read_page_by_page(
    server: JupyterServer, kernel: ServerKernel, own_kernel: ServerKernel
) -> None:
    ids = [each.run_task(TWO_STEPS) for each in (kernel, own_kernel, kernel, own_kernel, own_kernel)]
    for task_id in ids:
        server.client.wait(task_id)
    both = [task.task_id for task in server.client.tasks(limit=5)]
    assert both == ids[::-1]
    read: list[str] = []
    cursor: dict[str, str] = {}
    while len(read) < 5:
        page = server.get("tasks", limit=2, status="COMPLETED", **cursor).json()
        read += [task["task_id"] for task in page["tasks"]]
        cursor = {"cursor": page["cursor"]}
        server.client.wait(kernel.run_task(TWO_STEPS))  # newer ones do not push the others on
    assert read[:5] == ids[::-1]
    assert len(set(read)) == len(read)
    of_one = [task.task_id for task in server.client.tasks(kernel_id=own_kernel.kernel_id)]
    assert of_one == [ids[4], ids[3], ids[1]]
    assert server.client.tasks(kernel_id=own_kernel.kernel_id, status=["FAILED", "LOST"]) == []


def test_the_log_is_read_from_a_line_on_and_by_step(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(TWO_STEPS)
    server.client.wait(task_id)
    page = server.get(f"tasks/{task_id}/logs").json()
    assert [(line["number"], line["step"], line["text"]) for line in page["lines"]] == [
        (1, "first", "one"),
        (2, "second", "two"),
    ]
    assert [line["text"] for line in server.get(f"tasks/{task_id}/logs", after=1).json()["lines"]] == ["two"]
    assert [line["text"] for line in server.get(f"tasks/{task_id}/logs", step="first").json()["lines"]] == ["one"]


def test_a_question_is_answered_and_the_answer_returned(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(ASKING)
    task = until(lambda: (found := server.client.task(task_id)).asks and found)
    assert task.asks == "ask"
    assert task.steps[0].choices == ["Approve", "Reject"]
    refused(server.post(f"tasks/{task_id}/answer", {"step": "ask", "choice": "Perhaps"}), 400, "bad-request")
    refused(server.post(f"tasks/{task_id}/answer", {"step": "none", "choice": "Approve"}), 404, "no-step")
    assert server.post(f"tasks/{task_id}/answer", {"step": "ask", "choice": "Approve"}).status_code == 202
    assert server.client.wait(task_id).status == "COMPLETED"
    refused(server.post(f"tasks/{task_id}/answer", {"step": "ask", "choice": "Approve"}), 409, "conflict")


def test_a_task_is_cancelled_and_run_again(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(ASKING)
    kernel.wait_until_running(task_id)
    refused(server.post(f"tasks/{task_id}/rerun"), 409, "conflict")
    assert server.post(f"tasks/{task_id}/cancel").status_code == 202
    assert server.client.wait(task_id).status == "CANCELLED"
    assert server.client.cancel(task_id).done is False
    again = server.client.rerun(task_id)
    assert again.task_id != task_id
    assert again.kernel_id == kernel.kernel_id
    server.client.cancel(again.task_id)
    assert server.client.wait(again.task_id).status == "CANCELLED"


def test_a_queued_task_is_moved(server: JupyterServer, own_kernel: ServerKernel) -> None:
    own_kernel.ok("%config AuraMagics.max_concurrency = 1")
    first, second, third = (own_kernel.run_task(ASKING) for _ in range(3))
    own_kernel.wait_until_running(first)
    assert [server.client.task(each).queue_place for each in (second, third)] == [1, 2]
    server.client.move(third, 1)
    until(lambda: [server.client.task(each).queue_place for each in (second, third)] == [2, 1])
    refused(server.post(f"tasks/{first}/move", {"place": 1}), 409, "conflict")
    refused(server.post(f"tasks/{third}/move", {"place": 0}), 400, "bad-request")


def test_secrets_are_masked_in_all_that_comes_back(server: JupyterServer, kernel: ServerKernel) -> None:
    spec = """
inputs:
  - {name: key, type: secret}
steps:
  - {name: tell, action: core.log, params: {message: "the key is {{ inputs.key }}"}}
  - {name: fail, action: core.fail, params: {message: "no entry with {{ inputs.key }}"}}
"""
    task_id = kernel.run_task(spec, {"key": "Tr0ub4dor"})
    updates = [update.model_dump_json() for update in server.client.events(task_id)]
    texts = [*updates, *(server.get(f"tasks/{task_id}{what}").text for what in ("", "/logs")), server.get("tasks").text]
    assert json.loads(texts[-3])["error"]["message"].startswith("no entry with")
    assert not [text for text in texts if "Tr0ub4dor" in text]
    body = {"task_spec": f"{spec}  - {{name: fail}}\n", "inputs": {"key": "Tr0ub4dor"}, "kernel_id": kernel.kernel_id}
    assert "Tr0ub4dor" not in json.dumps(refused(server.post("tasks/run/ad_hoc", body), 422, "bad-spec"))


def test_what_fails_in_the_kernel_unforeseen_is_told_without_what_it_says(
    server: JupyterServer, own_kernel: ServerKernel
) -> None:
    own_kernel.ok("""
import aura_jupyter as aura
class Trap:
    def __repr__(self):
        hidden = "Tr0ub4dor"
        raise RuntimeError(f"/home/person/{hidden}")
@aura.action(name="trap.set")
def trap(x=Trap()): ...
""")
    document = refused(server.get("actions", kernel_id=own_kernel.kernel_id), 500, "failed")
    assert not [word for word in ("Tr0ub4dor", "/home", "Traceback", "hidden") if word in json.dumps(document)]


def test_too_many_tasks_are_refused_with_when_to_come_back(server: JupyterServer, own_kernel: ServerKernel) -> None:
    own_kernel.ok("%config AuraMagics.max_waiting = 1")
    own_kernel.ok("%config AuraMagics.max_concurrency = 1")
    own_kernel.wait_until_running(own_kernel.run_task(ASKING))
    queued = own_kernel.run_task(ASKING)
    until(lambda: server.client.task(queued).queue_place == 1)
    response = server.post("tasks/run/ad_hoc", {"task_spec": ASKING, "kernel_id": own_kernel.kernel_id})
    refused(response, 429, "too-many")
    assert int(response.headers["Retry-After"]) > 0


# --- while a cell holds the kernel ------------------------------------------------------------------------------------

HOLD = "import time\nheld = True\nwhile held: time.sleep(0.02)"
WAITING = """
steps:
  - name: work
    action: until_told
returns: "{{ steps.work.output }}"
"""


def test_a_kernel_that_a_cell_holds_answers_and_takes_tasks_which_start_when_it_is_free(
    server: JupyterServer, kernel: ServerKernel
) -> None:
    cell = kernel.start(HOLD)
    until(lambda: _state(server, kernel) == "busy")
    accepted = until(lambda: _run_busy(server, kernel))
    assert server.client.task(accepted).status == "QUEUED"
    assert server.get("tasks", kernel_id=kernel.kernel_id).json()["tasks"][0]["task_id"] == accepted
    assert server.get("actions", kernel_id=kernel.kernel_id).status_code == 200
    kernel.interrupt()
    kernel.finish(cell)
    assert server.client.wait(accepted).status == "COMPLETED"


def _state(server: JupyterServer, kernel: ServerKernel) -> str:
    return next(each.state for each in server.client.kernels().kernels if each.kernel_id == kernel.kernel_id)


def _run_busy(server: JupyterServer, kernel: ServerKernel) -> str:
    accepted = server.client.run_ad_hoc(TWO_STEPS, kernel_id=kernel.kernel_id)
    return accepted.task_id if accepted.busy else ""


def test_a_cancel_reaches_a_thread_while_a_cell_holds_the_kernel(server: JupyterServer, kernel: ServerKernel) -> None:
    kernel.ok("""
import time, aura_jupyter as aura
@aura.action
def until_told(context: aura.ActionContext):
    while not context.cancelled: time.sleep(0.02)
    told.set()
import threading
told = threading.Event()
""")
    task_id = kernel.run_task(WAITING)
    kernel.wait_until_running(task_id)
    cell = kernel.start("print('holding', flush=True); print('told:', told.wait(60))")
    kernel.wait_for_text("holding")
    server.client.cancel(task_id)
    assert "told: True" in kernel.finish(cell).stdout
    assert server.client.wait(task_id).status == "CANCELLED"


def test_a_card_is_told_as_it_is_now_while_a_cell_holds_the_kernel(server: JupyterServer, kernel: ServerKernel) -> None:
    kernel.ok("""
import threading, aura_jupyter as aura
far, near = threading.Event(), threading.Event()
@aura.action
def count(password, context: aura.ActionContext):
    context.log(f"it is {password}")
    context.progress(1, 4)
    far.wait()
    context.progress(3, 4)
    near.set()
    while not context.cancelled: time.sleep(0.02)
import time
""")
    task_id = kernel.run_task(
        "inputs: [{name: password, type: secret}]\nsteps: [{name: count, action: count, "
        "params: {password: '{{ inputs.password }}'}}]",
        {"password": "hunter2"},
    )
    kernel.wait_until_running(task_id)
    until(lambda: _percent(server, task_id) == "25 %")
    cell = kernel.start("far.set(); near.wait(); print('near', flush=True)\n" + HOLD)
    kernel.wait_for_text("near")
    assert _percent(server, task_id) == "75 %"
    kernel.interrupt()
    kernel.finish(cell)
    server.client.cancel(task_id)
    server.client.wait(task_id)
    response = server.get(f"tasks/{task_id}/card")
    picture = response.json()["picture"]
    assert (picture["status"], picture["final"]) == ("CANCELLED", True)
    assert any("it is " in str(line) for line in picture["lines"])
    assert "hunter2" not in response.text
    refused(server.get("tasks/0123456789abcdef/card"), 404, "no-task")


def _percent(server: JupyterServer, task_id: str) -> str:
    """How far the card's bar of the step `count` is."""
    picture = server.get(f"tasks/{task_id}/card").json()["picture"]
    assert (picture["version"], picture["task_id"]) == (1, task_id)
    return str(next(row for row in picture["rows"] if row["name"] == "count").get("bar", {}).get("percent"))


def test_what_needs_the_loop_says_that_the_kernel_is_busy(server: JupyterServer, own_kernel: ServerKernel) -> None:
    own_kernel.ok("%config AuraMagics.max_concurrency = 1")
    own_kernel.wait_until_running(own_kernel.run_task(ASKING))
    queued = own_kernel.run_task(ASKING)
    cell = own_kernel.start(HOLD)
    until(lambda: _state(server, own_kernel) == "busy")
    document = until(lambda: _busy_move(server, queued))
    assert "busy with a cell" in document["detail"]
    own_kernel.interrupt()
    own_kernel.finish(cell)


def _busy_move(server: JupyterServer, task_id: str) -> dict[str, Any] | None:
    response = server.post(f"tasks/{task_id}/move", {"place": 1})
    return refused(response, 504, "busy") if response.is_error else None


# --- for editors ------------------------------------------------------------------------------------------------------


def test_specs_are_checked_and_completed_without_a_kernel(server: JupyterServer) -> None:
    assert server.post("validate", {"task_spec": TWO_STEPS}).json() == {"problems": []}
    problems = server.post("validate", {"task_spec": {"steps": 3}}).json()["problems"]
    assert [(problem["path"], problem["line"]) for problem in problems] == [("steps", None)]
    text = "steps:\n  - action: core.lo"
    completed = server.post("complete", {"text": text, "at": len(text)}).json()
    assert completed["start"] == len(text) - len("core.lo")
    assert [(item["text"], item["kind"]) for item in completed["items"]] == [("core.log", "function")]
    assert completed["items"][0]["signature"] == "(message, level='info')"
    told = server.post("inspect", {"text": text, "at": text.index("action") + 2}).json()["text"]
    assert told.startswith("action  (needed)\n\nWhat to call")
    assert server.post("inspect", {"text": text, "at": 0}).json()["text"] is not None
    assert server.post("inspect", {"text": "x: 1", "at": 4}).json() == {"text": None}
    long = (
        {"task_spec": {"steps": ["x" * 1_000_000]}},
        {"task_spec": "#" * 1_000_001},
        {"text": " " * 1_000_001, "at": 0},
    )
    for path, body in zip(("validate", "validate", "complete"), long, strict=True):
        refused(server.post(path, body), 413, "too-large")
    assert server.get("schema").json()["title"] == "Aura task"
    assert "core.log" in [action.name for action in server.client.actions().actions]


def test_with_a_kernel_the_notebooks_actions_are_known(server: JupyterServer, kernel: ServerKernel) -> None:
    kernel.ok("import aura_jupyter as aura\n@aura.action(name='team.clean')\ndef clean(frame): 'Tidy it.'")
    where = {"kernel_id": kernel.kernel_id}
    found = {action.name: action for action in server.client.actions(kernel.kernel_id).actions}
    assert (found["team.clean"].signature, found["team.clean"].doc) == ("(frame)", "Tidy it.")
    spec = "steps:\n  - {name: a, action: team.clean, params: {frame: 1}}"
    assert server.post("validate", {"task_spec": spec, **where}).json() == {"problems": []}
    assert [problem["code"] for problem in server.post("validate", {"task_spec": spec}).json()["problems"]] == [
        "unknown-action"
    ]
    text = "steps:\n  - action: team."
    assert [
        item["text"] for item in server.post("complete", {"text": text, "at": len(text), **where}).json()["items"]
    ] == ["team.clean"]


def test_what_fails_in_the_server_unforeseen_is_told_without_what_it_says(
    send: Send, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task_spec: object, namespace: object) -> None:
        hidden = "Tr0ub4dor"
        raise RuntimeError(f"/home/person/{hidden}: {task_spec}")

    monkeypatch.setattr("aura_jupyter.server.local.answers.validated", fail)
    response = send("POST", "aura/validate", token, json.dumps({"task_spec": "steps: Tr0ub4dor"}))
    document = json.loads(response.body)
    assert (response.code, document["code"]) == (500, "failed")
    assert not [word for word in ("Tr0ub4dor", "/home", "RuntimeError", "Traceback") if word in json.dumps(document)]
