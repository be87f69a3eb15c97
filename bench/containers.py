"""The containers: processes that run `handler.answer` one job at a time, and may be killed over it.

As in Lambda, someone outside takes the jobs off the queue and hands them in; so it is known what a container
held when it died. For that alone time passes at once: the job's visibility and the claim's lease end a moment
after the death, instead of minutes. Whoever lives keeps the times of production.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bench.doom import Doom
from bench.tables import Tables
from playground.workers import Context, record_of
from router.domain.job import Job

POLL_S = 1
"""Of long polling; also how long the end of a run may take."""

LINGER_S = 0.5
"""After a death: by then all that the dead one had sent is carried out. In production there are minutes."""

_PRELOAD = ["boto3", "handler", "bench.containers", "playground.warm"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the containers run: their environment, the queue, and the times of the deployed function."""

    environment: Mapping[str, str]
    aws_url: str
    queue_url: str
    visibility_s: int
    function_timeout_s: int
    journal: Path


@dataclass
class Tally:
    """What happened at the containers. `troubled` are channel and ts of messages whose job came again."""

    deliveries: int = 0
    retries: int = 0
    kills: int = 0
    crashes: int = 0
    troubled: set[tuple[str, str]] = field(default_factory=set)


class Ending(Enum):
    """How a delivery ended in its container."""

    DONE = "done"
    LATER = "later"
    DIED = "died"
    STILL_AT_WORK = "still at work"


class Container:
    """One process, warm from its first job on."""

    def __init__(self, forking: ForkServerContext, stage: Stage) -> None:
        self._jobs, theirs = forking.Pipe()
        self._process = forking.Process(target=_serve, args=(stage, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def work_off(self, record: dict[str, Any], within_s: float) -> Ending:
        """Hand a record in and wait for what comes of it."""
        try:
            self._jobs.send(record)
            if not self._jobs.poll(within_s):
                return Ending.STILL_AT_WORK
            return Ending.DONE if self._jobs.recv() else Ending.LATER
        except (EOFError, OSError):
            return Ending.DIED

    def kill(self) -> None:
        """End the process at once, whatever it does; doing it twice is harmless."""
        self._process.kill()
        self._process.join()


class Containers:
    """So many containers, fed from the queue."""

    def __init__(self, stage: Stage, count: int, doom: Doom, tables: Tables) -> None:
        self._stage = stage
        self._doom = doom
        self._tables = tables
        self._places = range(count)
        self._containers: list[Container] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.tally = Tally()
        config = Config(max_pool_connections=2 * count)
        self._sqs = boto3.client("sqs", endpoint_url=stage.aws_url, config=config)
        self._forking = multiprocessing.get_context("forkserver")
        self._forking.set_forkserver_preload(_PRELOAD)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run while the block runs. The first start reads this process's environment."""
        pollers = [threading.Thread(target=self._poll, args=(place,), daemon=True) for place in self._places]
        try:
            for _ in self._places:
                self._containers.append(Container(self._forking, self._stage))
            for poller in pollers:
                poller.start()
            yield
        finally:
            self._stopping.set()
            self._kill_all()
            for poller in pollers:
                if poller.ident:
                    poller.join()
            self._kill_all()  # one that a poller was just replacing

    def _kill_all(self) -> None:
        for container in self._containers:
            container.kill()

    def jobs_left(self) -> int:
        """Return how many jobs are in the queue, in flight or not."""
        return _jobs_in(self._sqs, self._stage.queue_url)

    def _poll(self, place: int) -> None:
        while not self._stopping.is_set():
            for message in self._receive():
                self._deliver(place, record_of(message))

    def _receive(self) -> list[dict[str, Any]]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._stage.queue_url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=POLL_S,
                VisibilityTimeout=self._stage.visibility_s,
                AttributeNames=["All"],
            )
        except (BotoCoreError, ClientError):
            self._stopping.wait(0.2)  # the queue is busy, or all is being stopped
            return []
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _deliver(self, place: int, record: dict[str, Any]) -> None:
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        moment_s = self._doom.moment_s(receives)
        began = time.monotonic()
        within_s = self._stage.function_timeout_s if moment_s is None else moment_s
        ending = self._containers[place].work_off(record, within_s)
        if self._stopping.is_set():
            return
        self._note(record, receives, ending, is_doomed=moment_s is not None)
        if ending in (Ending.STILL_AT_WORK, Ending.DIED):
            self._containers[place].kill()
            self._let_time_pass_for(record)
            self._containers[place] = Container(self._forking, self._stage)
            return
        self._doom.finished(time.monotonic() - began)
        if moment_s is not None:
            self._doom.missed()
        if ending is Ending.DONE:
            with contextlib.suppress(ClientError):  # a receipt that is no longer valid
                self._sqs.delete_message(
                    QueueUrl=self._stage.queue_url, ReceiptHandle=record["receiptHandle"]
                )

    def _note(self, record: dict[str, Any], receives: int, ending: Ending, *, is_doomed: bool) -> None:
        with self._lock:
            self.tally.deliveries += 1
            self.tally.retries += receives > 1
            if ending is Ending.DONE:
                return
            self.tally.troubled.add(message_of(record))
            self.tally.kills += ending is Ending.STILL_AT_WORK and is_doomed
            self.tally.crashes += ending is Ending.DIED or (ending is Ending.STILL_AT_WORK and not is_doomed)

    def _let_time_pass_for(self, record: dict[str, Any]) -> None:
        """Let the claim's lease and the job's visibility run out, which a dead container held."""
        time.sleep(LINGER_S)
        self._tables.end_lease_of_claim(*message_of(record), job=record["messageId"])
        self._sqs.change_message_visibility(
            QueueUrl=self._stage.queue_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
        )


def jobs_in(aws_url: str, queue_url: str) -> int:
    """Return how many jobs are in a queue, in flight or not."""
    return _jobs_in(boto3.client("sqs", endpoint_url=aws_url), queue_url)


def _jobs_in(sqs: Any, queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def message_of(record: dict[str, Any]) -> tuple[str, str]:
    """Return channel and ts of the message that a job is about."""
    event = json.loads(Job.from_text(record["body"]).body)["event"]
    return event["channel"], event["ts"]


def _serve(stage: Stage, jobs: Connection) -> None:
    """Work on what is handed in, until killed or nobody is left to hand it in."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    with stage.journal.open("ab") as journal:
        os.dup2(journal.fileno(), sys.stdout.fileno())
        os.dup2(journal.fileno(), sys.stderr.fileno())
    os.environ.update(stage.environment)
    import handler  # noqa: PLC0415 - it reads the environment as it is imported

    with contextlib.suppress(EOFError):
        while True:
            result = handler.answer({"Records": [jobs.recv()]}, Context(stage.function_timeout_s))
            jobs.send(not result["batchItemFailures"])


def end_with_the_starter() -> None:
    """End with the process that started us, also when that one was killed."""
    starter = multiprocessing.parent_process()
    if starter is not None:
        starter.join()
    os._exit(1)
