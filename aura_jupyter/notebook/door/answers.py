"""What the door answers. Nothing raises: a request that cannot be answered gets a failure that says why."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ... import api
from ...assist import answers as assistance
from ...assist.surroundings import Registered, Surroundings
from ...engine.scheduler import MAX_WAITING, Scheduler
from ...engine.tasklet import Tasklet, TaskStatus
from ...errors import NoSchedulerError
from ...messages import (
    PROTOCOL,
    REQUESTS,
    ActionList,
    Actions,
    Answer,
    Cancel,
    Card,
    CardPicture,
    Complete,
    Completed,
    Done,
    Failure,
    Form,
    Hello,
    HelloAnswer,
    Inputs,
    Inspect,
    Inspected,
    LogPage,
    Logs,
    Model,
    Move,
    OfTask,
    Press,
    Reply,
    Rerun,
    RunAdHoc,
    Step,
    StepAnswer,
    Submitted,
    Subscribe,
    Subscribed,
    Task,
    TaskDetail,
    TaskList,
    Tasks,
    Unsubscribe,
    Validate,
    Validated,
)
from ...spec.problems import Source, SpecError
from ...view import picture, reports
from ...view.opened import blocks_of, find
from ..completion import Known
from .feed import Feed
from .form import form, picked
from .greeting import greeting
from .refusal import Refusal, no_request, other_protocol
from .tasks import KernelTasks, step_of

if TYPE_CHECKING:
    from .registration import Door

_LOOK = 0.02  # seconds after which a loop that has not answered is held by the cell that runs
_LANES: dict[type[Model], str] = {
    **dict.fromkeys((Hello, Subscribe, Unsubscribe, Cancel, Answer), "here"),
    Move: "loop",
    Step: "values",  # their `repr` may take for ever
    Card: "values",
    Inputs: "values",
}

_CARDS = "aura_jupyter.notebook.card.board"  # slow to import: it needs the widgets

Json = dict[str, Any]


class Answers:
    """Answers the requests of one kernel.

    Args:
        door: where they come in.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self.feed = Feed(door.kernel)
        self.tasks = KernelTasks()

    def close(self) -> None:
        """Send no more events."""
        self.feed.close()

    # --- the way of a request -----------------------------------------------------------------------------------------

    def read(self, content: object) -> Model | Refusal:
        """The request in a message."""
        if not isinstance(content, Mapping):
            return Refusal("bad-request", "the content of a request is a JSON object")
        given = dict(content)
        protocol = given.pop("protocol", PROTOCOL)
        if protocol != PROTOCOL:
            return other_protocol(protocol)
        try:
            return REQUESTS.validate_python(given)
        except ValidationError as error:
            return no_request(error)

    @staticmethod
    def lane(request: Model | Refusal) -> str:
        """Where a request is answered: `here` in the control thread, on the `loop`, or in threads."""
        if isinstance(request, Press):
            quick = request.message.get("kind") in ("cancel", "answer") and _CARDS in sys.modules
            return "here" if quick else "tasks"
        return "here" if isinstance(request, Refusal) else _LANES.get(type(request), "tasks")

    def reply(self, request: Model | Refusal) -> Json:
        """The content of the reply."""
        try:
            if isinstance(request, Refusal):
                raise request
            answer: Model = _ANSWERS[type(request)](self, request)
            return Reply(status="ok", answer=answer.model_dump(mode="json")).model_dump(mode="json")
        except Refusal as refusal:
            return _failed(refusal.failure)
        except SpecError as error:
            number = len(error.problems)
            message = error.problems[0].message if number == 1 else f"{number} problems"
            return _failed(Failure(code="bad-spec", message=message, problems=reports.problems(error)))
        except NoSchedulerError:
            return _failed(Failure(code="failed", message="the kernel is ending and takes no more tasks"))
        except Exception as error:
            self._door.kernel.log.exception("A request could not be answered.")
            return self.failed(error)

    @staticmethod
    def failed(error: BaseException) -> Json:
        """The reply where answering raised something; what it says may be private, so only its class is told."""
        return _failed(Failure(code="failed", message=f"the kernel could not answer: {type(error).__name__}"))

    @staticmethod
    def busy() -> Json:
        """The reply where the loop did not become free in time."""
        message = "the kernel is busy with a cell; this is done as soon as it is free"
        return _failed(Failure(code="busy", message=message))

    def loop_for(self, request: Model) -> asyncio.AbstractEventLoop | None:
        """The loop of the task that a request is about."""
        tasklet = self.tasks.find(request.task_id) if isinstance(request, OfTask) else None
        return tasklet.scheduler.loop if tasklet is not None and not tasklet.scheduler.loop.is_closed() else None

    # --- answers ------------------------------------------------------------------------------------------------------

    def _scheduler(self) -> Scheduler:
        """The scheduler that takes tasks now."""
        try:
            scheduler = api.current_scheduler()
        except NoSchedulerError:
            loop = self._door.loop
            if loop is None:
                raise
            scheduler = api.scheduler_for(loop)
        if self._door.notebook is not None and scheduler.namespace is None:  # no cell has run yet
            scheduler.namespace = self._door.notebook.variables
        return scheduler

    def _hello(self, _request: Hello) -> HelloAnswer:
        return HelloAnswer(**greeting(self._door.notebook))

    def _subscribe(self, request: Subscribe) -> Subscribed:
        return Subscribed(last=self.feed.subscribe(request.subscriber, request.lease), lease=request.lease)

    def _unsubscribe(self, request: Unsubscribe) -> Done:
        return Done(done=self.feed.unsubscribe(request.subscriber))

    def _run_ad_hoc(self, request: RunAdHoc) -> Submitted:
        scheduler = self._scheduler()
        notebook = self._door.notebook
        most = notebook.settings.max_waiting if notebook is not None else MAX_WAITING
        if scheduler.waiting >= most:
            raise Refusal("too-many", f"{scheduler.waiting:,} tasks are waiting, which is the limit: try again later")
        chosen, missing = picked(request.variables, notebook.variables if notebook is not None else None)
        if missing:
            raise SpecError(missing, Source(""))
        tasklet = scheduler.run_ad_hoc_task(
            request.task_spec,
            {**request.inputs, **chosen},
            title=request.title,
            sender="panel" if request.use_variables else "outside",
        )
        self.tasks.add(tasklet, request)
        return self._submitted(tasklet)

    def _submitted(self, tasklet: Tasklet) -> Submitted:
        busy = self._is_busy(tasklet.scheduler.loop)
        return Submitted(task_id=tasklet.task_id, title=reports.title(tasklet), busy=busy)

    @staticmethod
    def _is_busy(loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a cell holds a loop."""
        free = threading.Event()
        loop.call_soon_threadsafe(free.set)
        return not free.wait(_LOOK)

    def _rerun(self, request: Rerun) -> Submitted:
        remains = self.tasks.remains(request.task_id)
        if remains is not None:
            return self._run_ad_hoc(remains.asked)
        old = self.tasks.get(request.task_id)
        if not old.status.is_final:
            raise Refusal("conflict", "the task has not ended: cancel it first")
        asked, notebook = self.tasks.asked(old), self._door.notebook
        if asked is not None:
            return self._run_ad_hoc(asked)
        if notebook is None:
            raise Refusal("conflict", "without %load_ext aura_jupyter only tasks from outside can be run again")
        new = notebook.run_again(old)
        old.scheduler.loop.call_soon_threadsafe(notebook.shows.show_instead, old, new)
        return self._submitted(new)

    def _tasks(self, request: Tasks) -> TaskList:
        return self.tasks.listed(request)

    def _task_detail(self, request: Task) -> TaskDetail:
        remains = self.tasks.remains(request.task_id)
        if remains is not None:
            return remains.steps_from(request.first, request.limit)
        return reports.detail(self.tasks.get(request.task_id), request.first, request.limit)

    def _step(self, request: Step) -> StepAnswer:
        tasklet = self.tasks.get(request.task_id)
        row = find(tasklet, request.row)
        if row is None:
            raise Refusal("no-step", "the task has no such row")
        return StepAnswer(blocks=blocks_of(row, tasklet))

    def _card(self, request: Card) -> CardPicture:
        return CardPicture(picture=picture.stored(self.tasks.get(request.task_id)))

    def _logs(self, request: Logs) -> LogPage:
        remains = self.tasks.remains(request.task_id)
        if remains is not None:
            return remains.log(request.after, request.step, request.limit)
        return reports.log_page(self.tasks.get(request.task_id), request.after, request.step, request.limit)

    def _cancel(self, request: Cancel) -> Done:
        if self.tasks.remains(request.task_id) is not None:
            return Done(done=False)
        return self._cancel_task(self.tasks.get(request.task_id))

    def _cancel_task(self, tasklet: Tasklet) -> Done:
        if tasklet.status.is_final:
            return Done(done=False)
        tasklet.cancel()
        self.feed.touch(tasklet)
        return Done()

    def _move(self, request: Move) -> Done:
        tasklet = self.tasks.get(request.task_id)
        if tasklet.status is not TaskStatus.QUEUED:
            raise Refusal("conflict", "the task is not in the queue any more")
        if not tasklet.scheduler.task_queue.move(tasklet, request.place):
            raise Refusal("conflict", "the task waits for the others of its concurrency group, beside the queue")
        self.feed.queue_moved(tasklet.scheduler)
        return Done()

    def _answer(self, request: Answer) -> Done:
        tasklet = self.tasks.get(request.task_id)
        step = step_of(tasklet, request.step)
        if step is None:
            raise Refusal("no-step", "the task has no such step")
        question = step.question
        if question is None:
            raise Refusal("conflict", "the step asks nothing, or not any more")
        if request.choice not in question.choices:
            raise Refusal("bad-request", tasklet.secrets.mask(f"the choices are {', '.join(question.choices)}"))
        question.answer(request.choice)
        return Done()

    def _press(self, request: Press) -> Model:
        from ..card.board import board_of  # noqa: PLC0415 - slow: it needs the widgets

        tasklet, message = self.tasks.get(request.task_id), request.message
        board = board_of(tasklet.scheduler)
        kind = message.get("kind")
        if kind not in ("cancel", "answer", "rerun"):
            raise Refusal("bad-request", "a press is one of cancel, answer and rerun")
        if not board.counts(message.get("press")):
            return Done(done=False)
        if kind == "cancel":
            return self._cancel_task(tasklet)
        if kind == "rerun":
            return self._rerun(Rerun(task_id=request.task_id))
        row, choice = message.get("row"), message.get("choice")
        return self._answer(Answer(task_id=request.task_id, step=str(row), choice=str(choice)))

    # --- for who writes a spec ----------------------------------------------------------------------------------------

    @property
    def _surroundings(self) -> Surroundings:
        notebook = self._door.notebook
        return Known(notebook.variables) if notebook is not None else Registered()

    def _actions(self, _request: Actions) -> ActionList:
        return assistance.actions(self._surroundings)

    def _validate(self, request: Validate) -> Validated:
        notebook = self._door.notebook
        above = tuple(request.above)
        if notebook is None:
            return assistance.validated(request.task_spec, None, above)
        found = assistance.validated(request.task_spec, notebook.variables, above)
        mistake = notebook.line_mistake(above)
        return found if mistake is None else Validated(problems=[*reports.problems(mistake), *found.problems])

    def _inputs(self, request: Inputs) -> Form:
        notebook = self._door.notebook
        return form(request, notebook.variables if notebook is not None else None)

    def _complete(self, request: Complete) -> Completed:
        return assistance.completed(request.text, request.at, self._surroundings)

    def _inspect(self, request: Inspect) -> Inspected:
        return assistance.inspected(request.text, request.at, self._surroundings)


_ANSWERS: dict[type[Model], Any] = {
    Hello: Answers._hello,
    Subscribe: Answers._subscribe,
    Unsubscribe: Answers._unsubscribe,
    RunAdHoc: Answers._run_ad_hoc,
    Tasks: Answers._tasks,
    Task: Answers._task_detail,
    Step: Answers._step,
    Card: Answers._card,
    Logs: Answers._logs,
    Cancel: Answers._cancel,
    Move: Answers._move,
    Rerun: Answers._rerun,
    Answer: Answers._answer,
    Press: Answers._press,
    Actions: Answers._actions,
    Validate: Answers._validate,
    Inputs: Answers._inputs,
    Complete: Answers._complete,
    Inspect: Answers._inspect,
}


def _failed(failure: Failure) -> Json:
    return Reply(status="error", failure=failure).model_dump(mode="json")
