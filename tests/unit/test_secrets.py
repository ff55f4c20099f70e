"""A secret's text stands nowhere that a person looks; actions, outputs and the result have the value itself."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import traceback
import urllib.parse
import warnings
from typing import Any

import httpx
import pydantic
import pytest

import aura_jupyter as aura
from aura_jupyter.engine.secrets import NONE, Secrets
from aura_jupyter.errors import TaskError, TemplateError
from aura_jupyter.spec.problems import SpecError
from tests.unit.running import Recorder, done, on_clock, on_loop, scheduler

KEY = "s3cr3t-k3y"
INPUTS = "inputs: [{name: key, type: secret}]\n"


async def echo(value: Any = None) -> Any:
    return value


def everything(error: BaseException | None) -> str:
    """All that an exception could ever show: its traceback, its arguments, its attributes, its chain."""
    said, seen, waiting = [], set(), [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        said += ["".join(traceback.format_exception_only(one)), repr(one), repr(one.args), repr(vars(one))]
        said += [repr(getattr(one, name, "")) for name in ("filename", "filename2", "strerror", "msg", "name")]
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return "\n".join(said)


def shown(task: aura.Tasklet, recorder: Recorder | None = None) -> str:
    """All that is shown of a task."""
    said = [task.title, repr(task), *map(str, task.logs), everything(task.error)]
    for step in task.steps.values():
        said += [everything(step.error), repr(step.errors), str(step.description), repr(step.progress)]
        if step.children is not None:
            said.append(shown(step.children))
    for event in recorder.events if recorder else ():
        said += [
            repr(getattr(event, "text", "")),
            str(getattr(event, "line", "")),
            everything(getattr(event, "error", None)),
        ]
    return "\n".join(said)


LONG_KEY = "eyJ" + "0123456789abcdef" * 20  # longer than what is shown of a value


def test_of_a_cut_text_only_the_beginnings_and_ends_of_secrets_are_masked() -> None:
    secrets = Secrets([LONG_KEY, "aabaabaa"])
    assert secrets.mask("it goes on…") == "it goes on…"
    assert secrets.mask(f"a {LONG_KEY[:20]}… b {LONG_KEY[:7]}…") == "a ***… b ***…"
    assert secrets.mask(f"{LONG_KEY[:3]}… of {LONG_KEY[20:40]}…") == f"{LONG_KEY[:3]}… of {LONG_KEY[20:40]}…"
    assert secrets.mask("xaabaab… aabaabaabaab…") == "x***… ***baab…"


@on_clock
async def test_what_a_cut_left_of_a_secret_is_masked_in_an_error() -> None:
    keys = [{"when": "inputs.key"}, {"loop": {"times": "inputs.key"}}, {"loop": {"times": "{{ [inputs.key] }}"}}]
    steps = [{"action": "echo", "on_error": "continue", **key} for key in keys]
    spec = {"inputs": [{"name": "key", "type": "secret"}], "steps": steps}
    task = await done(spec, echo, inputs={"key": LONG_KEY})
    for step in task.steps.values():
        assert "***…" in str(step.error)
        assert LONG_KEY[:4] not in everything(step.error)


def test_a_secret_is_known_where_its_white_space_was_joined() -> None:
    assert Secrets(["two  words"]).mask("the key: two words") == "the key: ***"


class Slotted(Exception):
    """Holds what it says where nobody can change it."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self._held = (lambda: held,)

    def __str__(self) -> str:
        return f"held {self._held[0]()}"


class Closed(Exception):
    @property
    def detail(self) -> str:
        return KEY

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("closed")


class Named(Exception):
    def __init__(self, **fields: Any) -> None:
        super().__init__("see fields")
        self.fields = fields


def chained(key: str) -> Exception:
    try:
        try:
            raise KeyError(key)
        except KeyError as inner:
            raise OSError(2, "no file", f"/tmp/{key}") from inner
    except OSError:
        try:
            raise RuntimeError("outer")  # its context is the OSError
        except RuntimeError as outer:
            return outer


def noted(key: str) -> Exception:
    error = ValueError("see note")
    error.add_note(f"the key was {key}")
    return error


def circle(key: str) -> Exception:
    first, second = ValueError(key), KeyError(key)
    first.__cause__, second.__cause__ = second, first
    return first


def group(key: str) -> Exception:
    inner = ValueError("inner")
    inner.__cause__ = OSError(key)
    return ExceptionGroup("several", [KeyError(key), ExceptionGroup("deeper", [inner, ValueError(key)])])


