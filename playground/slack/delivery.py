"""Delivery: how signed requests reach the app, with Slack's patience and retry schedule.

An event that is not answered 2xx within three seconds is delivered again at once, after one minute and
after five, four deliveries in all, unless a refusal carries `X-Slack-No-Retry`. Commands and presses are
delivered once; the person who made them is told when that fails.
Source: https://docs.slack.dev/apis/events-api#errors
"""

from __future__ import annotations

import copy
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from playground.slack.endpoint import PATIENCE_S, Reply
from playground.slack.request import Outgoing, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from playground.clock import Clock
    from playground.slack.endpoint import Send
    from playground.slack.workspace import Workspace

RETRY_AFTER_S = (0.0, 60.0, 300.0)
"""What passes between a failure and the next delivery."""

AT_ONCE = 8
"""Deliveries under way at the same time; Slack does not wait for one message before it tells of the next."""

SUCCESS = range(200, 300)
NO_RETRY = "x-slack-no-retry"


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A delivery that is still to be made: the how many-th of its request (0 is the first), why, and when."""

    outgoing: Outgoing
    due_at: float
    number: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery that was made; `failure` is Slack's word for what went wrong, empty if nothing did."""

    outgoing: Outgoing
    number: int
    status: int
    failure: str
    at: float


