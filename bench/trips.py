"""Round trips: what one answer asks of DynamoDB and when, beside the least that would keep its promises."""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import handler
from bench.crowd import question, scripted_answer
from bench.hooks import hooked
from bench.load import JOURNAL
from bench.options import Say, with_aws
from bench.result import Result, Value
from bench.surroundings import surroundings
from playground.slack.request import Outgoing
from playground.slack.workspace import Workspace
from playground.workers import Context
from router.domain.job import Job

LEAST: Mapping[str, Value] = {
    "policy": "floor",
    "before_call": 1,
    "waited_for_before_call": 1,
    "while_answering": 1,
    "after_answer": 2,
    "write_units": 29,
}
"""Claim, budget and reservation in one transaction (3 rows twice, 1 of an index); the generation id (1 and
1), without which a dead worker's bill is never known; the settlement (7 rows twice, 5 of indexes); the
claim's end, which comes after the last words (1)."""

NOTES = (
    """The least: one transaction that claims and sets aside, the generation id, one transaction that
settles, and the claim's end after the last words. Penny takes the claim first and looks at the budget beside
it, so that a duplicate, or a budget that is short, is known before anything is set aside; and she notes where
her reply stands, so that whoever takes over finishes it in place.""",
    "An answer in a period that is open, in one Slack message, with nothing in the way.",
)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    return with_aws(argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]))


Span = tuple[float, float]

READS = frozenset({"BatchGetItem", "GetItem", "Query"})


@dataclass
class Meter:
    """Writes down when each request of this process left and was answered, and what a write consumed."""

    spans: list[Span] = field(default_factory=list)
    aside: set[Span] = field(default_factory=set)
    """Those that another thread sent than the one that metered: nobody waits for them."""
    write_units: float = 0.0
    _thread: int = field(default_factory=threading.get_ident)

    def ask(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Ask for the consumption along with a call, as it leaves."""
        params["ReturnConsumedCapacity"] = "TOTAL"
        context["left_at"] = time.time()
        context["is_aside"] = threading.get_ident() != self._thread

    def note(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Add up what a write consumed, as its answer comes."""
        span = (context["left_at"], time.time())
        self.spans.append(span)
        if context["is_aside"]:
            self.aside.add(span)
        consumed = parsed.get("ConsumedCapacity", [])
        if model.name not in READS:
            for one in consumed if isinstance(consumed, list) else [consumed]:
                self.write_units += one["CapacityUnits"]


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Answer twice, and look at the second answer: the first one opens the period."""
    meter = Meter()
    JOURNAL.parent.mkdir(exist_ok=True)
    with (
        JOURNAL.open("a", encoding="utf-8") as journal,
        contextlib.redirect_stdout(journal),
        surroundings(scripted_answer, aws_url=options.aws) as around,
        hooked(before_parameter_build=meter.ask, after_call=meter.note),
    ):
        _answer(around.slack, 1)
        meter.spans.clear()
        meter.write_units = 0
        _answer(around.slack, 2)
        call = around.openrouter.calls[1]
    say("two messages answered")
    before = [span for span in meter.spans if span[1] < call.came_at]
    after = [span for span in meter.spans if call.ended_at and span[0] > call.ended_at]
    ours: Mapping[str, Value] = {
        "policy": "penny",
        "before_call": len(before),
        "waited_for_before_call": sum(span not in meter.aside for span in before),
        "while_answering": len(meter.spans) - len(before) - len(after),
        "after_answer": len(after),
        "write_units": meter.write_units,
    }
    return Result("trips", (ours, LEAST), NOTES)


def _answer(slack: Workspace, number: int) -> None:
    """Answer one question in this process."""
    told: list[Outgoing] = []
    slack.board.on_outgoing(told.append)
    ts = slack.post_as_user("general", "ada", f"<@{slack.bot_user}> {question(number, 60)}")
    event = next(one for one in told if one.content["event"]["type"] == "message")
    record = {
        "messageId": f"job-{ts}",
        "receiptHandle": "receipt",
        "body": Job("application/json", event.body, time.time(), 0).to_text(),
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": ts},
    }
    handler.answer({"Records": [record]}, Context(290))
