"""Steps on a dask cluster: a client that the person gave, else a local cluster that starts at its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import TaskError
from ..extras import require

_lock = threading.Lock()


class Cluster:
    """A dask client, and whether it is ours to close. Called in threads: a client has a loop of its own."""

    def __init__(self, client: Any, *, ours: bool) -> None:
        self.client = client
        self._ours = ours

    def call(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        params: Mapping[str, Any],
        when_cancelled: Callable[[Callable[[], None]], None],
    ) -> Any:
        """Run a call on the cluster and wait for it.

        Raises:
            BaseException: whatever the function raised; a `CancelledError` where it was cancelled.
        """
        try:
            future = self.client.submit(_call, function, list(args), dict(params), pure=False)
        except Exception as error:
            name = getattr(function, "__name__", str(function))
            raise TaskError(f"{name} cannot be sent to the dask cluster: {error}") from error
        when_cancelled(lambda: future.cancel(force=True))
        return future.result()

    def close(self) -> None:
        """Close what was started here; a client that was given stays as it is."""
        if self._ours:
            cluster = self.client.cluster
            self.client.close()
            cluster.close()


def cluster_for(given: Any, known: Cluster | None) -> Cluster:
    """The cluster to use.

    Args:
        given: the client that was configured, or `None`.
        known: what was used last.

    Raises:
        MissingPackageError: dask is not installed.
        TaskError: the client is an asynchronous one.
    """
    with _lock:
        if given is not None:
            if known is not None and known.client is given:
                return known
            if getattr(given, "asynchronous", False):
                raise TaskError("the dask client is an asynchronous one; give one made by distributed.Client(...)")
            return Cluster(given, ours=False)
        if known is not None:
            return known
        distributed = require("distributed", extra="dask", what="executor: dask")
        local = distributed.LocalCluster(dashboard_address=None, silence_logs=40)
        return Cluster(distributed.Client(local), ours=True)


def _call(function: Callable[..., Any], args: list[Any], params: dict[str, Any]) -> Any:
    return function(*args, **params)