ERRORS = {
    "argument": lambda key: ValueError(f"wrong key {key}!"),
    "key": KeyError,
    "number of arguments": lambda key: ValueError(1, [key, {"k": (key,)}], {key: 1}, {key}),
    "bytes": lambda key: ValueError(key.encode()),
    "filename": lambda key: OSError(2, f"no {key}", f"/tmp/{key}", None, f"/home/{key}"),
    "chain": chained,
    "note": noted,
    "circle": circle,
    "group": group,
    "group's message": lambda key: ExceptionGroup(key, [ValueError("x")]),
    "slotted": Slotted,
    "closed": Closed,
    "fields": lambda key: Named(url=f"https://x/?k={key}", deep=[[key]]),
    "exception in it": lambda key: RuntimeError(ValueError(key)),
    "object": lambda key: RuntimeError(type("Holder", (), {"__repr__": lambda _: f"<{key}>"})()),
    "json": lambda key: json.JSONDecodeError("bad", f'{{"{key}": ', 3),
    "decoding": lambda key: UnicodeDecodeError("utf-8", key.encode() + b"\xff", 0, 1, "bad"),
    "import": lambda key: ImportError("none", name=key, path=f"/{key}.py"),
    "syntax": lambda key: SyntaxError("bad", (f"{key}.py", 1, 1, f"x = {key}")),
    "exit": SystemExit,
    "stop": StopIteration,
    "cancelled": asyncio.CancelledError,
}


@pytest.mark.parametrize("make", ERRORS.values(), ids=ERRORS)
def test_a_secret_in_an_exception_of_any_kind_is_masked(make: Any) -> None:
    async def main() -> None:
        async def fail(key: str) -> None:
            raise make(key)

        spec = (
            INPUTS
            + """
steps:
  - name: a
    action: fail
    params: {key: "{{ inputs.key }}"}
    retry: 2
    on_error: [{name: h, action: echo, params: {value: "{{ error.message }} {{ steps.a.error.message }}"}}]
  - {name: b, action: fail, loop: {times: 2, on_error: continue}, params: {key: "{{ inputs.key }}"}}
  - {name: c, action: core.log, params: {message: "{{ steps.b.errors }}"}}
  - {name: d, action: fail, params: {key: "{{ inputs.key }}"}}
"""
        )
        async with scheduler(fail, echo) as made:
            recorder = Recorder(made)
            task = await made.run_ad_hoc_task(spec, {"key": KEY}).wait()
        assert task.status == "FAILED"
        assert KEY not in shown(task, recorder)
        assert KEY not in task.steps["h"].output
        assert task.steps["a"].attempts == 2
        given = make(KEY)
        assert type(task.error).__name__ == type(given).__name__ or (
            type(task.error) is TaskError and type(given).__name__ in str(task.error)
        )

    on_clock(main)()


@on_clock
async def test_a_retry_knows_the_class_of_an_error_that_had_to_be_replaced() -> None:
    async def fail(key: str) -> None:
        raise Slotted(key)

    step = {"action": "fail", "params": {"key": "{{ inputs.key }}"}, "retry": {"attempts": 3, "on": "Slotted"}}
    task = await done({"inputs": [{"name": "key", "type": "secret"}], "steps": [step]}, fail, inputs={"key": KEY})
    assert type(task.error) is TaskError
    assert str(task.error) == "Slotted: held ***"
    assert task.steps["fail"].attempts == 3


@on_clock
async def test_actions_outputs_and_the_result_have_the_value_itself() -> None:
    spec = (
        INPUTS
        + "steps: [{name: a, action: echo, params: {value: '{{ inputs.key }}'}}]\nreturns: ['{{ steps.a.output }}']"
    )
    task = await done(spec, echo, inputs={"key": KEY})
    assert task.result == [KEY]
    assert task.steps["a"].output == KEY
    assert task.inputs["key"] == KEY


