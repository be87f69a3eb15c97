"""Calls to a local AWS as the JSON that they are, without the SDK: it takes longer than what it calls.

Only for what the local AWS takes on trust: nothing is signed, and nothing is tried again.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playground.aws import REGION

TIMEOUT_S = 30.0
"""Longer than the longest wait for a message, 20 s; a local AWS answers all else at once."""

TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}

Json = dict[str, Any]

Call = Callable[..., Json]
"""A call whose address and service are settled: an operation, then its members by name."""


class AwsRefused(Exception):  # noqa: N818 - reads as what it says
    """The local AWS refused a call; `code` is AWS's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def call(url: str, service: str, operation: str, **request: Any) -> Json:
    """Call an operation of `dynamodb` or `sqs` at `url`.

    Raises AwsRefused, and OSError or HTTPException when nobody answers there, or not to the end.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", "/", json.dumps(request), headers_for(service, operation))
        answer = connection.getresponse()
        return content_of(answer.status, answer.read())
    finally:
        connection.close()


def headers_for(service: str, operation: str) -> dict[str, str]:
    """Say what is called, and where: the local AWS reads no more from the authorization."""
    return {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"{TARGETS[service]}.{operation}",
        "authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request",
    }


def content_of(status: int, body: bytes) -> Json:
    """Read an answer; raises AwsRefused when it is none."""
    try:
        content: Json = json.loads(body or b"{}")
    except ValueError:
        raise AwsRefused(str(status), "the answer is not JSON") from None
    if status != http.HTTPStatus.OK:
        code = str(content.get("__type", status)).rpartition("#")[2]
        raise AwsRefused(code, str(content.get("message") or content.get("Message") or ""))
    return content
