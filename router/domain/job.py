"""A job: Slack's request verbatim, as `receive` puts it on the queue and the worker reads it.

Its text is ASCII, so that SQS takes it whatever the body holds (SQS refuses some characters). What the
body means is left to others.
"""

from __future__ import annotations

import binascii
import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

from router.errors import MalformedError

VERSION = 1

COMPRESSED_FROM = 200_000
"""Characters of text. Below, a person can read a job in the console; Slack's events seldom reach 20,000."""

LONGEST_TEXT = 1_000_000
"""Characters. SQS takes 1,048,576 bytes with attributes, in which a parked job carries its reason:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

LONGEST_BODY = 6 * 1024 * 1024
"""Bytes. Lambda hands over no more, so what unpacks to more is not from us:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_ENCODING = "zlib+base64"


@dataclass(frozen=True, slots=True)
class Job:
    """Slack's request: `body` exactly as signed, `received_at` in epoch seconds, `retry_num` 0 at first."""

    content_type: str
    body: str
    received_at: float
    retry_num: int = 0

    def to_text(self) -> str:
        """Write the job for the queue, compressed when it is long.

        Raises MalformedError when it is too long for the queue all the same.
        """
        fields = {
            "v": VERSION,
            "content_type": self.content_type,
            "body": self.body,
            "retry_num": self.retry_num,
            "received_at": self.received_at,
        }
        text = json.dumps(fields)
        if len(text) > COMPRESSED_FROM:
            text = json.dumps(fields | {"encoding": _ENCODING, "body": _packed(self.body)})
        if len(text) > LONGEST_TEXT:
            raise MalformedError("body: too long for the queue")
        return text

    @classmethod
    def from_text(cls, text: str) -> Job:
        """Read a job from the queue. Raises MalformedError when it is none, or newer than this code."""
        fields = _fields(text)
        body = _field(fields, "body", str)
        received_at = _field(fields, "received_at", int, float)
        if not math.isfinite(received_at):
            raise MalformedError("job.received_at: must be a time")
        return cls(
            content_type=_field(fields, "content_type", str),
            body=_unpacked(body) if _is_packed(fields) else body,
            received_at=received_at,
            retry_num=_field(fields, "retry_num", int),
        )


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError("job: not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedError("job: must be an object")
    version = _field(fields, "v", int)
    if version != VERSION:
        raise MalformedError(f"job.v: must be {VERSION}; a newer one needs a newer worker")
    return fields


def _field(fields: dict[str, Any], name: str, *types: type) -> Any:
    value = fields.get(name)
    if type(value) not in types:  # not isinstance: true is no number
        raise MalformedError(f"job.{name}: must be {' or '.join(t.__name__ for t in types)}")
    return value


def _is_packed(fields: dict[str, Any]) -> bool:
    if "encoding" not in fields:
        return False
    if fields["encoding"] != _ENCODING:
        raise MalformedError(f"job.encoding: must be {_ENCODING} or absent")
    return True


def _packed(body: str) -> str:
    return binascii.b2a_base64(zlib.compress(body.encode()), newline=False).decode()


def _unpacked(packed: str) -> str:
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(binascii.a2b_base64(packed, strict_mode=True), LONGEST_BODY)
        if unpacking.eof:
            return body.decode()
    except (ValueError, zlib.error) as error:  # ValueError: not base64, or not UTF-8
        raise MalformedError("job.body: does not unpack") from error
    raise MalformedError("job.body: cut short, or too long")
