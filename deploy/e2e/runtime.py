"""The runtime: AWS's own runtime client for Python, with nothing importable but what Lambda has.

A cold start is a process of its own: the interpreter starts, the client imports the function's module, asks
for the first event, and the function answers it.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy import bytecode
from deploy.e2e.loopback import Answering, Loopback
from deploy.e2e.steps import StepFailed
from deploy.package import BUILD

REQUEST_ID = "3f2c9a52-0000-4000-8000-000000000000"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:cold-start"

WITHIN_S = 120.0
"""For one cold start; half a second is usual."""

TIME_TO_ANSWER_MS = 20_000
"""What the function is told that it has."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Milliseconds that the process computed until it had answered, the answer, and what was printed."""

    ms: float
    answer: Any
    printed: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter with the runtime client, and the folder of the AWS SDK that Lambda has besides."""

    python: Path
    sdk: Path
    version: str

    def cold_start(
        self, handler: str, event: Any, folder: Path, environment: Mapping[str, str], *, with_sdk: bool
    ) -> ColdStart:
        """Start a function of `folder` on its first event; raises StepFailed when it does not answer."""
        with _RuntimeApi(event) as api:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [self.python, "-m", "awslambdaric", handler],
                cwd=folder,
                env={
                    "AWS_LAMBDA_RUNTIME_API": api.address,
                    "LAMBDA_TASK_ROOT": str(folder),
                    "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folder is read-only
                    "PYTHONNOUSERSITE": "1",
                    **({"PYTHONPATH": str(self.sdk)} if with_sdk else {}),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                is_over = api.over.wait(WITHIN_S)
            finally:
                process.kill()
                _, _, used = os.wait4(process.pid, 0)
                printed, _ = process.communicate()
        if not is_over or api.error:
            raise StepFailed(f"{handler} to answer its first event", f"{printed}{api.error}")
        return ColdStart((used.ru_utime + used.ru_stime) * 1000, api.answer, printed)


class _RuntimeApi(Loopback):
    """A Runtime API that hands out one event and takes the answer; one waits in vain for a second event."""

    def __init__(self, event: Any) -> None:
        super().__init__()
        self.over = threading.Event()
        self.answer: Any = None
        self.error = ""
        self._event = event
        self._is_handed_out = False
        self._closed = threading.Event()

    def reply(self, request: Answering, body: bytes) -> tuple[HTTPStatus, dict[str, str], bytes] | None:
        """Hand out the event, or take what became of it."""
        if request.command == "POST":
            self._end(request.path, body)
            return HTTPStatus.ACCEPTED, {}, b""
        if self._is_handed_out:
            self._closed.wait()
            return None
        self._is_handed_out = True
        headers = {
            "Lambda-Runtime-Aws-Request-Id": REQUEST_ID,
            "Lambda-Runtime-Deadline-Ms": str(round(time.time() * 1000) + TIME_TO_ANSWER_MS),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Content-Type": "application/json",
        }
        return HTTPStatus.OK, headers, json.dumps(self._event).encode()

    def __exit__(self, *problem: object) -> None:
        self._closed.set()
        super().__exit__(*problem)

    def _end(self, path: str, body: bytes) -> None:
        if path.endswith("/response"):
            self.answer = json.loads(body)
        else:
            self.error = body.decode(errors="replace")
        self.over.set()


def make_runtime(client: str, sdk: list[str]) -> Runtime:
    """Make the runtime of the pins `client` and `sdk`, once for the same ones and the same interpreter.

    It is a Python of the version that Lambda runs if there is one here, else this one.
    """
    python, version = bytecode.find_interpreter() or (sys.executable, sys.version.partition(" ")[0])
    digest = hashlib.sha256("\0".join([python, version, client, *sdk]).encode()).hexdigest()[:16]
    folder = BUILD / f"runtime-{digest}"
    runtime = Runtime(folder / "bin" / "python", folder / "sdk", version)
    done = folder / "done"
    if not done.exists():
        _run([python, "-m", "venv", "--clear", "--without-pip", str(folder)])
        _install([client], runtime.python)
        _install(sdk, runtime.python, "--target", str(runtime.sdk))
        done.touch()
    return runtime


def _install(pins: list[str], python: Path, *options: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install"]
    _run([*pip, "--quiet", "--only-binary", ":all:", *options, *pins])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise StepFailed(f"{' '.join(command)} to succeed", done.stdout + done.stderr)