@on_clock
async def test_text_that_the_engine_writes_itself_is_masked() -> None:
    spec = """
meta: {title: "Report with {{ inputs.key }}"}
inputs: [{name: key, type: secret}, {name: xs, default: {a: 1}}]
steps:
  - {name: a, action: echo, description: "use {{ inputs.key }}", on_error: continue}
  - {name: b, action: echo, params: {value: "{{ inputs.xs[inputs.key] }}"}, on_error: continue}
  - {name: c, action: echo, when: "{{ inputs.key }}", on_error: continue}
  - {name: d, action: echo, loop: "{{ inputs.key }}", on_error: continue}
  - {name: e, action: echo, loop: {times: "{{ inputs.key }}"}, on_error: continue}
  - {name: f, action: echo, loop: {while: "{{ inputs.key }}"}, on_error: continue}
  - {name: g, action: echo, retry: {attempts: 2, until: "{{ inputs.key }}"}, on_error: continue}
  - {name: h, action: core.assert, params: {that: false, message: "not {{ inputs.key }}"}, on_error: continue}
  - {name: i, action: core.fail, params: {message: "{{ inputs.key }}"}, on_error: continue}
  - {name: j, action: core.run_task, params: {task: "{{ inputs.key }}"}, on_error: continue}
  - {name: k, action: core.log, params: {message: "it is {{ inputs.key }}"}}
  - {name: l, action: human.approve, params: {message: "use {{ inputs.key }}?"}, on_error: continue}
returns: "{{ inputs.xs[inputs.key] }}"
"""
    async with scheduler(echo) as made:
        recorder = Recorder(made)
        task = await made.run_ad_hoc_task(spec, {"key": KEY}).wait()
    assert task.title == "Report with ***"
    assert task.steps["a"].description == "use ***"
    failed = [name for name, step in task.steps.items() if step.status == "FAILED"]
    assert failed == list("bcdefghijl")
    assert type(task.error) is TemplateError
    assert KEY not in shown(task, recorder)


@on_loop
async def test_a_question_is_masked() -> None:
    spec = INPUTS + "steps: [{name: a, action: human.approve, params: {message: 'use {{ inputs.key }}?'}}]"
    async with scheduler() as made:
        recorder = Recorder(made)
        made.manager.person = lambda tasklet, step: True
        asked = asyncio.Event()
        made.hooks.add(lambda event: asked.set(), "step_asks")
        task = made.run_ad_hoc_task(spec, {"key": KEY})
        await asked.wait()
        assert task.steps["a"].question.message == "use ***?"
        task.answer("a", "Reject")
        await task.wait()
    assert KEY not in shown(task, recorder)


@on_loop
async def test_whatever_an_action_writes_is_masked() -> None:
    def speak(key: str, context: aura.ActionContext) -> None:
        print("printed", key)
        print(key[:4], end="")
        print(key[4:])
        print({"key": key}, json.dumps([key]), file=sys.stderr)
        sys.stdout.write("unfinished " + key)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            print(warnings.formatwarning(f"old {key}", UserWarning, "f.py", 1, ""))
        context.log(key, "error")
        context.progress(1, 2, f"with {key}")
        asyncio.run(_nested(key))

    async def _nested(key: str) -> None:
        print("nested", key)

    spec = INPUTS + "steps: [{action: speak, params: {key: '{{ inputs.key }}'}}]"
    async with scheduler(speak) as made:
        recorder = Recorder(made)
        task = await made.run_ad_hoc_task(spec, {"key": KEY}).wait()
    assert task.status == "COMPLETED"
    assert KEY not in shown(task, recorder)
    assert task.steps["speak"].progress.text == "with ***"
    assert len(task.logs) > 6


@on_loop
async def test_what_a_command_writes_is_masked_in_the_log_and_its_error_and_whole_in_its_output() -> None:
    spec = (
        INPUTS
        + """
steps:
  - {name: fine, action: shell.run, params: {command: 'echo "$K"; echo "$K" >&2', env: {K: "{{ inputs.key }}"}}}
  - {name: bad, action: shell.run, params: {command: 'echo "no $K" >&2; exit 3', env: {K: "{{ inputs.key }}"}}}
"""
    )
    task = await done(spec, inputs={"key": KEY})
    assert task.steps["fine"].output == {"exit_code": 0, "stdout": f"{KEY}\n", "stderr": f"{KEY}\n"}
    assert "no ***" in str(task.error)
    assert KEY not in shown(task)


@on_loop
async def test_what_another_process_writes_and_raises_is_masked() -> None:
    def speak(key: str) -> None:
        print(key)
        raise ValueError(key)

    spec = INPUTS + "steps: [{action: speak, executor: process, params: {key: '{{ inputs.key }}'}}]"
    task = await done(spec, speak, inputs={"key": KEY})
    assert [line.text for line in task.logs] == ["***"]
    assert KEY not in shown(task)


