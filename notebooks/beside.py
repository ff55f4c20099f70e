"""A Jupyter server that has the notebook's kernel: JupyterLab, or one that is started beside the kernel."""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ipykernel import get_connection_file

from aura_jupyter.client import ApiError, Client, NoServerError

LIMIT = 120  # seconds that a server may take to start


def kernel_for_others() -> str:
    """The id by which the Jupyter server of this machine has this notebook's kernel.

    In JupyterLab that is the server which started the kernel. Where there is none (nbval, an editor) one is started,
    and is shown the kernel by its connection file. It ends with the kernel.
    """
    file = Path(get_connection_file())
    return _found(file.stem.removeprefix("kernel-")) or _started(file)


def _found(kernel_id: str) -> str | None:
    try:
        with Client() as client:
            return next((each.kernel_id for each in client.kernels().kernels if each.kernel_id == kernel_id), None)
    except (NoServerError, ApiError):
        return None


def _started(file: Path) -> str:
    shown = Path(tempfile.mkdtemp(prefix="aura-kernel-"))
    (shown / file.name).symlink_to(file)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["JUPYTER_SERVER_URL"] = f"http://localhost:{port}/"  # by which clients find it, as in a terminal of it
    os.environ["JUPYTER_TOKEN"] = secrets.token_hex(16)
    words = ("--no-browser", "--allow-root", "--ServerApp.allow_external_kernels=True", "--ServerApp.port_retries=0")
    server = subprocess.Popen(  # noqa: S603 - of our own words
        [
            sys.executable,
            "-m",
            "jupyter_server",
            *words,
            f"--port={port}",
            f"--ServerApp.external_connection_dir={shown}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(server.terminate)
    end = time.monotonic() + LIMIT
    while server.poll() is None and time.monotonic() < end:
        try:
            with Client(os.environ["JUPYTER_SERVER_URL"], os.environ["JUPYTER_TOKEN"]) as client:
                for kernel in client.kernels().kernels:
                    if kernel.aura:
                        return kernel.kernel_id
        except (NoServerError, ApiError):
            pass
        time.sleep(0.2)
    raise RuntimeError("The server beside the kernel did not start: is jupyter_server installed?")