class Delivery:
    """Delivers what a workspace has to tell its app.

    With a manual clock, call `run_due` whenever something should happen; with the system's, use it as a
    context manager, and a thread does that. While `paused`, requests only gather in `pending`.
    """

    def __init__(
        self, workspace: Workspace, send: Send, clock: Clock, *, paused: bool = False, at_once: int = AT_ONCE
    ) -> None:
        self.paused = paused
        self.log: list[Delivered] = []
        """Every delivery that was made, in the order in which they ended."""
        self.workspace = workspace
        self._send = send
        self._clock = clock
        self._at_once = at_once
        self._waiting: list[Pending] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        workspace.board.on_outgoing(self.add)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What is still to be delivered, in order."""
        with self._wake:
            return tuple(self._waiting)

    def add(self, outgoing: Outgoing) -> None:
        """Take a request in, to be delivered as soon as possible."""
        self._put(Pending(outgoing, self._clock.now()))

    def deliver(self, pending: Pending) -> Delivered:
        """Deliver one pending request now, paused or not; a failure puts its retry into `pending`."""
        with self._wake:
            if pending in self._waiting:
                self._waiting.remove(pending)
        return self._deliver(pending)

    def drop(self, pending: Pending) -> None:
        """Lose a pending request, as if Slack had never sent it."""
        with self._wake:
            self._waiting.remove(pending)

    def run_due(self) -> int:
        """Deliver all that is due and what becomes due by that; return how many deliveries were made.

        They start in order and run side by side; the call returns when all have ended.
        """
        made = 0
        with ThreadPoolExecutor(self._at_once) as pool:
            while due := self._take_due():
                running: list[Future[Delivered]] = [pool.submit(self._deliver, one) for one in due]
                wait(running)
                made += len([one.result() for one in running])
        return made

    def deliver_again(self, ts: str, times: int = 10, envelope: Mapping[str, Any] | None = None) -> None:
        """Have the event of a message delivered `times` more, each under a fresh event id and as no retry.

        A mention's two events take turns. `envelope` overrides fields around the event, such as team_id.
        Raises LookupError if no event of that message was ever delivered.
        """
        events = self._events_of(ts)
        if not events:
            raise LookupError(f"no event of message {ts} was delivered")
        for event in itertools.islice(itertools.cycle(events), times):
            content = copy.deepcopy(event.content) | dict(envelope or {})
            content["event_id"] = f"Ev{self.workspace.board.number()}"
            self.add(Outgoing(Purpose.EVENT, content))

    def last_post(self) -> str:
        """Return the ts of the message of which an event was delivered last. Raises LookupError."""
        with self._wake:
            for made in reversed(self.log):
                event = made.outgoing.content.get("event", {})
                if _is_post_of(made.outgoing, event.get("ts", "")) and not event.get("bot_id"):
                    return str(event["ts"])
        raise LookupError("no message was delivered yet")

    def _events_of(self, ts: str) -> list[Outgoing]:
        with self._wake:
            known = [one.outgoing for one in self.log] + [one.outgoing for one in self._waiting]
        found = {one.content["event"]["type"]: one for one in known if _is_post_of(one, ts)}
        return list(found.values())

    # The thread for the system's clock

    def __enter__(self) -> Self:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="slack-delivery", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    def resume(self) -> None:
        """End a pause."""
        with self._wake:
            self.paused = False
            self._wake.notify_all()

    def _run(self) -> None:
        with ThreadPoolExecutor(self._at_once) as pool:
            while not self._stopping:
                for pending in self._take_due():
                    pool.submit(self._deliver, pending)
                self._sleep()

    def _sleep(self) -> None:
        with self._wake:
            if self._stopping or self._has_due():
                return
            soonest = min((one.due_at for one in self._waiting), default=None)
            idle = self.paused or soonest is None
            self._wake.wait(None if idle or soonest is None else max(0.0, soonest - self._clock.now()))

    def _has_due(self) -> bool:
        now = self._clock.now()
        return not self.paused and any(one.due_at <= now for one in self._waiting)

    # One delivery

    def _put(self, pending: Pending) -> None:
        with self._wake:
            self._waiting.append(pending)
            self._wake.notify_all()

    def _take_due(self) -> list[Pending]:
        with self._wake:
            now = self._clock.now()
            due = [] if self.paused else [one for one in self._waiting if one.due_at <= now]
            self._waiting = [one for one in self._waiting if one not in due]
            return sorted(due, key=lambda one: one.due_at)

    def _deliver(self, pending: Pending) -> Delivered:
        reply, failure = self._attempt(pending)
        made = Delivered(pending.outgoing, pending.number, reply.status, failure, self._clock.now())
        with self._wake:
            self.log.append(made)
        self.workspace.board.tell("delivery", view_of_delivery(made))
        if pending.outgoing.purpose is Purpose.EVENT:
            self._plan_retry(pending, reply, failure)
        else:
            self._tell_person(pending.outgoing, reply, failure)
        return made

    def _attempt(self, pending: Pending) -> tuple[Reply, str]:
        headers = {}
        if pending.number:
            headers = {"X-Slack-Retry-Num": str(pending.number), "X-Slack-Retry-Reason": pending.reason}
        started = self._clock.now()
        try:
            answer = self._send(self.workspace.sign(pending.outgoing, headers))
        except TimeoutError:
            return Reply(0), "http_timeout"
        except ConnectionError:
            return Reply(0), "connection_failed"
        reply = Reply(answer) if isinstance(answer, int) else answer
        if self._clock.now() - started > PATIENCE_S:
            return reply, "http_timeout"
        return reply, "" if reply.status in SUCCESS else "http_error"

    def _plan_retry(self, pending: Pending, reply: Reply, failure: str) -> None:
        asked_not_to = any(name.lower() == NO_RETRY for name in reply.headers) and failure == "http_error"
        if failure and not asked_not_to and pending.number < len(RETRY_AFTER_S):
            due_at = self._clock.now() + RETRY_AFTER_S[pending.number]
            self._put(Pending(pending.outgoing, due_at, pending.number + 1, failure))

    def _tell_person(self, outgoing: Outgoing, reply: Reply, failure: str) -> None:
        """Show what a command was answered with, or that it failed, as Slack does."""
        if outgoing.purpose is not Purpose.COMMAND:
            return
        form = outgoing.content
        words = reply.body
        if failure:
            cause = "operation_timeout" if failure == "http_timeout" else "dispatch_failed"
            words = f"{form['command']} failed with the error “{cause}”"
        if words:
            self.workspace.board.show_ephemeral(form["channel_id"], form["user_id"], None, words, [])


def view_of_delivery(made: Delivered) -> dict[str, Any]:
    """Return a delivery as the page shows it: what was sent, the how many-th time, and what came back."""
    outgoing, content = made.outgoing, made.outgoing.content
    kinds = {
        Purpose.EVENT: content.get("event", {}).get("type", ""),
        Purpose.COMMAND: f"{content.get('command', '')} {content.get('text', '')}".strip(),
        Purpose.ACTION: " ".join(str(one.get("action_id", "")) for one in content.get("actions", [])),
    }
    return {
        "at": made.at,
        "purpose": outgoing.purpose.value,
        "kind": kinds[outgoing.purpose],
        "number": made.number,
        "status": made.status,
        "failure": made.failure,
    }


def _is_post_of(outgoing: Outgoing, ts: str) -> bool:
    """Whether it tells of that message itself, not of a change to it."""
    event = outgoing.content.get("event", {}) if outgoing.purpose is Purpose.EVENT else {}
    return event.get("ts") == ts and not event.get("hidden")
