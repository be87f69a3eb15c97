"""Redrive: the dead letters of a stage, listed with their reasons and moved back to the queue of jobs.

    python -m deploy.redrive --stage dev [--dry-run]      what `make redrive STAGE=dev` runs

One by one: sent, then deleted, so that none is ever lost; one that was moved twice is answered once. It keeps
its group, so a thread stays in order. No message text is printed.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from router.settings import Settings, settings_from

DONE, FAILED = 0, 1

PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
"""Whoever waits at a terminal should not wait for the SDK's minute."""

AT_ONCE = 10
"""The most that SQS hands out at once. Of one group it hands out no more until these are gone."""

HELD_S = 60
"""How long no one else gets what was handed out to us."""

WAIT_S = 1
"""For a dead letter to be handed out: asked without waiting, SQS may overlook some."""

NO_REASON = "no reason given: each time, its worker died or ran out of time"
"""When SQS itself parked it."""


class CannotRedrive(Exception):  # noqa: N818 - reads as what it says
    """Dead letters cannot be read or moved. The text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was parked at `parked_at` (epoch seconds), and the receipt by which it is ours for now."""

    receipt: str
    body: str
    group: str
    parked_at: float
    reason: str
    job: str

    def __str__(self) -> str:
        """Name it in one line, by what is known of it outside its message."""
        at = datetime.fromtimestamp(self.parked_at, UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}  {self.group}  {self.reason}" + (
            f"  (job {self.job})" if self.job else ""
        )


class Queues:
    """The two queues of a stage. Raises CannotRedrive when AWS does not do as it is asked."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self._stage = stage
        try:
            session = boto3.Session(region_name=settings.region or None)
            self._sqs = session.client("sqs", endpoint_url=settings.aws_endpoint_url or None, config=PATIENCE)
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
            raise CannotRedrive(f"{type(error).__name__}: {_remedy(type(error).__name__)}") from None
        self._jobs = self._url("jobs")
        self._dead_letters = self._url("dead-letters")

    def count(self) -> int:
        """Return about how many dead letters there are."""
        name = "ApproximateNumberOfMessages"
        found = self._call("get_queue_attributes", QueueUrl=self._dead_letters, AttributeNames=[name])
        return int(found["Attributes"][name])

    def receive(self) -> list[DeadLetter]:
        """Take the oldest dead letters that no one holds; each group's in order."""
        answer = self._call(
            "receive_message",
            QueueUrl=self._dead_letters,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=HELD_S,
            WaitTimeSeconds=WAIT_S,
            AttributeNames=["MessageGroupId", "SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return [_dead_letter(message) for message in answer.get("Messages", [])]

    def move_back(self, letter: DeadLetter) -> None:
        """Send it to the queue of jobs, then delete it.

        Its deduplication id is new: what bears one of the last five minutes is taken for a twin and dropped.
        """
        self._call(
            "send_message",
            QueueUrl=self._jobs,
            MessageBody=letter.body,
            MessageGroupId=letter.group,
            MessageDeduplicationId=str(uuid.uuid4()),
        )
        self._call("delete_message", QueueUrl=self._dead_letters, ReceiptHandle=letter.receipt)

    def put_back(self, letters: Sequence[DeadLetter]) -> None:
        """Let others see again what was only looked at, the last first: so it keeps its order."""
        for letter in reversed(letters):
            self._call(
                "change_message_visibility",
                QueueUrl=self._dead_letters,
                ReceiptHandle=letter.receipt,
                VisibilityTimeout=0,
            )

    def _url(self, which: str) -> str:
        url: str = self._call("get_queue_url", QueueName=f"penny-{which}-{self._stage}.fifo")["QueueUrl"]
        return url

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._sqs, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown error")
            raise CannotRedrive(f"{error.operation_name}: {code}: {_remedy(code)}") from None
        except BotoCoreError as error:
            raise CannotRedrive(f"{type(error).__name__}: {_remedy(type(error).__name__)}") from None
        return answer


def _dead_letter(message: dict[str, Any]) -> DeadLetter:
    words = {name: str(v.get("StringValue", "")) for name, v in message.get("MessageAttributes", {}).items()}
    return DeadLetter(
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        group=message["Attributes"]["MessageGroupId"],
        parked_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
        reason=words.get("reason") or NO_REASON,
        job=words.get("job", ""),
    )


REMEDIES = {
    "NonExistentQueue": "is the stage right, and is it deployed in this region and account?",
    "QueueDoesNotExist": "is the stage right, and is it deployed in this region and account?",
    "NoRegion": "set AWS_REGION to the region that the stage is deployed to",
    "Credential": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "Profile": "AWS_PROFILE names no profile of ~/.aws/config",
    "Token": "the credentials are of no use any more: log in again",
    "AccessDenied": "these credentials need sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility and "
    "GetQueueAttributes on the dead-letter queue, and sqs:SendMessage on the queue of jobs",
    "ValueError": "write AWS_ENDPOINT_URL like http://127.0.0.1:4566, or leave it out for AWS itself",
}
"""What would be right, by a word in the name of what went wrong."""


def _remedy(name: str) -> str:
    otherwise = "is the network up, and does AWS_REGION (and AWS_ENDPOINT_URL, if set) name what is there?"
    return next((remedy for word, remedy in REMEDIES.items() if word in name), otherwise)


def look(queues: Queues, say: Callable[[str], None]) -> None:
    """List the dead letters and leave them where they are."""
    held: list[DeadLetter] = []
    try:
        while letters := queues.receive():
            held += letters
            for letter in letters:
                say(str(letter))
        behind = queues.count()  # those that are held do not count
    finally:
        queues.put_back(held)
    say(f"{_counted(len(held))} would be moved back" + (f", and {behind} more behind them" if behind else ""))


def redrive(queues: Queues, say: Callable[[str], None]) -> None:
    """Move each dead letter back, once; one that is parked again meanwhile stays."""
    moved: set[tuple[str, str]] = set()
    stayed: list[DeadLetter] = []
    try:
        while letters := queues.receive():
            for letter in letters:
                if (letter.group, letter.body) in moved:
                    say(f"{letter}: parked again, left")
                    stayed.append(letter)
                else:
                    queues.move_back(letter)
                    moved.add((letter.group, letter.body))
                    say(str(letter))
    finally:
        queues.put_back(stayed)
    say(f"{_counted(len(moved))} moved back" + (f", {_counted(len(stayed))} parked again" if stayed else ""))


def _counted(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; what goes wrong is one line on stderr."""
    parser = argparse.ArgumentParser(
        "make redrive STAGE=…",
        description="List the dead letters of a stage with their reasons, and move them back.",
    )
    parser.add_argument("--stage", required=True, help="the stage that is deployed, such as dev")
    parser.add_argument("--dry-run", action="store_true", help="list them and leave them where they are")
    options = parser.parse_args(argv)
    try:
        queues = Queues(settings_from(), options.stage)
        (look if options.dry_run else redrive)(queues, print)
    except CannotRedrive as error:
        print(f"penny: {error}", file=sys.stderr)
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
