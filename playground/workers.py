"""The workers: processes that poll the queue and run `handler.answer`, as Lambda does with its containers.

One process works on one job at a time. A process that dies is replaced; its job comes back when its
visibility runs out, as on AWS. They are forked from one process that has made everything already, so that
none of them starts cold.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from playground.aws_json import AwsRefused, Call, call

WORKERS = 24
"""Twenty questions at once, and some to spare. A worker that waits costs a few MB."""

POLL_S = 10
"""Of long polling: how long an idle worker's request stays open."""

_PRELOAD = ["handler", "playground.workers", "playground.warm"]


class Context:
    """What Lambda tells a function of itself."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would stop the function."""
        return int((self._until - time.monotonic()) * 1000)


@dataclass
class Workers:
    """So many worker processes, whose journal goes to the file `log`.

    The environment must be set in this process as well before `running`: the first fork reads it. The queue
    is polled at `queue_endpoint_url`, which may be nearer than what the environment names.
    """

    environment: Mapping[str, str]
    visibility_s: int
    function_timeout_s: int
    log: Path
    queue_endpoint_url: str
    count: int = WORKERS
    _processes: list[ForkServerProcess] = field(default_factory=list, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        """Prepare the process that the workers are forked from."""
        self._forking = multiprocessing.get_context("forkserver")
        self._forking.set_forkserver_preload(_PRELOAD)
        self._busy_since = self._forking.RawArray("d", self.count)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the workers while the block runs."""
        self._processes = [self._start(place) for place in range(self.count)]
        keeper = threading.Thread(target=self._replace_the_dead, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._stopping.set()
            keeper.join()
            for process in self._processes:
                process.kill()
            for process in self._processes:
                process.join()

    def kill_busy(self) -> bool:
        """Kill the worker that began its job last, with no chance to clean up; False if none has a job."""
        place = max(range(len(self._processes)), key=lambda one: self._busy_since[one], default=None)
        if place is None or not self._busy_since[place]:
            return False
        self._processes[place].kill()
        self._busy_since[place] = 0.0
        return True

    def _start(self, place: int) -> ForkServerProcess:
        self._busy_since[place] = 0.0
        process = self._forking.Process(
            target=_poll, args=(self._orders, self._busy_since, place), daemon=True
        )
        process.start()
        return process

    def _replace_the_dead(self) -> None:
        while not self._stopping.wait(0.2):
            self._processes = [
                p if p.is_alive() else self._start(place) for place, p in enumerate(self._processes)
            ]

    @property
    def _orders(self) -> _Orders:
        return _Orders(
            dict(self.environment),
            self.visibility_s,
            self.function_timeout_s,
            self.log,
            self.queue_endpoint_url,
        )


@dataclass(frozen=True, slots=True)
class _Orders:
    """What a worker process is told."""

    environment: dict[str, str]
    visibility_s: int
    function_timeout_s: int
    log: Path
    queue_endpoint_url: str


def _poll(orders: _Orders, busy_since: Any, place: int) -> None:
    """Work off the queue until killed; `busy_since[place]` says since when there is a job, 0 without one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    with orders.log.open("ab") as journal:
        os.dup2(journal.fileno(), sys.stdout.fileno())
        os.dup2(journal.fileno(), sys.stderr.fileno())
    os.environ.update(orders.environment)
    import handler  # noqa: PLC0415 - it reads the environment as it is imported

    queue_url = orders.environment["QUEUE_URL"]
    sqs = partial(call, orders.queue_endpoint_url, "sqs")
    while True:
        for message in _receive(sqs, queue_url, orders.visibility_s):
            busy_since[place] = time.time()
            result = handler.answer({"Records": [record_of(message)]}, Context(orders.function_timeout_s))
            busy_since[place] = 0.0
            if not result["batchItemFailures"]:
                # what cannot be deleted is a duplicate when it comes again
                with contextlib.suppress(OSError, HTTPException, AwsRefused):
                    sqs("DeleteMessage", QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _receive(sqs: Call, queue_url: str, visibility_s: int) -> list[dict[str, Any]]:
    try:
        answer = sqs(
            "ReceiveMessage",
            QueueUrl=queue_url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=POLL_S,
            VisibilityTimeout=visibility_s,
            AttributeNames=["All"],
        )
    except (OSError, HTTPException, AwsRefused):  # it goes away before the workers when all is stopped
        time.sleep(0.2)
        return []
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def record_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a received message as a record of the event that Lambda gives to the worker."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
    }
