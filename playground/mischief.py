"""Mischief: what one may let go wrong in the playground, and the words that tell what Penny then does.

Each act says what happens next. What it breaks stands elsewhere: deliveries in the fake Slack, workers in
`workers`, the provider in the scripted OpenRouter, the table behind the fault proxy, budgets in `drain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from playground.faults import Fault
from playground.json_http import answering, invalid, string, taking, whole_number
from playground.openrouter import Behaviour, Reply, refusals, traps
from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.faults import FaultProxy
    from playground.openrouter import ScriptedOpenRouter
    from playground.slack.board import Change
    from playground.slack.workspace import Workspace
    from playground.workers import Workers

Json = dict[str, Any]

TIMES = 100
"""The most calls or requests that one act may spoil."""

MIDWAY = 25
"""Tokens of an answer that arrive before it breaks: enough to be seen."""

MOST_USD = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Failing:
    """One way to fail: what people choose, and what it does."""

    title: str
    tells: str
    how: Reply | Behaviour | Fault


PROVIDER: dict[str, Failing] = {
    "down": Failing(
        "Down (502)", "The provider fails; Penny asks again, then the next model.", refusals.provider_down()
    ),
    "busy": Failing(
        "Busy (429)", "Its capacity is used up; Penny waits or moves on.", refusals.shared_pool_limit(1)
    ),
    "page": Failing("An HTML page (502)", "The edge sends a page, no JSON.", refusals.bad_gateway_page()),
    "no_credits": Failing(
        "No credits (402)", "OpenRouter's account is empty; the asker is told.", refusals.out_of_credits()
    ),
    "bad_key": Failing("Bad key (401)", "The key is refused; the asker is told.", refusals.bad_key()),
    "moderated": Failing(
        "Moderated (403)", "The question is refused; the asker is told.", refusals.moderated()
    ),
    "cut": Failing(
        "Cut midway",
        "The connection drops in the middle of the answer: what came is kept, its cost asked for later.",
        traps.cut_after(MIDWAY),
    ),
    "error_midway": Failing(
        "Error midway",
        "An error comes in the middle of the answer: what came is kept.",
        traps.error_after(MIDWAY),
    ),
    "stalls": Failing(
        "Falls silent",
        "Nothing comes after the first words; at the deadline what came is kept.",
        traps.stall_after(MIDWAY),
    ),
    "only_thinks": Failing(
        "Only thinks", "The model thinks, is paid for it, and says nothing.", traps.only_thinks()
    ),
    "no_cost": Failing(
        "Never tells the cost",
        "The answer is whole, its cost unknown: the estimate stays reserved until OpenRouter says.",
        traps.no_usage(),
    ),
    "garbled": Failing(
        "Garbled line", "One line of the stream is no JSON; Penny reads on.", traps.malformed_after(MIDWAY)
    ),
}
"""How the provider may fail, by the name that the API takes."""

TABLE: dict[str, Failing] = {
    "conflict": Failing(
        "Conflict",
        "Another transaction has the row; nothing is written, and Penny tries again.",
        Fault.CONFLICT,
    ),
    "throttle": Failing("Throttle", "The table takes no more; nothing is written.", Fault.THROTTLED_ITEM),
    "timeout_after_commit": Failing(
        "Time-out after commit",
        "It is written and the answer never comes: trying again must not count twice.",
        Fault.TIMEOUT_AFTER_COMMIT,
    ),
    "timeout_before": Failing("Time-out before", "The request never arrives.", Fault.TIMEOUT_BEFORE),
    "internal_error": Failing("Internal error", "HTTP 500; nothing is written.", Fault.INTERNAL_ERROR),
}
"""How the table may fail, by the name that the API takes."""

OPERATION = "TransactWriteItems"
"""What the table fails at unless told otherwise: by it all money is moved."""


class Mischief:
    """Does what one asks for to the running playground. `openrouter` is None when the real one is used."""

    def __init__(
        self,
        slack: Workspace,
        workers: Workers,
        openrouter: ScriptedOpenRouter | None,
        table: FaultProxy,
        drain: Callable[[str, Decimal], Decimal],
    ) -> None:
        self._slack = slack
        self._workers = workers
        self._openrouter = openrouter
        self._table = table
        self._drain = drain
        self._disarm: Callable[[], None] | None = None

    def routes(self) -> list[Route]:
        """Return the API's addresses under `/api/mischief`."""
        return [
            Route("/api/mischief", answering(self.show)),
            Route("/api/mischief/worker", taking(self.kill_worker), methods=["POST"]),
            Route("/api/mischief/provider", taking(self.fail_provider), methods=["POST"]),
            Route("/api/mischief/table", taking(self.fail_table), methods=["POST"]),
            Route("/api/mischief/budget", taking(self.drain_budget), methods=["POST"]),
            Route("/api/mischief/calm", taking(self.calm), methods=["POST"]),
        ]

    def show(self, _names: Json) -> Json:
        """Tell what can be done, and what still waits to happen."""
        return {
            "provider": _choices(PROVIDER) if self._openrouter else [],
            "table": _choices(TABLE),
            "waiting": {
                "provider": self._openrouter.scripted if self._openrouter else 0,
                "table": self._table.waiting,
                "worker": int(self._disarm is not None),
            },
        }

    def kill_worker(self, _body: Json) -> Json:
        """Kill the worker that writes an answer; if none does, the next one as soon as it writes."""
        if self._workers.kill_busy():
            return _told(self._killed)
        if self._disarm is None:
            self._disarm = self._slack.subscribe(self._kill_the_writer)
        return _told("Nobody is at work. The next worker dies as soon as its answer shows in a thread.")

    @property
    def _killed(self) -> str:
        return (
            "The worker is dead, in the middle of its job. When the job's visibility runs out "
            f"({self._workers.visibility_s} s), another finishes the same reply; both calls are paid for."
        )

    def _kill_the_writer(self, change: Change) -> None:
        """Take the next answer's first words as the moment; called inside Slack's lock."""
        is_writing = change.kind == "message" and change.data["message"]["streaming"]
        if is_writing and change.data["message"]["text"] and self._workers.kill_busy():
            self._stand_down()

    def _stand_down(self) -> None:
        if self._disarm is not None:
            self._disarm()
            self._disarm = None

    def fail_provider(self, body: Json) -> Json:
        """Make the next calls of models (`times`) fail, `how`."""
        if self._openrouter is None:
            raise Refused(
                "not_scripted", "This playground uses the real OpenRouter, which fails when it likes."
            )
        failing, times = _named(PROVIDER, body), whole_number(body, "times", 1, TIMES)
        if isinstance(failing.how, Reply | Behaviour):
            self._openrouter.script(failing.how, times=times)
        return _told(f"{_next(times, 'call')}: {failing.title}. {failing.tells}")

    def fail_table(self, body: Json) -> Json:
        """Make the next transactions (`times`; or another `operation`) fail, `how`."""
        failing, times = _named(TABLE, body), whole_number(body, "times", 1, TIMES)
        if isinstance(failing.how, Fault):
            self._table.inject(string(body, "operation", optional=True) or OPERATION, failing.how, times)
        return _told(f"{_next(times, 'transaction')}: {failing.title}. {failing.tells}")

    def drain_budget(self, body: Json) -> Json:
        """Let somebody else have spent what is left of a `channel`'s budget, but for `leave_usd`."""
        channel = self._slack.directory.channel(string(body, "channel"))
        spent = self._drain(channel.id, _amount(string(body, "leave_usd", optional=True) or "0"))
        return _told(
            f"${spent:f} more is spent of this channel's budget, as a record of playground/somebody-else. "
            "The next question gets a cheaper answer, or hears when the budget renews."
        )

    def calm(self, _body: Json) -> Json:
        """Forget what still waits to go wrong."""
        self._stand_down()
        self._table.clear()
        if self._openrouter:
            self._openrouter.forget_script()
        return _told("Nothing more goes wrong, unless by itself.")


def _told(words: str) -> Json:
    return {"ok": True, "tells": words}


def _choices(table: dict[str, Failing]) -> list[Json]:
    return [{"how": name, "title": one.title, "tells": one.tells} for name, one in table.items()]


def _named(table: dict[str, Failing], body: Json) -> Failing:
    how = string(body, "how")
    if how not in table:
        raise invalid(f"how: must be one of {', '.join(table)}")
    return table[how]


def _next(times: int, what: str) -> str:
    return f"The next {what}" if times == 1 else f"The next {times} {what}s"


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise invalid("leave_usd: must be an amount such as 0.05") from None
    if not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise invalid("leave_usd: must be an amount such as 0.05")
    return amount
