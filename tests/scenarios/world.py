"""The world of a scenario: a workspace, an OpenRouter, a queue and two tables, and Penny between them.

Everything is real or enforces the real one's limits; Penny is entered by `handler.receive` and
`handler.answer` alone. Nothing works off the queue until `work` is called.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import handler
from playground.aws_json import AwsRefused
from playground.clock import SystemClock
from playground.openrouter import ScriptedOpenRouter
from playground.slack.delivery import Delivery
from playground.slack.message import Message
from playground.slack.workspace import Workspace
from playground.stack import StackNames
from playground.workers import Context, record_of
from tests.rows import Row, Rows, beginning, sum_of

GENERAL = "C0GENERAL1"
ADAS_DM = "D0ADA00001"


class Time(SystemClock):
    """The machine's own time, and what was added to it: Slack and OpenRouter may be in the future."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        """Return epoch seconds."""
        return super().now() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let time pass for all but Penny; of what Slack delivers then she thinks that it is forged."""
        self._ahead_s += seconds


@dataclass
class World:
    """All that a scenario acts upon and looks at."""

    clock: Time
    slack: Workspace
    delivery: Delivery
    openrouter: ScriptedOpenRouter
    names: StackNames
    sqs: Callable[..., Row]
    state: Rows
    usage: Rows

    # people and Slack

    def say(
        self,
        text: str,
        *,
        channel: str = GENERAL,
        user: str = "ada",
        thread: str | None = None,
        files: Iterable[Mapping[str, Any]] = (),
    ) -> str:
        """Post as a person, have Slack deliver it, and return its ts. `@penny` is a mention."""
        text = text.replace("@penny", f"<@{self.slack.bot_user}>")
        ts = self.slack.post_as_user(channel, user, text, thread, list(files))
        self.delivery.run_due()
        return ts

    def ask(self, text: str, **how: Any) -> list[Message]:
        """Say something, let Penny work on it, and return what she said in the thread after that."""
        ts = self.say(text, **how)
        self.work()
        return self.replies(how.get("thread") or ts, channel=how.get("channel", GENERAL), after=ts)

    def press(self, reply: Message, action: str, which: int = 0, *, user: str = "ada") -> None:
        """Press what is under a reply (of what offers a choice, the `which`-th) and have Slack deliver it."""
        self.slack.press(reply.channel, reply.ts, action, values_of(reply, action)[which], user=user)
        self.delivery.run_due()

    def whispers(self, user: str = "U0ADA00001") -> list[str]:
        """Return what was shown to one person alone."""
        return [shown["text"] for shown in self.slack.ephemerals if shown["user"] == user]

    def replies(self, thread: str, *, channel: str = GENERAL, after: str = "") -> list[Message]:
        """Return what Penny said in a thread."""
        return [m for m in self.slack.replies_by_bot(channel, thread) if m.ts > after]

    def bodies(self) -> list[dict[str, Any]]:
        """Return what OpenRouter was sent, in order."""
        return [call.body for call in self.openrouter.calls if call.body is not None]

    # the queue and the worker

    def receive_jobs(self, most: int = 10) -> list[dict[str, Any]]:
        """Take up to `most` jobs off the queue, one by one as Lambda does, as records of an SQS event."""
        records: list[dict[str, Any]] = []
        while len(records) < most:
            answer = self.sqs(
                "ReceiveMessage",
                QueueUrl=self.names.queue_url,
                MaxNumberOfMessages=1,
                AttributeNames=["All"],
                WaitTimeSeconds=0,
            )
            if not answer.get("Messages"):
                break
            records += [record_of(message) for message in answer["Messages"]]
        return records

    def run(self, record: dict[str, Any], context: Context | None = None) -> bool:
        """Give one record to the worker and do with it what Lambda does; whether it is done."""
        result = handler.answer({"Records": [record]}, context or Context(290))
        if result["batchItemFailures"]:
            return False
        with contextlib.suppress(AwsRefused):  # of twins only one has a receipt
            self.sqs("DeleteMessage", QueueUrl=self.names.queue_url, ReceiptHandle=record["receiptHandle"])
        return True

    def work(self, workers: int = 1) -> list[bool]:
        """Work off what can be received now, with so many workers at once; whether each job is done."""
        done: list[bool] = []
        with ThreadPoolExecutor(workers) as pool:
            while records := self.receive_jobs(workers):
                done += pool.map(self.run, records)
        return done

    def make_visible(self, record: dict[str, Any]) -> None:
        """Let a job's visibility run out now."""
        self.sqs(
            "ChangeMessageVisibility",
            QueueUrl=self.names.queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=0,
        )

    def jobs_left(self) -> int:
        """Return how many jobs are in the queue, in flight or not."""
        return self._count(self.names.queue_url)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return what is in the dead-letter queue."""
        answer = self.sqs(
            "ReceiveMessage",
            QueueUrl=self.names.dead_letter_queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _count(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs("GetQueueAttributes", QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    # the tables

    def rows(self, prefix: str) -> list[Row]:
        """Return the rows of both tables whose partition key begins with `prefix`."""
        return beginning([*self.state, *self.usage], prefix)

    def budget(self, channel: str = GENERAL) -> Row:
        """Return the only budget row of a channel."""
        (row,) = self.rows(f"budget#channel#{channel}")
        return row

    def spent_usd(self) -> Decimal:
        """Return what all budgets say was spent."""
        return sum_of(self.rows("budget#"), "spent_usd")

    def records(self) -> list[Row]:
        """Return all usage records, oldest first."""
        return sorted(self.rows("records#"), key=lambda row: str(row["sk"]))

    def open_reservations(self) -> list[Row]:
        """Return the reservations that have not ended."""
        return [row for row in self.rows("reservation#") if row["state"] == "open"]

    def age_leases(self) -> None:
        """Let every lease run out: an hour and a half passes for claims and reservations."""
        for row in [*self.rows("message#"), *self.open_reservations()]:
            self.state.change(row, lease_until=int(time.time()) - 5400)

    def reconcile(self) -> None:
        """Let every lease run out, and let Penny look at what was left open."""
        self.openrouter.wait_until_idle()
        self.age_leases()
        handler.reconcile({}, None)

    def forget_what_expires(self) -> None:
        """Take away all that has an end and reached it: months pass for claims and reservations."""
        for row in [*self.rows("message#"), *self.rows("reservation#")]:
            assert row["expires_at"] > 0
            self.state.delete(row)

    def check_books(self) -> None:
        """Assert that budgets, records and rollups agree to the last digit, and no budget is overspent."""
        rows = self.rows("")
        budgets, records = beginning(rows, "budget#"), beginning(rows, "records#")
        for row in budgets:
            assert row["remaining_usd"] == row["limit_usd"] - row["spent_usd"] - row["reserved_usd"]
            assert row["spent_usd"] + row["reserved_usd"] <= row["limit_usd"]
        recorded_usd = sum_of(records, "cost_usd")
        assert recorded_usd == sum_of(budgets, "spent_usd")
        for dimension in ("total", "model", "user", "day"):
            rollups = [row for row in beginning(rows, "rollup#") if row["sk"].startswith(f"{dimension}#")]
            assert sum_of(rollups, "cost_usd") == recorded_usd
            assert sum_of(rollups, "answers") == len(records)


def said(message: Message) -> str:
    """Return a reply's own words, without its footer."""
    text, footer = message.visible_text, footer_of(message)
    return text.removesuffix(footer).rstrip() if footer else text


