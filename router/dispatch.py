"""Dispatch: take jobs off the queue, have each worked on, and decide what becomes of it.

A job ends as done (deleted by the queue), later (delivered again, not before a moment that we name) or
parked (in the dead-letter queue, with its reason). Nothing is retried for ever and nothing is dropped.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from router.adapters.queue import Queue
from router.delivered import Delivered, read_delivered
from router.errors import MalformedError, QueueUnavailable, SlackRateLimited, TryLater, Unavailable
from router.journal import write_line

RETRY_AFTER_S = 10.0
"""After a failure that passes by itself: the thread should not be silent for longer than it must be."""

Work = Callable[[Delivered], None]


class Dispatcher:
    """Works off SQS events. `dead_letters` may be None: then the queue itself parks, without a reason."""

    def __init__(self, work: Work, queue: Queue, dead_letters: Queue | None, deadline_s: float) -> None:
        self._work = work
        self._queue = queue
        self._dead_letters = dead_letters
        self._deadline_s = deadline_s

    def work_off(self, event: dict[str, Any], seconds_left: float) -> dict[str, Any]:
        """Work off one SQS event; returns the partial batch response.

        Lambda stops us after `seconds_left`.
        """
        deadline = time.time() + min(self._deadline_s, seconds_left)
        failed = [record for record in event.get("Records", []) if not self._work_off(record, deadline)]
        return {"batchItemFailures": [{"itemIdentifier": record.get("messageId", "")} for record in failed]}

    def _work_off(self, record: dict[str, Any], deadline: float) -> bool:
        """Work on one record; whether the queue may delete it."""
        try:
            delivered = read_delivered(record, deadline)
        except MalformedError as error:
            write_line("dispatch", "unreadable_record", reason=str(error))
            return False  # without an id or receipt nothing but the queue itself can park it
        try:
            self._work(delivered)
        except MalformedError as error:
            return self._park(delivered, f"malformed: {error}")
        except TryLater as later:
            return self._later(delivered, later.reason, later.after_s)
        except Unavailable as error:
            after_s = error.after_s if isinstance(error, SlackRateLimited) else RETRY_AFTER_S
            return self._later(delivered, f"unavailable: {error}", after_s)
        except Exception as error:  # noqa: BLE001 - a bug must reach the dead-letter queue, not the next job
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__} at {where.name}:{where.lineno}"
            return self._later(delivered, reason, RETRY_AFTER_S)
        return True

    def _later(self, delivered: Delivered, reason: str, after_s: float) -> bool:
        if delivered.is_last:
            return self._park(delivered, reason)
        write_line("dispatch", "later", job=delivered.id, reason=reason, receives=delivered.receives)
        try:
            self._queue.delay(delivered.receipt, max(1, round(after_s)))
        except QueueUnavailable as error:
            write_line("dispatch", "not_delayed", job=delivered.id, reason=str(error))
        return False

    def _park(self, delivered: Delivered, reason: str) -> bool:
        """Move the job to the dead-letter queue; if that fails, the queue will do it without a reason."""
        write_line("dispatch", "parked", job=delivered.id, reason=reason, receives=delivered.receives)
        if self._dead_letters is None:
            return False
        try:
            self._dead_letters.send(
                delivered.text, delivered.group, delivered.id, {"reason": reason, "job": delivered.id}
            )
        except QueueUnavailable as error:
            write_line("dispatch", "not_parked", job=delivered.id, reason=str(error))
            return False
        return True
