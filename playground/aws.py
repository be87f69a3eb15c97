"""The local AWS: ministack in a process of its own, on 127.0.0.1, gone when the block ends.

It keeps nothing on disk and sees none of this machine's credentials. What stands in it (queues, tables)
is made by those who start it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
"""Where ministack says it is unless told otherwise."""

START_WITHIN_S = 30.0
"""A start takes half a second on an idle machine; this is for one that is not."""

STOP_WITHIN_S = 0.5
"""It ends at once when asked, unless someone still waits for a message; afterwards it is made to."""

PORTS_TRIED = 3
"""A free port can be taken by another process before ministack binds it."""

RUN_UNTIL_INPUT_ENDS = """
import os, runpy, shutil, sys, threading, uvicorn

def end_with_the_starter():
    os.read(0, 1)
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)

threading.Thread(target=end_with_the_starter, daemon=True).start()
for script in [sys.argv.pop() for _ in sys.argv[1:]]:
    runpy.run_path(script)
uvicorn.run(
    "ministack.app:app",
    host=os.environ["BIND_HOST"],
    port=int(os.environ["GATEWAY_PORT"]),
    http="httptools",
    ws="none",
    log_level="warning",
    access_log=False,
    timeout_keep_alive=75,
)
"""
"""Its standard input is a pipe from us, which the system closes however we end, also when we are
killed. The folder that it then removes is the one made for it. It is served by uvicorn with httptools, which
takes half of the processor per request that the server it brings takes."""


@dataclass(frozen=True, slots=True)
class LocalAws:
    """Where the local AWS can be reached; `url` has no trailing slash and suits AWS_ENDPOINT_URL."""

    url: str
    region: str = REGION


@contextlib.contextmanager
def start_local_aws(
    port: int = 0, *, settings: Mapping[str, str] | None = None, script: Path | None = None
) -> Iterator[LocalAws]:
    """Run a local AWS while the block runs; port 0 picks a free one.

    `settings` are further variables of ministack's, and `script` runs in its process before it starts.
    Raises RuntimeError with the last lines of its log when it does not come up.
    """
    with (
        tempfile.TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as running,
    ):
        bound = _bring_up(port, Path(folder), running, _Extras(settings or {}, script))
        yield LocalAws(url=f"http://{LOOPBACK}:{bound}")


@dataclass(frozen=True, slots=True)
class _Extras:
    """What its starter wants of it beside what everyone gets."""

    settings: Mapping[str, str]
    script: Path | None

    @property
    def arguments(self) -> list[str]:
        return [str(self.script)] if self.script else []


def _bring_up(port: int, folder: Path, running: contextlib.ExitStack, extras: _Extras) -> int:
    """Start it and wait until it answers; `running` stops whatever was started, also on Ctrl-C."""
    for _ in range(1 if port else PORTS_TRIED):
        bound = port or _free_port()
        process = _start(bound, folder, extras)
        running.callback(_stop, process)
        if _is_healthy(process, bound):
            return bound
        if process.poll() is None:
            break  # it hangs, which another port would not change
    log = (folder / "log").read_text(errors="replace")
    raise RuntimeError(f"the local AWS did not come up on port {bound}: {log[-2000:]}")


def _start(port: int, folder: Path, extras: _Extras) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
            [sys.executable, "-c", RUN_UNTIL_INPUT_ENDS, *extras.arguments],
            env=_environment(port, folder) | dict(extras.settings),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its own children can be ended with it
        )


def _environment(port: int, folder: Path) -> dict[str, str]:
    """Only what it needs: its functions inherit this environment, so ours must not leak in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": LOOPBACK,  # it would listen on every interface
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def _is_healthy(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it answers; False when it ended or took too long."""
    give_up = time.monotonic() + START_WITHIN_S
    while process.poll() is None and time.monotonic() < give_up:
        if _answers(port):
            return process.poll() is None
        time.sleep(0.02)
    return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=0.5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    with process:  # closes its input, and waits for it in the end
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the functions that it still runs, or itself