@on_clock
async def test_a_default_is_masked_and_so_are_secrets_in_lists() -> None:
    spec = """
inputs: [{name: key, type: secret, default: hunter2-hunter2}, {name: more, type: "list[secret]"}]
steps:
  - {action: core.log, params: {message: "{{ inputs.key }} {{ inputs.more }}"}}
"""
    task = await done(spec, inputs={"more": ["first-one", "second-one"]})
    assert [line.text for line in task.logs] == ["*** ['***', '***']"]


@on_clock
async def test_each_line_of_a_secret_is_masked_alone() -> None:
    key = "-----BEGIN-----\nMIIEvQIBADANBg\n  indented-part  \n\n-----END-----\n"
    spec = (
        INPUTS
        + """
steps:
  - {action: core.log, params: {message: "{{ inputs.key }}"}}
  - {action: core.log, params: {message: "has MIIEvQIBADANBg and indented-part"}}
  - {action: core.fail, params: {message: "{{ [inputs.key] }}"}}
"""
    )
    task = await done(spec, inputs={"key": key})
    said = shown(task)
    assert not any(line.strip() in said for line in key.splitlines() if line.strip())
    assert "has *** and ***" in said


TRICKY = [
    'it\'s "quoted"',
    "back\\slash\\n",
    "umläut-ключ-🔑",
    "tab\there",
    "per%cent&amp=1 +",
    ".*[a-z]+(x",
    "nul\x00l",
]


@pytest.mark.parametrize("key", TRICKY)
def test_the_forms_that_python_json_and_addresses_give_a_secret_are_masked(key: str) -> None:
    hidden = Secrets([key])
    forms = [
        key,
        repr(key),
        repr({"k": [key]}),
        repr(f'"{key}'),
        repr(f"'{key}"),
        ascii(key),
        repr(key.encode()),
        json.dumps({"k": key}),
        json.dumps({"k": key}, ensure_ascii=False),
        urllib.parse.quote(key),
        urllib.parse.quote_plus(key),
        urllib.parse.urlencode({"q": key}),
    ]
    for form in forms:
        masked = hidden.mask(form)
        assert "***" in masked
        assert hidden.mask(masked) == masked
        rest = masked.replace("***", "").strip("'\"{}[]kq=: b\\")
        assert rest == "", (form, masked)


def test_an_empty_secret_hides_nothing() -> None:
    assert Secrets(["", "  \n "]).mask("a  b") == "a  b"
    assert not Secrets([""])
    error = ValueError("x")
    assert NONE.mask_error(error) is error


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    hidden = Secrets(["abc"]) | Secrets(["abcdef", "zz"])
    assert hidden.mask("abcdef abc zz") == "*** *** ***"
    assert (hidden | NONE) is hidden


@on_clock
async def test_a_sub_tasks_secrets_are_its_parents_from_then_on() -> None:
    spec = """
inputs: [{name: key, type: secret}]
steps:
  - name: sub
    action: core.run_task
    params:
      inputs: {given: "{{ inputs.key }}", other: inner-secret}
      task:
        meta: {title: "Sub {{ inputs.given }} {{ inputs.other }}"}
        inputs: [given, {name: other, type: secret}]
        steps:
          - {name: inner, action: core.log, params: {message: "{{ inputs.given }} {{ inputs.other }}"}}
        returns: "{{ inputs.other }}"
  - {name: after, action: core.log, params: {message: "{{ steps.sub.output }}"}}
  - {name: bad, action: core.fail, params: {message: "{{ steps.sub.output }} {{ inputs.key }}"}}
"""
    task = await done(spec, inputs={"key": KEY})
    said = shown(task)
    assert KEY not in said
    assert "inner-secret" not in said
    assert task.steps["sub"].output == "inner-secret"
    assert task.steps["sub"].children.title == "Sub *** ***"


@on_clock
async def test_a_sub_tasks_input_error_does_not_show_its_parents_secret() -> None:
    inner = {"inputs": [{"name": "n", "enum": ["a", "b"]}], "steps": [{"action": "echo"}]}
    params = {"task": inner, "inputs": {"n": "{{ inputs.key }}"}}
    spec = {
        "inputs": [{"name": "key", "type": "secret"}],
        "steps": [{"action": "core.run_task", "params": params}],
    }
    task = await done(spec, echo, inputs={"key": KEY})
    assert "SpecError" in f"{type(task.error).__name__}: {task.error}"
    assert KEY not in shown(task)


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ("{name: key, type: secret, enum: [other-one, other-two]}", KEY),
        ("{name: key, type: secret}", [KEY]),
        ("{name: key, type: 'list[secret]'}", KEY),
        ("{name: key, type: secret}", KEY.encode()),
    ],
)
def test_an_input_error_never_shows_a_secret(block: str, value: Any) -> None:
    async def main() -> None:
        async with scheduler(echo) as made:
            with pytest.raises(SpecError) as refused:
                made.run_ad_hoc_task(f"inputs: [{block}]\nsteps: [{{action: echo}}]", {"key": value})
        assert KEY not in everything(refused.value)

    on_clock(main)()


