"""A delivered job: one record of the queue, as Lambda hands it to the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.domain.job import Job
from router.errors import MalformedError

MAX_RECEIVES = 3
"""Deliveries of one job before the queue parks it (`maxReceiveCount` of its redrive policy)."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery of a job. `id` is the same in all of them; `deadline` is in epoch seconds."""

    id: str
    receipt: str
    receives: int
    group: str
    text: str
    deadline: float

    @property
    def is_last(self) -> bool:
        """Whether the queue will not deliver it again."""
        return self.receives >= MAX_RECEIVES

    def job(self) -> Job:
        """Read the job; raises MalformedError."""
        return Job.from_text(self.text)


def read_delivered(record: dict[str, Any], deadline: float) -> Delivered:
    """Read a record of an SQS event; raises MalformedError when it is none.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    message_id, receipt, body = (record.get(k) for k in ("messageId", "receiptHandle", "body"))
    attributes = record.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    if not (isinstance(message_id, str) and isinstance(receipt, str) and isinstance(body, str)):
        raise MalformedError("record: must have messageId, receiptHandle and body")
    receives = str(attributes.get("ApproximateReceiveCount", "1"))
    return Delivered(
        id=message_id,
        receipt=receipt,
        receives=int(receives) if receives.isdecimal() else 1,
        group=str(attributes.get("MessageGroupId", message_id)),
        text=body,
        deadline=deadline,
    )
