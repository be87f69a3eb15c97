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
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import boto3

WORKERS = 24
"""Twenty questions at once, and some to spare. A worker that waits costs a few MB."""

POLL_S = 10
"""Of long polling: how long an idle worker's request stays open."""

_PRELOAD = ["boto3", "handler", "playground.workers", "playground.warm"]


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

    The environment must be set in this process as well before `running`: the first fork reads it.
    """

    environment: Mapping[str, str]
    visibility_s: int
    function_timeout_s: int
    log: Path
    count: int = WORKERS
    _processes: list[ForkServerProcess] = field(default_factory=list, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        """Prepare the process that the workers are forked from."""
        self._forking = multiprocessing.get_context("forkserver")
        self._forking.set_forkserver_preload(_PRELOAD)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the workers while the block runs."""
        self._processes = [self._start() for _ in range(self.count)]
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

    def _start(self) -> ForkServerProcess:
        process = self._forking.Process(
            target=_poll,
            args=(dict(self.environment), self.visibility_s, self.function_timeout_s, self.log),
            daemon=True,
        )
        process.start()
        return process

    def _replace_the_dead(self) -> None:
        while not self._stopping.wait(0.2):
            self._processes = [p if p.is_alive() else self._start() for p in self._processes]


def _poll(environment: dict[str, str], visibility_s: int, function_timeout_s: int, log: Path) -> None:
    """Work off the queue until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    with log.open("ab") as journal:
        os.dup2(journal.fileno(), sys.stdout.fileno())
        os.dup2(journal.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    import handler  # noqa: PLC0415 - it reads the environment as it is imported

    queue_url = environment["QUEUE_URL"]
    sqs = boto3.client("sqs", endpoint_url=environment["AWS_ENDPOINT_URL"])
    while True:
        for message in _receive(sqs, queue_url, visibility_s):
            result = handler.answer({"Records": [record_of(message)]}, Context(function_timeout_s))
            if not result["batchItemFailures"]:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _receive(sqs: Any, queue_url: str, visibility_s: int) -> list[dict[str, Any]]:
    try:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=POLL_S,
            VisibilityTimeout=visibility_s,
            AttributeNames=["All"],
        )
    except Exception:  # noqa: BLE001 - the queue goes away before the workers when all is stopped
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
