"""First text: from the signed event to the first words in Slack, beside the same calls made by hand."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import boto3
import httpx

import handler
from bench.crowd import question, scripted_answer
from bench.load import JOURNAL
from bench.options import Say, some, with_aws
from bench.result import Result, Value
from bench.surroundings import FIRST_TOKEN_S, Surroundings, surroundings
from playground.slack.board import Change
from playground.slack.endpoint import lambda_endpoint
from playground.slack.request import Outgoing
from playground.workers import Context, record_of

CHANNEL, USER = "general", "ada"

NOTES = (
    f"""The model's first word, which comes {FIRST_TOKEN_S * 1000:.0f} ms after it is asked, is taken off. All
is warm and nothing else is under way; Slack, OpenRouter and AWS are on this machine, without a network.""",
    """By hand: send and receive the job, take a claim, set the money aside in one transaction, ask the
model, start the stream with its first words. No signature, no choice, no look at a budget, no failures.""",
)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = with_aws(argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]))
    made.add_argument("--runs", type=some, default=15, help="messages of each (15)")
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Ask in turn in either way."""
    JOURNAL.parent.mkdir(exist_ok=True)
    with (
        JOURNAL.open("a", encoding="utf-8") as journal,
        contextlib.redirect_stdout(journal),
        surroundings(scripted_answer, aws_url=options.aws) as around,
        _by_hand(around) as by_hand,
    ):
        ways: dict[str, Callable[[Asked], float]] = {"penny": _Penny(around).ask, "floor": by_hand}
        took_s: dict[str, list[float]] = {policy: [] for policy in ways}
        for run, (policy, way) in itertools.product(range(options.runs + 1), ways.items()):
            seconds = way(_ask(around, run))
            if run:  # the first of each opens the connections
                took_s[policy].append(seconds - FIRST_TOKEN_S)
    say(f"{options.runs} messages of each")
    floor_s = median(took_s["floor"])
    rows: list[dict[str, Value]] = [
        {
            "policy": policy,
            "first_text_ms": round(median(each) * 1000, 1),
            "slowest_ms": round(max(each) * 1000, 1),
            "times_the_floor": round(median(each) / floor_s, 2),
        }
        for policy, each in took_s.items()
    ]
    return Result("text", tuple(rows), NOTES)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that stands in Slack, and what Slack tells of it."""

    ts: str
    event: Outgoing


def _ask(around: Surroundings, number: int) -> Asked:
    slack = around.slack
    told: list[Outgoing] = []
    slack.board.on_outgoing(told.append)
    ts = slack.post_as_user(CHANNEL, USER, f"<@{slack.bot_user}> {question(number + 1, 60)}")
    return Asked(ts, next(one for one in told if one.content["event"]["type"] == "message"))


class _Penny:
    """Receives, queues and answers in this process."""

    def __init__(self, around: Surroundings) -> None:
        self._slack = around.slack
        self._sqs = boto3.client("sqs", endpoint_url=around.aws.url)
        self._queue_url = around.names.queue_url
        self._receive = lambda_endpoint(handler.receive)
        self._first_text_at: dict[str, float] = {}
        around.slack.subscribe(self._look)

    def ask(self, asked: Asked) -> float:
        """Return the seconds from the event to the first text in its thread."""
        began = time.monotonic()
        self._receive(self._slack.sign(asked.event))
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url, WaitTimeSeconds=5, AttributeNames=["All"], MaxNumberOfMessages=1
        )
        (message,) = answer["Messages"]
        handler.answer({"Records": [record_of(message)]}, Context(290))
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return self._first_text_at[asked.ts] - began

    def _look(self, change: Change) -> None:
        shown = change.data["message"] if change.kind == "message" else {}
        if shown.get("bot") and shown["text"]:
            self._first_text_at.setdefault(shown["thread_ts"], time.monotonic())


@contextlib.contextmanager
def _by_hand(around: Surroundings) -> Iterator[Callable[[Asked], float]]:
    """Make the clients, and yield what makes the calls."""
    sqs, dynamodb = (boto3.client(name, endpoint_url=around.aws.url) for name in ("sqs", "dynamodb"))
    table, queue = around.names.state_table, around.names.queue_url
    numbers = itertools.count()
    with httpx.Client() as http:

        def ask(asked: Asked) -> float:
            name, body = f"hand-{next(numbers)}", asked.event.body
            began = time.monotonic()
            sqs.send_message(
                QueueUrl=queue, MessageBody=body, MessageGroupId=name, MessageDeduplicationId=name
            )
            (job,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
            dynamodb.update_item(
                TableName=table,
                Key=_key(name, "claim"),
                UpdateExpression="SET phase = :claimed",
                ExpressionAttributeValues={":claimed": {"S": "claimed"}},
            )
            dynamodb.transact_write_items(TransactItems=_money(table, name))
            text = _first_words(http, around, json.loads(job["Body"]))
            answer = http.post(
                f"{around.environment['SLACK_API_URL']}chat.startStream",
                headers={"Authorization": f"Bearer {around.slack.bot_token}"},
                json=_stream(asked, text),
            )
            took_s = time.monotonic() - began
            if not answer.json()["ok"]:
                raise RuntimeError(f"chat.startStream: {answer.json()['error']}")
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=job["ReceiptHandle"])
            return took_s

        yield ask
        dynamodb.close()
        sqs.close()


def _key(name: str, kind: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": name}, "sk": {"S": kind}}


def _money(table: str, name: str) -> list[dict[str, Any]]:
    spend = {
        "TableName": table,
        "Key": _key("hand", "budget"),
        "UpdateExpression": "ADD reserved :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return [{"Update": spend}, {"Put": {"TableName": table, "Item": _key(name, "reservation")}}]


def _first_words(http: httpx.Client, around: Surroundings, body: dict[str, Any]) -> str:
    """Ask a model and return its first words; the rest is not waited for."""
    request = {
        "model": "openai/gpt-6-luna",
        "messages": [{"role": "user", "content": body["event"]["text"]}],
        "max_tokens": 400,
        "stream": True,
    }
    key = around.environment["OPENROUTER_API_KEY"]
    url = f"{around.environment['OPENROUTER_BASE_URL']}/chat/completions"
    with http.stream("POST", url, json=request, headers={"Authorization": f"Bearer {key}"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                words = json.loads(line[6:])["choices"][0]["delta"].get("content")
                if words:
                    return str(words)
    raise RuntimeError("the model said nothing")


def _stream(asked: Asked, text: str) -> dict[str, Any]:
    event = asked.event.content["event"]
    return {
        "channel": event["channel"],
        "thread_ts": asked.ts,
        "recipient_user_id": event["user"],
        "recipient_team_id": asked.event.content["team_id"],
        "markdown_text": text,
    }
