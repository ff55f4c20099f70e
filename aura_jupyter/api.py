"""The Python API over one scheduler for each event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, TypeVar, get_args

from .engine.attempt import Attempt
from .engine.logs import current_sink
from .engine.loop_thread import LoopThread
from .engine.plan import Namespace
from .engine.plans import Spec
from .engine.scheduler import MAX_CONCURRENCY, Scheduler
from .engine.tasklet import Tasklet, describe_with
from .errors import NoSchedulerError

Loop = Literal["kernel", "thread"]
LOOPS: tuple[Loop, ...] = get_args(Loop)
T = TypeVar("T")


class _Settings:
    """What `configure` sets, for the schedulers that are there and those to come."""

    def __init__(self) -> None:
        self.max_concurrency = MAX_CONCURRENCY
        self.loop: Loop = "kernel"
        self.thread: LoopThread | None = None
        self.listeners: list[Callable[[], object]] = []
        self.dask: Any = None
        self.namespace: Namespace | None = None
        self.notebook: Scheduler | None = None
        self.at_first_submit: Callable[[], object] | None = None


_settings = _Settings()
_schedulers: dict[asyncio.AbstractEventLoop, Scheduler] = {}
_lock = threading.Lock()


def submit(
    spec: Spec, inputs: Mapping[str, Any] | None = None, *, title: str | None = None, timeout: float | None = None
) -> Tasklet:
    """Queue a task and give its tasklet at once.

    Args:
        spec: YAML text, a mapping or a `pathlib.Path`.
        inputs: the inputs by name; they are passed on by reference.
        title: the title where the spec has none.
        timeout: seconds, in the place of the spec's `meta.timeout`.

    Raises:
        SpecError: the spec or an input is wrong. Nothing has run.
        NoSchedulerError: called in a thread without a running loop, outside an action and outside a notebook.
    """
    __tracebackhide__ = True
    if _settings.at_first_submit is not None:
        first, _settings.at_first_submit = _settings.at_first_submit, None
        first()
    return current_scheduler().run_ad_hoc_task(spec, inputs, title=title, timeout=timeout)


def run(
    spec: Spec, inputs: Mapping[str, Any] | None = None, *, title: str | None = None, timeout: float | None = None
) -> Any:
    """Run a task and return its result, with and without a running loop. Interrupted, it cancels the task.

    Args:
        spec: YAML text, a mapping or a `pathlib.Path`.
        inputs: the inputs by name.
        title: the title where the spec has none.
        timeout: seconds, in the place of the spec's `meta.timeout`.

    Raises:
        SpecError: the spec or an input is wrong. Nothing has run.
        TaskCancelled: the task was cancelled.
        RuntimeError: the running loop is one that cannot be nested, as uvloop's.
        BaseException: what failed the task, as it was raised.
    """
    __tracebackhide__ = True
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        in_action = current_sink.get() is not None  # it holds a slot, which what it waits for must not need
        if _settings.loop == "thread" and not in_action:
            return asyncio.run(_result_of(submit(spec, inputs, title=title, timeout=timeout)))
        return asyncio.run(_run(spec, inputs, title, timeout))
    return wait_nested(loop, submit(spec, inputs, title=title, timeout=timeout))


async def _run(spec: Spec, inputs: Mapping[str, Any] | None, title: str | None, timeout: float | None) -> Any:
    async with scheduler_for(asyncio.get_running_loop()) as scheduler:
        return await _result_of(scheduler.run_ad_hoc_task(spec, inputs, title=title, timeout=timeout))


async def _result_of(tasklet: Tasklet) -> Any:
    try:
        return await tasklet
    except asyncio.CancelledError:
        tasklet.cancel()
        await tasklet.wait()
        raise


def wait_nested(loop: asyncio.AbstractEventLoop, tasklet: Tasklet) -> Any:
    """Wait for a task inside a running loop, which goes on meanwhile, and return its result.

    The patch that this needs makes every task on the loop dearer, so it is applied here and not before.

    Raises:
        RuntimeError: the loop cannot be nested.
    """
    __tracebackhide__ = True
    import nest_asyncio2  # noqa: PLC0415 - its patch is wanted here only

    try:
        nest_asyncio2.apply(loop)
    except ValueError:
        tasklet.cancel()
        kind = type(loop).__module__.partition(".")[0]
        raise RuntimeError(f"aura.run cannot wait inside a running {kind} loop: use `await aura.submit(...)`") from None
    try:
        run_nested(loop, tasklet.wait())
    except (KeyboardInterrupt, asyncio.CancelledError):
        tasklet.cancel()
        run_nested(loop, tasklet.wait())
        raise
    return tasklet.value()


def run_nested(loop: Any, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end inside a running loop that `nest_asyncio2` has patched.

    The pass of the loop that is under way may be older than the patch. It then takes as many callbacks as there were
    when it began, and breaks the loop where the nested passes have left it fewer: nothing stands in for those.
    """
    expected = len(loop._ready)
    try:
        result: T = loop.run_until_complete(work)
        return result
    finally:
        for _ in range(expected - len(loop._ready)):
            loop.call_soon(_do_nothing)


