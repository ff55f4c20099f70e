"""The Python client of the REST API: `Client` for scripts, `AsyncClient` for coroutines.

from aura_jupyter.client import Client

with Client() as client:  # of the Jupyter server that runs on this machine
    task = client.run_ad_hoc(spec, {"n": 3})
    print(client.wait(task.task_id).result)
"""

from __future__ import annotations

from .clients import AsyncClient, Client
from .errors import ApiError, NoServerError

__all__ = ["ApiError", "AsyncClient", "Client", "NoServerError"]