def footer_of(message: Message) -> str:
    """Return the text of a reply's footer; empty if it has none."""
    for block in message.blocks:
        if block.get("block_id") == "penny-footer":
            return str(block["elements"][0]["text"])
    return ""


def values_of(message: Message, action: str) -> list[str]:
    """Return what the choices of an element under a reply carry; nothing when there is no such element."""
    elements = [one for block in message.blocks for one in block.get("elements", ())]
    for element in (one for one in elements if one.get("action_id") == action):
        halves = (element.get("positive_button"), element.get("negative_button"))
        choices = [half for half in halves if half] or element.get("options") or [element]
        return [str(choice["value"]) for choice in choices]
    return []


def label_of(message: Message, action: str) -> str:
    """Return what is written on a button under a reply; empty when there is none."""
    elements = [one for block in message.blocks for one in block.get("elements", ())]
    found = (one["text"]["text"] for one in elements if one.get("action_id") == action)
    return str(next(found, ""))


def journal(printed: str) -> list[dict[str, Any]]:
    """Read the journal's lines out of what was printed."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def at_once(*actions: Any) -> None:
    """Run all actions in threads that start together."""
    barrier = threading.Barrier(len(actions))

    def go(action: Any) -> None:
        barrier.wait()
        action()

    threads = [threading.Thread(target=go, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