def _do_nothing() -> None: ...


def configure(*, max_concurrency: int | None = None, loop: Loop | None = None, dask: Any = None) -> None:
    """Set what holds for every scheduler of this process. What is left out stays as it is.

    Args:
        max_concurrency: how many tasks run at once.
        loop: where tasks run from the next one on: `kernel`, the event loop that runs where they are submitted, or
            `thread`, one in a thread of its own, whose tasks go on while a cell holds the kernel.
        dask: a `distributed.Client` for steps with `executor: dask`.

    Raises:
        ValueError: a value that cannot be.
    """
    schedulers = list(_schedulers.values())
    if loop is not None and loop not in LOOPS:
        raise ValueError(f"loop is {' or '.join(map(repr, LOOPS))}, and this is {loop!r}")
    if max_concurrency is not None:
        if type(max_concurrency) is not int or max_concurrency < 1:
            raise ValueError(f"max_concurrency is a whole number, 1 or more, and this is {max_concurrency!r}")
        _settings.max_concurrency = max_concurrency
        for scheduler in schedulers:
            scheduler.max_concurrency = max_concurrency
    if loop is not None:
        _settings.loop = loop
    if dask is not None:
        _settings.dask = dask
        for scheduler in schedulers:
            scheduler.dask = dask
    for listener in list(_settings.listeners):
        listener()


def configured() -> dict[str, Any]:
    """What `configure` has set, or the defaults, by name."""
    return {"max_concurrency": _settings.max_concurrency, "loop": _settings.loop, "dask": _settings.dask}


def when_configured(listener: Callable[[], object]) -> Callable[[], None]:
    """Call back after each `configure`; gives what ends that."""
    listeners = _settings.listeners
    listeners.append(listener)
    return lambda: listeners.remove(listener)


def current_scheduler() -> Scheduler:
    """The scheduler of the action that calls, else that of the thread where that is set, else that of the running loop,
    else the notebook's.

    Raises:
        NoSchedulerError: there is none.
    """
    loop = asyncio._get_running_loop()
    sink = current_sink.get()
    if isinstance(sink, Attempt) and loop in (None, sink.walk.loop):
        return sink.walk.manager.scheduler
    if _settings.loop == "thread":
        return scheduler_in_thread()
    if loop is not None:
        return scheduler_for(loop)
    if _settings.notebook is not None and not _settings.notebook.closed:
        return _settings.notebook
    raise NoSchedulerError("no event loop runs in this thread: use aura.run(...), or submit from a coroutine")


def scheduler_in_thread() -> Scheduler:
    """The scheduler on the loop in a thread of its own, which starts at the first call."""
    with _lock:
        if _settings.thread is None:
            _settings.thread = LoopThread()
    return scheduler_for(_settings.thread.loop)


def runs_in_thread() -> bool:
    """Whether the loop that runs here is the one in a thread of its own."""
    return _settings.thread is not None and asyncio._get_running_loop() is _settings.thread.loop


def schedulers() -> list[Scheduler]:
    """The schedulers of this process; any thread may ask."""
    with _lock:
        return list(_schedulers.values())


def before_first_submit(callback: Callable[[], object]) -> None:
    """Call back once, before the next `submit`."""
    _settings.at_first_submit = callback


def scheduler_for(loop: asyncio.AbstractEventLoop) -> Scheduler:
    """The scheduler of a loop, made where there is none."""
    with _lock:
        scheduler = _schedulers.get(loop)
        if scheduler is None or scheduler.closed:
            for known in [known for known in _schedulers if known.is_closed()]:
                _schedulers.pop(known).let_go()
            scheduler = Scheduler(
                loop=loop,
                max_concurrency=_settings.max_concurrency,
                namespace=_settings.namespace,
                dask=_settings.dask,
            )
            _schedulers[loop] = scheduler
        return scheduler


def use_notebook(scheduler: Scheduler | None, namespace: Namespace | None) -> None:
    """Make a notebook's scheduler and variables known, or with `None` forget them. For the notebook's side."""
    _settings.notebook = scheduler
    _settings.namespace = namespace
    if scheduler is not None:
        scheduler.namespace = namespace


def _describe(tasklet: Tasklet) -> str:
    from .view.text import text_now  # noqa: PLC0415 - only where somebody prints a tasklet

    return text_now(tasklet)


describe_with(_describe)