@on_clock
async def test_a_title_that_is_given_or_written_out_is_masked_too() -> None:
    async with scheduler(echo) as made:
        spec = INPUTS + "steps: [{action: echo}]"
        assert made.run_ad_hoc_task(spec, {"key": KEY}, title=f"with {KEY}").title == "with ***"
        spec = f"meta: {{title: with {KEY}}}\n{spec}"
        assert made.run_ad_hoc_task(spec, {"key": KEY}).title == "with ***"
        await made.join()


@on_clock
async def test_a_title_that_cannot_be_rendered_does_not_show_a_secret() -> None:
    spec = (
        "meta: {title: '{{ inputs.xs[inputs.key] }}'}\ninputs: [xs, {name: key, type: secret}]\nsteps: [{action: echo}]"
    )
    async with scheduler(echo) as made:
        with pytest.raises(SpecError) as refused:
            made.run_ad_hoc_task(spec, {"key": KEY, "xs": {}})
    assert KEY not in str(refused.value)


@on_clock
async def test_awaiting_shows_no_secret_either() -> None:
    async def fail(key: str) -> None:
        raise SystemExit(key)

    spec = INPUTS + "steps: [{action: fail, params: {key: '{{ inputs.key }}'}}]"
    async with scheduler(fail) as made:
        task = made.run_ad_hoc_task(spec, {"key": KEY})
        with pytest.raises(TaskError) as raised:
            await task
    out = io.StringIO()
    traceback.print_exception(raised.value, file=out)
    assert KEY not in out.getvalue()


@on_clock
async def test_the_input_is_masked_whatever_its_length() -> None:
    spec = INPUTS + "steps: [{action: core.log, params: {message: '{{ inputs.key }} x {{ inputs.key }}'}}]"
    long = "k" * 20_000
    for key in ("7", long):
        task = await done(spec, inputs={"key": key})
        assert [line.text for line in task.logs] == ["*** x ***"]


@pytest.mark.parametrize(
    ("cut", "masked"),
    [
        (f"value='{LONG_KEY[:25]}...{LONG_KEY[-24:]}', type=str", "value='***...***', type=str"),  # as pydantic says it
        (f"0  {LONG_KEY[:46]}...\n1  {LONG_KEY[:46]}...", "0  ***...\n1  ***..."),  # as pandas
        (f"{LONG_KEY[:9]} [...]", "*** [...]"),  # as textwrap
        (f"…{LONG_KEY[-7:]} and {LONG_KEY[:4]}…", "…*** and ***…"),
    ],
)
def test_what_a_library_left_of_a_secret_when_it_shortened_a_text_is_masked(cut: str, masked: str) -> None:
    assert Secrets([LONG_KEY]).mask(cut) == masked


@on_clock
async def test_a_validation_error_of_pydantic_does_not_show_the_two_ends_of_a_secret() -> None:
    class Login(pydantic.BaseModel):
        number: int

    async def log_in(key: str) -> None:
        Login(number=key)  # type: ignore[arg-type]

    spec = INPUTS + "steps: [{action: log_in, params: {key: '{{ inputs.key }}'}}]"
    task = await done(spec, log_in, inputs={"key": LONG_KEY})
    said = shown(task)
    assert "int_parsing" in said
    assert LONG_KEY[:8] not in said
    assert LONG_KEY[-8:] not in said


@pytest.mark.parametrize(
    ("key", "as_requests_has_it"),
    [
        ("a b+c/d=e", "a%20b+c/d=e"),
        ("p(1)!*<x>", "p(1)!*%3Cx%3E"),
        ("50%^{q}|~", "50%25%5E%7Bq%7D%7C~"),
        ("k'1\"2`3[4]", "k'1%222%603%5B4%5D"),
    ],
)
def test_a_secret_in_an_address_is_masked_as_http_libraries_write_it(key: str, as_requests_has_it: str) -> None:
    secrets = Secrets([key])
    for part in ("http://example.org/{}", "http://example.org/?key={}"):
        assert secrets.mask(part.format(as_requests_has_it)) == part.format("***")
        assert secrets.mask(str(httpx.URL(part.format(key)))) == part.format("***")
