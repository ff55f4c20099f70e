"""`jupyter aura submit`, `tasks`, `logs` and `cancel`: tasks of a running Jupyter server."""

from __future__ import annotations

import argparse
import json
import signal
from typing import Any

from pydantic import ValidationError

from ..client import ApiError, Client, NoServerError
from ..rest import ServedDetail, ServedTask
from ..spec.model import InputSpec
from ..spec.problems import Source
from ..spec.reader import read_text
from .endings import BY_SIGNAL, FAILED, OK, WRONG, harmless, tell
from .specs import STDIN, mistakes_shown, source_from
from .values import given_inputs

_WRONG_REQUEST = (400, 422)
_ID, _STATUS = 16, 9  # characters


def main(options: argparse.Namespace) -> int:
    """Do what the command says.

    Args:
        options: of the command line.

    Returns:
        The exit status.
    """
    commands = {"tasks": _tasks, "logs": _logs, "cancel": _cancel, "submit": _submit}
    try:
        with Client(options.server) as client:
            return commands[options.command](client, options)
    except NoServerError as error:
        tell(harmless(str(error)))
        return FAILED
    except ApiError as error:
        tell(harmless(str(error)))
        return WRONG if error.status in _WRONG_REQUEST else FAILED


def _submit(client: Client, options: argparse.Namespace) -> int:
    with mistakes_shown():
        source = source_from(options.file)
        inputs = _inputs(options, source)
    accepted = client.run_ad_hoc(source.text or "", inputs, kernel_id=options.kernel)
    if not options.wait:
        print(accepted.task_id)
        return OK
    try:
        tell(f"Task {accepted.task_id} in kernel {accepted.kernel_id}")
        for update in client.events(accepted.task_id):
            tell(harmless(update.task.phrase))
    except KeyboardInterrupt:
        client.cancel(accepted.task_id)
        tell("Cancelled.")
        return BY_SIGNAL + signal.SIGINT
    return _write(client.task(accepted.task_id))


def _write(task: ServedDetail) -> int:
    """Write the result of a task that has ended, or say why there is none."""
    if task.status != "COMPLETED":
        error, step = task.error, f" (step {task.error.step})" if task.error and task.error.step else ""
        tell(harmless(f"{error.type}: {error.message}{step}" if error is not None else task.reason or task.phrase))
        return FAILED
    result = task.result
    if result is None or result.is_json:
        print(json.dumps(result.value if result is not None else None, ensure_ascii=False))
        return OK
    tell(harmless(f"The result is no JSON, but a {result.type}: {result.preview}"))
    return FAILED


def _inputs(options: argparse.Namespace, source: Source) -> dict[str, Any]:
    """The inputs by the types that the spec gives them; whether it is right is for the kernel to say."""
    given = given_inputs(options.given, options.inputs, _declared(source), source, spec_is_stdin=options.file == STDIN)
    for name in given.in_plain:
        tell(f"The secret '{name}' stands on the command line: -i {name}=env:VARIABLE keeps it out.")
    return given.values


def _declared(source: Source) -> list[InputSpec]:
    found = []
    declared = read_text(source).get("inputs")
    for each in declared if isinstance(declared, list) else ():
        try:
            found.append(InputSpec.model_validate(each if isinstance(each, dict) else {"name": each}))
        except ValidationError:  # the kernel says what is wrong with it
            continue
    return found


def _tasks(client: Client, options: argparse.Namespace) -> int:
    tasks = client.tasks(kernel_id=options.kernel, status=options.status, limit=options.limit)
    if options.json:
        print(json.dumps([task.model_dump(mode="json") for task in tasks], ensure_ascii=False, indent=2))
    else:
        for task in tasks:
            print(harmless(_row(task)))
    return OK


def _row(task: ServedTask) -> str:
    title = " ".join(task.title.split())
    return f"{task.task_id:<{_ID}}  {task.status:<{_STATUS}}  {title}: {task.phrase}"


def _logs(client: Client, options: argparse.Namespace) -> int:
    for line in client.logs(options.task, step=options.step, follow=options.follow):
        step = f"{line.step}: " if line.step is not None else ""
        print(harmless(f"{line.time.astimezone():%H:%M:%S}  {step}{line.text}"), flush=True)
    return OK


def _cancel(client: Client, options: argparse.Namespace) -> int:
    if not client.cancel(options.task).done:
        tell("The task had ended already.")
    return OK
